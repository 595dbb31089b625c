import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import { decode, encode } from "../../../src/protocol/command.ts";
import type { Jail } from "../../../src/rules/rule.ts";
import { Engine } from "../../../src/stream/engine.ts";
import type { Decision } from "../../../src/stream/state/decision.ts";
import { type PersistedLog, Persister } from "../../../src/stream/state/persister.ts";
import { RetentionFilter, type RetentionPolicy } from "../../../src/stream/state/retention.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const second = 1000;
const minute = 60 * second;

const filter = filterRule({ failregex: ["^failed from <HOST>$"] });
const { escalation } = newJail();
const growing = { ...escalation, increment: true, memory: 10 * minute };
const forgetful = { ...escalation, increment: true, overalljails: true, memory: 0 };
const seen = { filter, maxretry: 2 };
// Bans outlast what a line may be late or ahead, both together: else one could end before a failure that it was made of.
const jails: readonly Jail[] = [
  newJail({
    name: "web",
    identifier: ["web"],
    ...seen,
    findtime: 2 * minute,
    bantime: 130 * second,
    escalation: growing,
  }),
  newJail({
    name: "mail",
    identifier: ["mail"],
    ...seen,
    findtime: minute,
    bantime: 130 * second,
    escalation: forgetful,
  }),
  newJail({
    name: "both",
    identifier: ["web", "mail"],
    ...seen,
    maxretry: 4,
    findtime: minute,
    mode: "shadow",
  }),
  newJail({ name: "again", on: "ban", maxretry: 3, findtime: 20 * minute, bantime: 5 * minute }),
];
const compiled = jails.map((jail) => ({
  jail,
  filter: compileFilter(jail.filter, jail.session !== undefined),
}));

/** A line of the log and its time. */
interface Line {
  readonly text: string;
  readonly time: number;
}

/** What is left of a state when its process is killed. */
class MemoryLog implements PersistedLog {
  readonly isNew = false;
  readonly isWhole = true;
  seen = NOW;
  lines: string[] = [];
  /** How many of them were there before the last write. */
  #written = 0;

  add(line: string): void {
    this.lines.push(line);
  }

  *restore(): Iterable<Decision> {
    yield* this.lines.map((line) => decode(line, 0) as Decision);
  }

  start(): void {}

  flush(): void {
    this.#written = this.lines.length;
  }

  noteSeen(time: number, now: number): void {
    this.seen = Math.max(this.seen, Math.min(time, now));
  }

  async end(): Promise<void> {}

  compact(policy: RetentionPolicy): void {
    const filter = new RetentionFilter(policy);
    this.lines = this.lines.filter((line) => filter.retentionOf(decode(line, 0) as Decision) !== "nothing");
    this.flush();
  }

  /** Loses all of the last write but so many commands; gives those that are lost. */
  tear(whole: number): readonly string[] {
    return this.lines.splice(this.#written + whole);
  }
}

/** A process. */
interface Process {
  readonly engine: Engine;
  readonly keeper: Persister;
}

/** One f2b-stream after the other on a log that grows, as long as it is not crashed. */
class Runs {
  /** All that was ever decided. */
  readonly decided = new Set<string>();
  readonly #log: Line[] = [];
  readonly #state = new MemoryLog();
  #process: Process | undefined;

  constructor() {
    this.start(NOW);
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  write(line: Line, now: number): void {
    this.#log.push(line);
    this.#do(({ engine }) => engine.push(Buffer.from(line.text), now));
  }

  tick(now: number): void {
    this.#do(({ engine }) => engine.tick(now));
  }

  /** Bans or unbans by hand; who asked hears of it when it is in the state. */
  steer(cmd: "ban" | "unban", jail: string, ip: string, now: number): void {
    this.#do(({ engine }) => {
      engine.tick(now);
      if (cmd === "unban") engine.manualBans.unban(jail, { ip });
      else engine.manualBans.ban(jail, { ip }, undefined);
    });
    this.#state.flush();
  }

  note(now: number): void {
    this.#process?.keeper.flush();
    this.#process?.keeper.note(now);
  }

