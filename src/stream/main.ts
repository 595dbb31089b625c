import { fstatSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../cli/exit.ts";
import { Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { useZone } from "../cli/zone.ts";
import { type LoadedRules, loadRules } from "../rules/load-rules.ts";
import { tellMistake } from "../rules/report-mistakes.ts";
import { formatPlace, type Jail, type RuleError } from "../rules/rule.ts";
import type { ControlOptions } from "./control/control.ts";
import { Reloader } from "./control/reload.ts";
import { Engine } from "./engine.ts";
import { needsIn } from "./gate/plan.ts";
import { formatMetrics } from "./health/metrics.ts";
import { MetricsFile, streamOf } from "./health/metrics-file.ts";
import { formatStats } from "./health/stats.ts";
import { HELP } from "./help.ts";
import { FileInput } from "./input/file-input.ts";
import { type CompiledJail, compileJails, readsSource } from "./jail/jail.ts";
import { type Options, readOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { run } from "./run.ts";
import type { BanLog } from "./state/banlog.ts";
import { lookbackOf } from "./state/lookback.ts";
import { Persister } from "./state/persister.ts";
import { StateError } from "./state/state-error.ts";

const PROGRAM = "f2b-stream";

/** Milliseconds between telling a mistake and ending where nobody may be looking. */
const PAUSE = 3000;

/** f2b-stream: log lines on stdin, commands on stdout. Gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const report = new Report(PROGRAM);
  let isRun = true;
  try {
    const options = readOptions(argv);
    isRun = options.action === "run";
    report.verbosity = options.verbosity;
    return await act(options, report);
  } catch (error) {
    const status =
      error instanceof StateError ? tellStateError(error, report) : tellMistake(error, PROGRAM, report);
    if (isRun && isRunByDaemon()) await sleep(PAUSE);
    return status;
  }
}

function tellStateError({ code, message }: StateError, report: Report): number {
  report.error(message);
  const statuses = {
    ERR_STATE_ACCESS: EXIT.IO,
    ERR_STATE_BUSY: EXIT.TEMPFAIL,
    ERR_STATE_FORMAT: EXIT.CONFIG,
  };
  return statuses[code];
}

/** syslog-ng starts a program that has ended anew at once, hundreds of times a second: it runs us between pipes, without a terminal. */
function isRunByDaemon(): boolean {
  return fstatSync(0).isFIFO() && fstatSync(1).isFIFO() && !process.stderr.isTTY;
}

async function act(options: Options, report: Report): Promise<number> {
  if (options.action === "help") return print(HELP);
  if (options.action === "version") return print(`${PROGRAM} ${version()}\n`);
  if (options.zone !== undefined) useZone(options.zone);
  const loaded = await readRules(options, report);
  const { jails } = loaded;
  if (options.action === "dump") {
    const { dumpRules } = await import("../rules/dump.ts");
    return print(dumpRules(jails));
  }
  if (options.action === "dump-exec") {
    const { dumpExec } = await import("../rules/fail2ban/dump-exec.ts");
    return print(dumpExec(loaded.exec));
  }
  const now = options.now ?? Date.now();
  if (options.action === "check") return check(loaded, now, report);
  const enabled = enabledOf(loaded, report);
  if (options.action === "resume") return print(`${await resumePoint(options, enabled)}\n`);
  return stream(options, enabled, report, now);
}

async function readRules({ rules, sets }: Options, report: Report): Promise<LoadedRules> {
  const loaded = await loadRules({ specs: rules, sets });
  for (const warning of loaded.warnings) report.warning(warning);
  return loaded;
}

/** Compiles every jail, enabled or not, runs its tests, and tries hostile lines on it. */
async function check(loaded: LoadedRules, now: number, report: Report): Promise<number> {
  const { checkJails } = await import("../check/check.ts");
  const compiled = compileJails(loaded.jails, leaveOutImported(loaded, report));
  const imported = new Set(loaded.exec.map(({ jail }) => jail));
  const { tests, lines } = checkJails(compiled, imported, now, report);
  for (const each of compiled) {
    const needs = each.jail.enabled && each.jail.on === "log" ? needsIn(each, "syslog") : undefined;
    if (needs?.every) report.hint(`[${each.jail.name}] must see every line, which takes time: ${needs.why}`);
  }
  report.line(`${compiled.length} jails, ${tests} tests ok, ${lines} hostile lines`);
  return EXIT.OK;
}

async function stream(
  options: Options,
  jails: readonly CompiledJail[],
  report: Report,
  now: number,
): Promise<number> {
  if (fstatSync(0).isDirectory()) {
    report.error("stdin: is a folder, expected a log");
    return EXIT.IO;
  }
  warnOfSources(jails, options, report);
  const outbox = new Outbox();
  const state = await openState(options, report);
  const engine = new Engine(jails, { ...options, state, report, write: outbox.write }, now);
  const keeper = state && new Persister(state, engine, now);
  keeper?.restore();
  const clock = options.isLive ? Date.now : () => now;
  const load = async () => enabledOf(await readRules(options, report), report);
  const reloader = new Reloader({ engine, report, load, now: clock });
  const metrics = metricsFile(options.metrics, engine, report, state);
  metrics?.start();
  const status = await run({
    engine,
    report,
    isLive: options.isLive,
    now: clock,
    heartbeat: options.isLive && isPipe(1) ? options.heartbeat : 0,
    silence: options.silence,
    input: fstatSync(0).isFile() ? new FileInput(0) : process.stdin,
    isCut: keeper !== undefined && isPipe(0),
    keeper,
    take: () => outbox.take(),
    reloader,
    open: () => steerable(options, { engine, reloader, report, now: clock }),
  });
  await keeper?.end(Date.now());
  await metrics?.end();
  if (options.stats) for (const line of formatStats(engine, state)) report.line(line);
  return status;
}

/** Opens the control socket, if one is wanted, and gives what closes it. Undefined: it can't be had. */
async function steerable(
  { control, source }: Options,
  steered: Pick<ControlOptions, "engine" | "reloader" | "report" | "now">,
): Promise<(() => void) | undefined> {
  if (control === undefined) return () => undefined;
  const { openControl } = await import("./control/open-control.ts");
  const waiting = () => process.stdout.writableLength;
  return openControl(control, { ...steered, source, started: startOfProcess(), waiting });
}

/** Its code is loaded only when it is asked for. */
async function openState({ state }: Options, report: Report): Promise<BanLog | undefined> {
  if (state === undefined) return undefined;
  const { BanLog } = await import("./state/banlog.ts");
  return BanLog.open(state, report);
}

/** From when the log is to be read, for what the last run knew of it to be known again: `@seconds`. */
async function resumePoint({ state = "", source }: Options, jails: readonly CompiledJail[]): Promise<string> {
  const { readSeen } = await import("./state/resume.ts");
  const now = Date.now();
  const reading = jails.filter(({ jail }) => readsSource(jail, source));
  const seen = Math.min(readSeen(state) ?? now, now);
  return `@${Math.max(0, Math.floor((seen - lookbackOf(reading)) / 1000))}`;
}

function metricsFile(
  path: string | undefined,
  engine: Engine,
  report: Report,
  state: BanLog | undefined,
): MetricsFile | undefined {
  if (path === undefined) return undefined;
  const stream = streamOf(path);
  const started = startOfProcess();
  const format = () => formatMetrics(engine, { started, resident: process.memoryUsage.rss(), state }, stream);
  return new MetricsFile(path, format, report);
}

/** In epoch milliseconds. */
function startOfProcess(): number {
  return Math.round(Date.now() - process.uptime() * 1000);
}

function enabledOf(loaded: LoadedRules, report: Report): readonly CompiledJail[] {
  return compileJails(
    loaded.jails.filter(({ enabled }) => enabled),
    leaveOutImported(loaded, report),
  );
}

/** A jail of fail2ban's that can't be carried over is told of and stops no other; one of our own must be right. */
function leaveOutImported({ exec }: LoadedRules, report: Report) {
  const imported = new Set(exec.map(({ jail }) => jail));
  return ({ name }: Jail, errors: readonly RuleError[]): boolean => {
    if (!imported.has(name)) return false;
    for (const { place, message } of errors) {
      report.warning(`jail ${name}: left out: ${formatPlace(place)}: ${message}`);
    }
    return true;
  };
}

function warnOfSources(jails: readonly CompiledJail[], { source }: Options, report: Report): void {
  if (source !== undefined) return;
  const paths = new Set(
    jails.map(({ jail }) => jail.logpath?.join(" ")).filter((path) => path !== undefined),
  );
  if (paths.size < 2) return;
  report.warning("the jails name different logs, and every jail sees every line of this one");
  report.hint("--source /var/log/auth.log says which log stdin is");
}

/** Gives the exit status: the reader may be gone. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => resolve(EXIT.PIPE));
    process.stdout.write(text, (error) => resolve(error ? EXIT.PIPE : EXIT.OK));
  });
}

function isPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}
