import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Report } from "../src/cli/report.ts";
import { type Ban, decode, encode, type Unban } from "../src/command.ts";
import { compileFilter } from "../src/filter/compile.ts";
import type { Jail } from "../src/rules/rule.ts";
import { Engine } from "../src/stream/engine.ts";
import { filterRule, newJail } from "./helpers/jail.ts";

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
    bantime: 2 * minute,
    escalation: growing,
  }),
  newJail({
    name: "mail",
    identifier: ["mail"],
    ...seen,
    findtime: minute,
    bantime: 2 * minute,
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
const compiled = jails.map((jail) => ({ jail, filter: compileFilter(jail.filter) }));

/** A line of the log and its time. */
interface Line {
  readonly text: string;
  readonly time: number;
}

/** One f2b-stream after the other on a log that grows, as long as it is not crashed. */
class Runs {
  readonly log: Line[] = [];
  /** All that was ever decided. */
  readonly decided = new Set<string>();
  #engine: Engine | undefined;
  /** The state's commands, and how many of them the last write brought. */
  #state: string[] = [];
  #newest = 0;
  #seen = NOW;

  constructor() {
    this.start(NOW);
  }

  /** Whether a process runs. */
  get isUp(): boolean {
    return this.#engine !== undefined;
  }

  write(line: Line, now: number): void {
    this.log.push(line);
    this.#read(line.text, now);
  }

  tick(now: number): void {
    this.#newest = this.#state.length;
    this.#engine?.tick(now);
  }

  note(now: number): void {
    const time = this.#engine?.readUpTo;
    if (time === undefined) return;
    this.#newest = this.#state.length;
    this.#seen = Math.max(this.#seen, Math.min(time, now));
    this.#engine?.tally.knowSince(this.#seen - this.#engine.reach);
  }

  /** Leaves of the state what a restart needs. */
  compact(): void {
    const tally = this.#engine?.tally;
    if (tally === undefined) return;
    this.#state = this.#state.filter((line) => tally.partOf(decode(line, 0) as Ban | Unban) !== "nothing");
    this.#newest = this.#state.length;
  }

  /** @param whole so many commands of the last write reached the state */
  crash(whole = Number.POSITIVE_INFINITY): void {
    for (const line of this.#state.splice(this.#newest + whole)) this.decided.delete(known(line));
    this.#engine = undefined;
  }

  start(now: number): void {
    if (this.isUp) return;
    const add = (line: string) => {
      this.#state.push(line);
      this.decided.add(known(line));
    };
    const report = new Report("test", () => undefined);
    const options = { isLive: true, silence: 0, prefilter: true, format: undefined, source: undefined };
    const bounds = { maxLine: 65536, maxKeys: 1000, maxEvidence: 1 << 20 };
    const state = { add, isWhole: true };
    const engine = new Engine(
      compiled,
      { ...options, ...bounds, report, state, write: () => undefined },
      now,
    );
    const since = this.#seen - engine.reach;
    engine.tally.knowSince(since);
    for (const line of [...this.#state]) engine.tally.restore(decode(line, 0) as Ban | Unban);
    engine.tally.resume({ isNew: false });
    this.#engine = engine;
    this.#read(
      this.log
        .filter(({ time }) => time >= since)
        .map(({ text }) => text)
        .join(""),
      now,
    );
  }

  inForce(): readonly string[] {
    return [...(this.#engine?.tally.inForce() ?? [])].map((ban) => known(encode(ban))).sort();
  }

  #read(text: string, now: number): void {
    this.#newest = this.#state.length;
    this.#engine?.push(Buffer.from(text), now);
  }
}

/** A decision without its evidence. */
function known(line: string): string {
  const { matches: _, ...rest } = JSON.parse(line) as { matches?: unknown };
  return JSON.stringify(rest);
}

const step = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant("line") },
    { weight: 2, arbitrary: fc.constant("start") },
    { weight: 4, arbitrary: fc.constantFrom("tick", "compact", "crash", "torn") },
  ),
  identifier: fc.constantFrom("web", "web", "mail"),
  address: fc.constantFrom("192.0.2.1", "2001:db8::1"),
  /** How long after the step before. All times are whole tens of seconds, so that many meet. */
  seconds: fc.oneof(
    fc.constantFrom(0, 0, 10, 20, 30),
    fc.nat(20).map((tens) => 10 * tens),
  ),
  /** How late the line is, in seconds; below 0: ahead. */
  late: fc.constantFrom(0, 0, 0, 10, 50, 60, -10, -60),
  /** Whether it is noted then up to when the log was read. */
  notes: fc.boolean(),
  /** Of a torn write, so many commands are there. */
  whole: fc.nat(3),
});

test("a restart changes nothing that is decided, wherever it comes", () => {
  const property = fc.property(fc.array(step, { minLength: 10, maxLength: 150 }), (steps) => {
    const calm = new Runs();
    const crashed = new Runs();
    let now = NOW;
    for (const { kind, identifier, address, seconds, late, whole, notes } of steps) {
      now += seconds * second;
      switch (kind) {
        case "line": {
          const time = now - late * second;
          const text = `${new Date(time).toISOString()} host ${identifier}[1]: failed from ${address}\n`;
          calm.write({ text, time }, now);
          crashed.write({ text, time }, now);
          break;
        }
        case "tick":
          calm.tick(now);
          crashed.tick(now);
          break;
        case "compact":
          crashed.compact();
          break;
        case "crash":
        case "torn":
          crashed.crash(kind === "torn" ? whole : undefined);
          break;
        case "start":
          crashed.start(now);
      }
      if (notes) crashed.note(now);
    }
    crashed.start(now);
    for (const runs of [calm, crashed]) runs.tick(now);
    assert.deepEqual(crashed.inForce(), calm.inForce());
    assert.deepEqual([...crashed.decided].sort(), [...calm.decided].sort());
  });
  fc.assert(property, { numRuns: 400 });
});