  compact(): void {
    if (this.#process) this.#state.compact(this.#process.keeper);
  }

  /** @param whole so many commands of the last write reached the state */
  crash(whole: number): void {
    this.#process = undefined;
    for (const line of this.#state.tear(whole)) this.decided.delete(known(line));
  }

  start(now: number): void {
    if (this.isUp) return;
    const state = this.#state;
    const report = new Report("test", () => undefined);
    const options = { isLive: true, silence: 0, prefilter: true, format: undefined, source: undefined };
    const bounds = { maxLine: 65536, maxKeys: 1000, maxEvidence: 1 << 20 };
    const engine = new Engine(
      compiled,
      { ...options, ...bounds, report, state, write: () => undefined },
      now,
    );
    const keeper = new Persister(state, engine, now);
    this.#process = { engine, keeper };
    const since = state.seen - engine.lookback;
    const again = this.#log.filter(({ time }) => time >= since).map(({ text }) => text);
    this.#do(() => keeper.restore());
    this.#do(() => engine.push(Buffer.from(again.join("")), now));
  }

  inForce(): readonly string[] {
    return [...(this.#process?.keeper.inForce() ?? [])].map((ban) => known(encode(ban))).sort();
  }

  /** What was decided before is in the state by then. */
  #do(act: (process: Process) => void): void {
    if (this.#process === undefined) return;
    this.#state.flush();
    act(this.#process);
    for (const line of this.#state.lines) this.decided.add(known(line));
  }
}

/** A decision without its evidence. */
function known(line: string): string {
  const { matches: _, ...rest } = JSON.parse(line) as { matches?: unknown };
  return JSON.stringify(rest);
}

/** What may happen next, and how long after what happened before. */
interface Step {
  readonly kind: string;
  readonly identifier: string;
  readonly address: string;
  readonly seconds: number;
  /** How late a line is, in seconds; below 0: ahead. */
  readonly late: number;
  /** Whether it is noted then up to when the log was read. */
  readonly notes: boolean;
  /** Of a torn write, so many commands are there. */
  readonly whole: number;
}

/** All times are whole tens of seconds, so that many meet. */
const seconds = fc.oneof(
  fc.constantFrom(0, 0, 10, 20, 30),
  fc.nat(20).map((tens) => 10 * tens),
);

/** @param rare what happens now and then besides lines, starts and crashes */
function stepOf(late: readonly number[], rare: readonly string[]): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.oneof(
      { weight: 8, arbitrary: fc.constant("line") },
      { weight: 2, arbitrary: fc.constant("start") },
      { weight: 4, arbitrary: fc.constantFrom("tick", "compact", "crash", "torn", ...rare) },
    ),
    identifier: fc.constantFrom("web", "web", "mail"),
    address: fc.constantFrom("192.0.2.1", "2001:db8::1"),
    seconds,
    late: fc.constantFrom(...late),
    notes: fc.boolean(),
    whole: fc.nat(3),
  });
}

/** Goes through the steps with one process and with many, and compares what they decided. */
function compare(steps: readonly Step[]): void {
  const calm = new Runs();
  const crashed = new Runs();
  const both = [calm, crashed];
  let now = NOW;
  for (const step of steps) {
    now += step.seconds * second;
    switch (step.kind) {
      case "line": {
        const time = now - step.late * second;
        const text = `${new Date(time).toISOString()} host ${step.identifier}[1]: failed from ${step.address}\n`;
        for (const runs of both) runs.write({ text, time }, now);
        break;
      }
      case "tick":
        for (const runs of both) runs.tick(now);
        break;
      case "compact":
        crashed.compact();
        break;
      case "crash":
        crashed.crash(Number.POSITIVE_INFINITY);
        break;
      case "torn":
        crashed.crash(step.whole);
        break;
      case "ban":
      case "unban":
        if (!crashed.isUp) break;
        for (const runs of both)
          runs.steer(step.kind, step.identifier, step.address.replace("::1", "::/64"), now);
        break;
      case "start":
        crashed.start(now);
    }
    if (step.notes) for (const runs of both) runs.note(now);
  }
  crashed.start(now);
  for (const runs of both) runs.tick(now);
  assert.deepEqual(crashed.inForce(), calm.inForce());
  assert.deepEqual([...crashed.decided].sort(), [...calm.decided].sort());
}

const worlds = [
  { name: "lines that are late or ahead", step: stepOf([0, 0, 0, 10, 50, 60, -10, -60], []) },
  { name: "late lines, and bans and unbans by hand", step: stepOf([0, 0, 0, 10, 50, 60], ["ban", "unban"]) },
];

for (const { name, step } of worlds) {
  test(`a restart at any point changes no decision: ${name}`, () => {
    const property = fc.property(fc.array(step, { minLength: 10, maxLength: 150 }), compare);
    fc.assert(property, { numRuns: 300 });
  });
}
