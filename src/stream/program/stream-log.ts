import { fstatSync } from "node:fs";
import { EXIT } from "../../cli/exit.ts";
import type { Report } from "../../cli/report.ts";
import { Reloader } from "../control/reload.ts";
import type { RequestHandlerOptions } from "../control/request-handler.ts";
import { Engine } from "../engine.ts";
import { formatMetrics } from "../health/metrics.ts";
import { MetricsFile, streamOf } from "../health/metrics-file.ts";
import { formatStats } from "../health/stats.ts";
import { FileInput } from "../input/file-input.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import type { Options } from "../options.ts";
import { Outbox } from "../outbox.ts";
import { type RunClock, type RunSurroundings, run } from "../run.ts";
import type { BanLog } from "../state/banlog.ts";
import { Persister } from "../state/persister.ts";
import { enabledJails, readRules } from "./load-jails.ts";

export interface StreamContext {
  readonly report: Report;
  /** In a replay its `now` stands still. */
  readonly clock: RunClock;
  /** When the process started, in epoch milliseconds. */
  readonly started: number;
  readonly onSignals: RunSurroundings["onSignals"];
}

/** Puts the engine together with what the options name, and runs it from stdin to stdout. Gives the exit status. */
export async function streamLog(
  options: Options,
  jails: readonly CompiledJail[],
  context: StreamContext,
): Promise<number> {
  const { report, clock, onSignals } = context;
  if (fstatSync(0).isDirectory()) {
    report.error("stdin: is a folder, expected a log");
    return EXIT.IO;
  }
  const outbox = new Outbox();
  const { write, flush } = outbox;
  const state = await openState(options, report);
  const engine = new Engine(jails, { ...options, state, report, write, flush }, clock.now());
  const persister = state && new Persister(state, engine, clock.now());
  persister?.restore();
  const load = async () => enabledJails(await readRules(options, report), report);
  const reloader = new Reloader({ engine, flush, report, load, now: clock.now });
  const metrics = metricsFile(options.metrics, engine, context, state);
  metrics?.start();
  const { isLive, silence } = options;
  const heartbeat = isLive && isPipe(1) ? options.heartbeat : 0;
  const isCut = persister !== undefined && isPipe(0);
  const open = () => openControl(options, { engine, reloader, flush }, context);
  const status = await run(
    { engine, report, isLive, heartbeat, silence, isCut, persister, outbox, reloader, open },
    {
      input: fstatSync(0).isFile() ? new FileInput(0) : process.stdin,
      output: process.stdout,
      clock,
      onSignals,
    },
  );
  await persister?.end(clock.now());
  await metrics?.end();
  if (options.stats) for (const line of formatStats(engine, state)) report.line(line);
  return status;
}

/** Opens the control socket, if one is wanted, and gives what closes it. Undefined: it failed, which was reported. */
async function openControl(
  { control, source }: Options,
  steered: Pick<RequestHandlerOptions, "engine" | "reloader" | "flush">,
  { report, clock, started }: StreamContext,
): Promise<(() => void) | undefined> {
  if (control === undefined) return () => undefined;
  const { openControl } = await import("../control/open-control.ts");
  const waiting = () => process.stdout.writableLength;
  return openControl(control, { ...steered, report, now: clock.now, source, started, waiting });
}

/** Its code is loaded only when it is needed. */
async function openState({ state }: Options, report: Report): Promise<BanLog | undefined> {
  if (state === undefined) return undefined;
  const { BanLog } = await import("../state/banlog.ts");
  return BanLog.open(state, report);
}

function metricsFile(
  path: string | undefined,
  engine: Engine,
  { report, clock, started }: StreamContext,
  state: BanLog | undefined,
): MetricsFile | undefined {
  if (path === undefined) return undefined;
  const stream = streamOf(path);
  const format = () => formatMetrics(engine, { started, resident: process.memoryUsage.rss(), state }, stream);
  return new MetricsFile(path, format, report, clock);
}

function isPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}
