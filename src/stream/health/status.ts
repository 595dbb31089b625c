import type { Report } from "../../cli/report.ts";
import { version } from "../../cli/version.ts";
import type { JailCounts, JailStatus, Status } from "../../protocol/control-answers.ts";
import { jailToKeys } from "../../rules/jail-to-yaml.ts";
import { CAUSES } from "./alerts.ts";
import type { EngineFigures, JailFigures } from "./figures.ts";

/** What `status` shows besides the figures of the engine. */
export interface StatusHost {
  readonly report: Report;
  readonly source: string | undefined;
  /** When the program started, in epoch milliseconds. */
  readonly started: number;
}

/** How f2b-stream is doing. `now` in epoch milliseconds. */
export function statusOf(
  engine: EngineFigures,
  { report, source, started }: StatusHost,
  now: number,
): Status {
  const { counts, failures, decisions, monitor, format = null } = engine;
  const banned = decisions.banlist.countByJail();
  const { lastInput } = monitor;
  return {
    version: version(),
    pid: process.pid,
    started: new Date(started).toISOString(),
    now: new Date(now).toISOString(),
    format,
    source: source ?? null,
    ...sourcesOf(engine, lastInput !== undefined),
    bytes: counts.bytes,
    lastinput: lastInput === undefined ? null : new Date(lastInput).toISOString(),
    blind: CAUSES.filter((cause) => monitor.alerts.of(cause).isOn),
    overlong: counts.overlong,
    givenup: counts.givenUp,
    nobody: failures.counts.unbannable,
    ended: decisions.counts.ended,
    full: decisions.counts.full,
    evicted: decisions.counts.evicted,
    warnings: report.warnings,
    memory: process.memoryUsage.rss(),
    banned: decisions.banlist.size,
    jails: [...engine.jails.values()].map((jail) => countsOf(jail, banned)),
  };
}

/** The sources that have names, if there are some. */
function sourcesOf({ sources }: EngineFigures, isLive: boolean): Pick<Status, "sources"> {
  const named = sources.flatMap(({ name, format = null, bytes, lastInput }) =>
    name === undefined
      ? []
      : [{ name, format, bytes, lastinput: isLive ? new Date(lastInput).toISOString() : null }],
  );
  return named.length === 0 ? {} : { sources: named };
}

/** One jail, with its settings as rules have them. */
export function jailStatusOf(engine: EngineFigures, jail: JailFigures): JailStatus {
  const { tests: _tests, ...settings } = jailToKeys(jail.jail);
  return { ...countsOf(jail, engine.decisions.banlist.countByJail()), rule: jail.jail.place, settings };
}

function countsOf(
  { jail: { name, mode, on }, counts, window }: JailFigures,
  banned: ReadonlyMap<string, number>,
): JailCounts {
  return {
    jail: name,
    mode,
    on,
    ...counts,
    banned: banned.get(name) ?? 0,
    addresses: window.size,
    evicted: window.evicted,
  };
}
