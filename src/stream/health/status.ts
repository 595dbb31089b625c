import type { Report } from "../../cli/report.ts";
import { version } from "../../cli/version.ts";
import type { JailCounts, JailStatus, Status } from "../../protocol/control-answers.ts";
import { jailToKeys } from "../../rules/jail-to-yaml.ts";
import type { RunningJail } from "../jail/jail.ts";
import { CAUSES } from "./alerts.ts";
import type { EngineFigures } from "./figures.ts";

/** What `status` shows besides what the engine knows. */
export interface StatusHost {
  readonly report: Report;
  readonly source: string | undefined;
  /** When the program began, in epoch milliseconds. */
  readonly started: number;
}

/** How f2b-stream is doing. `now` in epoch milliseconds. */
export function statusOf(
  engine: EngineFigures,
  { report, source, started }: StatusHost,
  now: number,
): Status {
  const { counts, tally, sight, format = null } = engine;
  const banned = tally.bansByJail();
  const { lastInput } = sight;
  return {
    version: version(),
    pid: process.pid,
    started: new Date(started).toISOString(),
    now: new Date(now).toISOString(),
    format,
    source: source ?? null,
    bytes: counts.bytes,
    lastinput: lastInput === undefined ? null : new Date(lastInput).toISOString(),
    blind: CAUSES.filter((cause) => sight.blindness.of(cause).isOn),
    overlong: counts.overlong,
    givenup: counts.givenUp,
    nobody: tally.counts.nobody,
    ended: tally.counts.ended,
    full: tally.counts.full,
    evicted: tally.counts.evicted,
    warnings: report.warnings,
    memory: process.memoryUsage.rss(),
    banned: tally.bans,
    jails: [...engine.jails.values()].map((running) => countsOf(running, banned)),
  };
}

/** One jail, with its settings as rules have them. */
export function jailStatusOf(engine: EngineFigures, running: RunningJail): JailStatus {
  const { tests: _tests, ...settings } = jailToKeys(running.jail);
  return { ...countsOf(running, engine.tally.bansByJail()), rule: running.jail.place, settings };
}

function countsOf(
  { jail: { name, mode, on }, counts, window }: RunningJail,
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
