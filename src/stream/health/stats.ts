import type { RunningJail } from "../jail/jail.ts";
import { CAUSES } from "./alerts.ts";
import type { EngineFigures } from "./figures.ts";
import type { StateFigures } from "./metrics.ts";

/** What was counted, for people: a line on the input, one on what was left out, one on lines of another shape, one on a state, one on blindness if there was any, one a jail. */
export function formatStats(
  { counts, tally, jails, sight }: EngineFigures,
  state?: StateFigures,
): readonly string[] {
  const { ended, full, evicted, nobody, answered } = tally.counts;
  const blind = CAUSES.map((cause) => ({ cause, ...sight.blindness.of(cause) }))
    .filter(({ times }) => times > 0)
    .map(({ cause, times, isOn }) => `${cause} ${times}${isOn ? ", still" : ""}`);
  return [
    `${counts.bytes} bytes read, ${counts.overlong} overlong lines dropped, ${counts.givenUp} searches given up, ${tally.bans} bans in force`,
    `${nobody} failures of nobody who can be banned, ${ended} bans not written because they had ended${full > 0 ? `, ${full} because too many were in force` : ""}${evicted > 0 ? `, ${evicted} bans ended early for others` : ""}`,
    ...(state
      ? [`state: ${answered} failures had their answer before, ${state.failures} writes failed`]
      : []),
    ...(counts.stray > 0 ? [`${counts.stray} lines of another shape than the format's were seen`] : []),
    ...(blind.length > 0 ? [`times blind: ${blind.join("; ")}`] : []),
    ...[...jails].map(([name, running]) => `[${name}] ${formatJail(running)}`),
  ];
}

function formatJail({ counts: { failures, ignored, bans, repeats }, window }: RunningJail): string {
  const again = repeats > 0 ? `, ${repeats} said again` : "";
  const evicted = window.evicted > 0 ? `, ${window.evicted} forgotten for want of room` : "";
  return `${failures} failures, ${ignored} ignored, ${bans} bans${again}, ${window.size} addresses remembered${evicted}`;
}
