import type { Engine } from "./engine.ts";

/** What was counted, for people: a line on the input, one on what was left out, one a jail. */
export function formatStats({ counts, tally, jails }: Engine): readonly string[] {
  const { ended, nobody } = tally.counts;
  return [
    `${counts.bytes} bytes read, ${counts.overlong} overlong lines dropped, ${counts.givenUp} searches given up, ${tally.bans} bans in force`,
    `${nobody} failures of nobody who can be banned, ${ended} bans not written because they had ended`,
    ...[...jails].map(
      ([
        name,
        {
          counts: { failures, ignored, bans },
          window,
        },
      ]) => {
        const evicted = window.evicted > 0 ? `, ${window.evicted} forgotten for want of room` : "";
        return `[${name}] ${failures} failures, ${ignored} ignored, ${bans} bans, ${window.size} addresses remembered${evicted}`;
      },
    ),
  ];
}
