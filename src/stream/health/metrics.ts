import { version } from "../../cli/version.ts";
import { CAUSES, type CauseState } from "./alerts.ts";
import type { EngineFigures, JailFigures } from "./figures.ts";

/** What health shows of the process. */
export interface ProcessFigures {
  /** When it started, in epoch milliseconds. */
  readonly started: number;
  /** Bytes of memory that it holds now. */
  readonly resident: number;
  /** Undefined: there is no state. */
  readonly state?: StateFigures | undefined;
}

/** What health shows of a state. */
export interface StateFigures {
  /** False: some decision is not in it. */
  readonly isWhole: boolean;
  /** Writes that failed. */
  readonly failures: number;
}

/** A metric that each `T` has. */
interface Metric<T> {
  /** Without `f2b_stream_` in front. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Undefined: there is no value yet. */
  readonly of: (from: T) => number | undefined;
}

type Labels = Readonly<Record<string, string>>;

const OF_ALL: readonly Metric<{ readonly engine: EngineFigures; readonly figures: ProcessFigures }>[] = [
  {
    name: "start_time_seconds",
    type: "gauge",
    help: "When the program started, in seconds since 1970.",
    of: ({ figures }) => figures.started / 1000,
  },
  {
    name: "resident_memory_bytes",
    type: "gauge",
    help: "Memory that the process holds.",
    of: ({ figures }) => figures.resident,
  },
  {
    name: "input_bytes_total",
    type: "counter",
    help: "Bytes read.",
    of: ({ engine }) => engine.counts.bytes,
  },
  {
    name: "last_input_time_seconds",
    type: "gauge",
    help: "When input came last, in seconds since 1970.",
    of: ({ engine }) => seconds(engine.monitor.lastInput),
  },
  {
    name: "judged_entries_total",
    type: "counter",
    help: "Entries looked at in full: those that a rule might match.",
    of: ({ engine }) => engine.judged,
  },
  {
    name: "overlong_lines_total",
    type: "counter",
    help: "Lines dropped because they were longer than --max-line.",
    of: ({ engine }) => engine.counts.overlong,
  },
  {
    name: "stray_lines_total",
    type: "counter",
    help: "Lines of another shape than the format's, read as plain ones: all of a journal's, of others the sampled ones.",
    of: ({ engine }) => engine.counts.stray,
  },
  {
    name: "given_up_searches_total",
    type: "counter",
    help: "Searches stopped because they took too long.",
    of: ({ engine }) => engine.counts.givenUp,
  },
  {
    name: "unbannable_failures_total",
    type: "counter",
    help: "Failures without an address that can be banned.",
    of: ({ engine }) => engine.failures.counts.unbannable,
  },
  {
    name: "ended_bans_total",
    type: "counter",
    help: "Bans not written because they had ended when they were found.",
    of: ({ engine }) => engine.decisions.counts.ended,
  },
  {
    name: "refused_bans_total",
    type: "counter",
    help: "Bans not written because too many were in force.",
    of: ({ engine }) => engine.decisions.counts.full,
  },
  {
    name: "evicted_bans_total",
    type: "counter",
    help: "Bans ended early because too many were in force.",
    of: ({ engine }) => engine.decisions.counts.evicted,
  },
  {
    name: "answered_failures_total",
    type: "counter",
    help: "Failures no later than the last ban or unban of their address, which do not count again.",
    of: ({ engine, figures }) => figures.state && engine.failures.counts.answered,
  },
  {
    name: "state_whole",
    type: "gauge",
    help: "1 while the state holds all decisions.",
    of: ({ figures }) => figures.state && Number(figures.state.isWhole),
  },
  {
    name: "state_write_failures_total",
    type: "counter",
    help: "Failed writes of the state.",
    of: ({ figures }) => figures.state?.failures,
  },
  {
    name: "bans_in_force",
    type: "gauge",
    help: "Bans in force.",
    of: ({ engine }) => engine.decisions.banlist.size,
  },
];

const OF_JAIL: readonly Metric<JailFigures>[] = [
  { name: "failures_total", type: "counter", help: "Failures counted.", of: ({ counts }) => counts.failures },
  {
    name: "ignored_failures_total",
    type: "counter",
    help: "Failures of ignored addresses.",
    of: ({ counts }) => counts.ignored,
  },
  { name: "bans_total", type: "counter", help: "Bans written.", of: ({ counts }) => counts.bans },
  { name: "unbans_total", type: "counter", help: "Unbans written.", of: ({ counts }) => counts.unbans },
  {
    name: "repeated_bans_total",
    type: "counter",
    help: "Bans written again because a banned address still logged failures.",
    of: ({ counts }) => counts.repeats,
  },
  {
    name: "addresses",
    type: "gauge",
    help: "Addresses whose failures are remembered.",
    of: ({ window }) => window.size,
  },
  {
    name: "evicted_addresses_total",
    type: "counter",
    help: "Addresses forgotten because there were more than --max-keys.",
    of: ({ window }) => window.evicted,
  },
];

const OF_CAUSE: readonly Metric<CauseState>[] = [
  {
    name: "blind",
    type: "gauge",
    help: "1 while this cause keeps failures from being seen.",
    of: ({ isOn }) => (isOn ? 1 : 0),
  },
  {
    name: "blindness_total",
    type: "counter",
    help: "How often this cause has set in.",
    of: ({ times }) => times,
  },
];

/**
 * What was counted, as Prometheus reads it (text exposition format 0.0.4).
 *
 * @param stream the value of a label that all metrics carry, which sets apart those of several f2b-stream
 */
export function formatMetrics(engine: EngineFigures, figures: ProcessFigures, stream: string): string {
  const jails = [...engine.jails].map(([jail, running]) => [{ stream, jail }, running] as const);
  const causes = CAUSES.map((cause) => [{ stream, cause }, engine.monitor.alerts.of(cause)] as const);
  const info: Metric<undefined> = {
    name: "info",
    type: "gauge",
    help: "The version. Always 1.",
    of: () => 1,
  };
  return [
    formatFamily(info, [[{ stream, version: version() }, undefined]]),
    ...OF_ALL.map((metric) => formatFamily(metric, [[{ stream }, { engine, figures }]])),
    ...OF_JAIL.map((metric) => formatFamily(metric, jails)),
    ...OF_CAUSE.map((metric) => formatFamily(metric, causes)),
  ].join("");
}

function formatFamily<T>(
  { name, type, help, of }: Metric<T>,
  each: readonly (readonly [labels: Labels, from: T])[],
): string {
  const whole = `f2b_stream_${name}`;
  const samples = each.flatMap(([labels, from]) => {
    const value = of(from);
    return value === undefined ? [] : [`${whole}{${formatLabels(labels)}} ${value}\n`];
  });
  return samples.length === 0 ? "" : `# HELP ${whole} ${help}\n# TYPE ${whole} ${type}\n${samples.join("")}`;
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}

function seconds(time: number | undefined): number | undefined {
  return time === undefined ? undefined : time / 1000;
}
