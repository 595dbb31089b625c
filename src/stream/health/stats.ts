import { printable } from "../../cli/report.ts";
import { plural } from "../../shared/plural.ts";
import { CAUSES } from "./alerts.ts";
import type { EngineFigures, JailFigures } from "./figures.ts";
import type { StateFigures } from "./metrics.ts";

/** Longest name of a source that is shown, in characters. */
const LONGEST_NAME = 200;

/**
 * What was counted, as lines for people: one on the input, one on what was not banned, and one for each jail; between them one on
 * the state, on lines of another shape, on alerts, and on each source that has a name, where there are some.
 */
export function formatStats(engine: EngineFigures, state?: StateFigures): readonly string[] {
  const { counts, jails } = engine;
  return [
    inputLine(engine),
    unbannedLine(engine),
    ...(state ? [stateLine(engine, state)] : []),
    ...(counts.stray > 0 ? [`${plural(counts.stray, "line")} of another shape than the format's`] : []),
    ...alertLines(engine),
    ...sourceLines(engine),
    ...[...jails].map(([name, jail]) => `[${name}] ${formatJail(jail)}`),
  ];
}

function inputLine({ counts, decisions }: EngineFigures): string {
  return [
    `${plural(counts.bytes, "byte")} read`,
    `${plural(counts.overlong, "overlong line")} dropped`,
    `${plural(counts.givenUp, "search", "searches")} given up`,
    `${plural(decisions.banlist.size, "ban")} in force`,
  ].join(", ");
}

function unbannedLine({ failures, decisions }: EngineFigures): string {
  const { ended, full, evicted } = decisions.counts;
  return [
    `${plural(failures.counts.unbannable, "failure")} without an address that can be banned`,
    `${plural(ended, "ban")} not written because they had ended`,
    ...(full > 0 ? [`${full} because too many were in force`] : []),
    ...(evicted > 0 ? [`${plural(evicted, "ban")} ended early to make room`] : []),
  ].join(", ");
}

function stateLine({ failures }: EngineFigures, state: StateFigures): string {
  const answered = plural(failures.counts.answered, "failure");
  return `state: ${answered} not counted again, ${plural(state.failures, "write")} failed`;
}

function alertLines({ monitor }: EngineFigures): readonly string[] {
  const alerts = CAUSES.map((cause) => ({ cause, ...monitor.alerts.of(cause) }))
    .filter(({ times }) => times > 0)
    .map(({ cause, times, isOn }) => `${cause} ${times}${isOn ? ", still on" : ""}`);
  return alerts.length > 0 ? [`alerts: ${alerts.join("; ")}`] : [];
}

/** One line for each source that has a name. */
function sourceLines({ sources }: EngineFigures): readonly string[] {
  return sources.flatMap(({ name, format, bytes, judged }) => {
    const lines = plural(judged, "line");
    return name === undefined
      ? []
      : [
          `${printable(name, LONGEST_NAME)}: ${plural(bytes, "byte")} read as ${format ?? "nothing"}, ${lines} looked at in full`,
        ];
  });
}

function formatJail({ counts: { failures, ignored, bans, repeats }, window }: JailFigures): string {
  return [
    plural(failures, "failure"),
    `${ignored} ignored`,
    plural(bans, "ban"),
    ...(repeats > 0 ? [`${repeats} written again`] : []),
    `${plural(window.size, "address", "addresses")} remembered`,
    ...(window.evicted > 0 ? [`${window.evicted} forgotten to make room`] : []),
  ].join(", ");
}
