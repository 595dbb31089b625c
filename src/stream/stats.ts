import { CAUSES } from "./blindness.ts";
import type { Engine } from "./engine.ts";
import type { RunningJail } from "./jail.ts";

/** What was counted, for people: a line on the input, one on what was left out, one on blindness if there was any, one a jail. */
export function formatStats({ counts, tally, jails, sight }: Engine): readonly string[] {
  const { ended, nobody } = tally.counts;
  const blind = CAUSES.map((cause) => ({ cause, ...sight.blindness.of(cause) }))
    .filter(({ times }) => times > 0)
    .map(({ cause, times, isOn }) => `${cause} ${times}${isOn ? ", still" : ""}`);
  return [
    `${counts.bytes} bytes read, ${counts.overlong} overlong lines dropped, ${counts.givenUp} searches given up, ${tally.bans} bans in force`,
    `${nobody} failures of nobody who can be banned, ${ended} bans not written because they had ended`,
    ...(blind.length > 0 ? [`times blind: ${blind.join("; ")}`] : []),
    ...[...jails].map(([name, running]) => `[${name}] ${formatJail(running)}`),
  ];
}

function formatJail({ counts: { failures, ignored, bans, repeats }, window }: RunningJail): string {
  const again = repeats > 0 ? `, ${repeats} said again` : "";
  const evicted = window.evicted > 0 ? `, ${window.evicted} forgotten for want of room` : "";
  return `${failures} failures, ${ignored} ignored, ${bans} bans${again}, ${window.size} addresses remembered${evicted}`;
}
