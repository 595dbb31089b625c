import { columns } from "../cli/columns.ts";
import type { Explained } from "../protocol/control-answers.ts";
import { formatDuration } from "../shared/duration.ts";
import { plural } from "../shared/plural.ts";
import { left, shown, shownEnd } from "./words.ts";

/** Why a subject is banned, or how near it is to a ban, jail by jail. `now` in epoch milliseconds. */
export function explainText(who: string, explained: readonly Explained[], now: number): readonly string[] {
  if (explained.length === 0) return [`${who}: no failures counted and no bans`];
  return explained.flatMap((each) => [
    verdict(each, now),
    ...columns([...banRows(each), ...countRows(each, now), ...pastRows(each), ...ruleRows(each)]).map(
      (line) => `  ${line}`,
    ),
  ]);
}

function verdict(explained: Explained, now: number): string {
  const { jail, ip, id, ban, ignored, failures, maxretry, findtime } = explained;
  const who = shown(ip ?? id ?? "");
  if (ban !== null) {
    const what = ban.cmd === "ban" ? "is banned in" : "would be banned in";
    return `${who} ${what} ${shown(jail)} ${shownEnd(ban.until, now)}`;
  }
  if (ignored !== null) return `${who} is never banned in ${shown(jail)}: ${shown(ignored)}`;
  return `${who} is not banned in ${shown(jail)}: ${failures.length} of ${plural(maxretry, "failure")} within ${duration(findtime)}`;
}

function banRows({ ban, maxretry, findtime, repeats, repeated }: Explained): readonly string[][] {
  if (ban === null) return [];
  const { failures = 0, time, source, manual } = ban;
  const window = `${plural(failures, "failure")} within ${duration(findtime)}`;
  const why = manual
    ? `by hand; ${window} ${failures === 1 ? "was" : "were"} counted`
    : `${window}, and maxretry is ${maxretry}`;
  return [
    ["since", time],
    ["why", why],
    ...(source === undefined ? [] : [["log", shown(source)]]),
    ...(repeats > 0
      ? [["logging", `still: ${plural(repeats, "window")} completed since, the last at ${repeated}`]]
      : []),
  ];
}

function countRows({ ban, failures, forgotten, maxretry }: Explained, now: number): readonly string[][] {
  const newest = failures.at(-1);
  if (newest === undefined || forgotten === null) return [];
  const counted = ban === null ? "" : `${failures.length} of ${maxretry} since, `;
  return [
    ["failures", `${counted}the last at ${newest}, forgotten at ${forgotten} (${left(forgotten, now)} left)`],
  ];
}

function pastRows({ ban, bancount, remembered, next }: Explained): readonly string[][] {
  const nextBan = `the next would last ${next === null ? "for ever" : duration(next)}`;
  if (ban !== null) return [["bancount", `${bancount}; ${nextBan}`]];
  if (bancount === 0) return [];
  return [["bancount", `${bancount}, remembered until ${remembered}; ${nextBan}`]];
}

function ruleRows({ rule, matches }: Explained): readonly string[][] {
  return [
    ["rule", `${shown(rule.file)}:${rule.line}:${rule.column}`],
    ...matches.map((line, index) => [index === 0 ? "lines" : "", shown(line)]),
  ];
}

function duration(seconds: number): string {
  return formatDuration(seconds * 1000);
}
