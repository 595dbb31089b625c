import assert from "node:assert/strict";
import { Report } from "../../src/cli/report.ts";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import type { Jail } from "../../src/rules/rule.ts";
import type { Decisions } from "../../src/stream/ban/decisions.ts";
import { FailureCounter } from "../../src/stream/ban/failure-counter.ts";
import { ManualBans } from "../../src/stream/ban/manual-bans.ts";
import { RunningJail } from "../../src/stream/jail/running-jail.ts";
import { Evidence } from "../../src/stream/window/evidence.ts";
import { filterRule, newJail } from "./jail.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);

/** A failure counter with one jail, what its decisions write and what it reports. */
export class TestCounter {
  /** Messages. */
  readonly told: string[] = [];
  readonly #lines: string[] = [];
  readonly #isLive: boolean;
  readonly failures: FailureCounter;
  readonly decisions: Decisions;
  readonly manualBans: ManualBans;
  readonly #evidence = new Evidence({ maxBytes: 1 << 19 });
  #flush: () => void = () => undefined;
  readonly running: RunningJail;

  constructor(settings: Partial<Jail>, { isLive = true, maxBans = 1000 } = {}) {
    const report = new Report("test", (line) => this.told.push(line));
    const write = (line: string) => this.#lines.push(line);
    const flush = () => this.#flush();
    this.failures = new FailureCounter({
      isLive,
      maxKeys: 100,
      maxBans,
      maxEvidence: 1 << 20,
      write,
      flush,
      report,
    });
    this.decisions = this.failures.decisions;
    this.manualBans = new ManualBans(this.decisions);
    this.#isLive = isLive;
    this.running = this.#run(settings);
    this.decisions.reload(new Map([[this.running.jail.name, this.running]]));
    if (isLive) this.decisions.tick(NOW);
  }

  /** Takes up a second jail. */
  withJail(settings: Partial<Jail>): RunningJail {
    const running = this.#run(settings);
    this.decisions.reload(new Map([this.running, running].map((each) => [each.jail.name, each])));
    return running;
  }

  #run(settings: Partial<Jail>): RunningJail {
    const jail = newJail({ maxretry: 1, ...settings });
    const filter = compileFilter(filterRule({ failregex: ["<HOST>"] }));
    const warn = () => assert.fail();
    const host = {
      isLive: this.#isLive,
      maxKeys: 100,
      evidence: this.#evidence,
      addressesOf: () => [],
      warn,
    };
    return new RunningJail({ jail, filter }, host);
  }

  /** Counts a failure; `kind` as its filter would have it. */
  fail(id: string, kind: "address" | "host" | "id" = "address", cidr?: string, times = 1): void {
    const failure = {
      match: true,
      id,
      kind,
      cidr,
      time: NOW,
      regex: 0,
      times,
      lines: [id],
      groups: () => ({}),
    } as const;
    this.failures.add(this.running, failure, NOW);
  }

  /** What was written: `ban 192.0.2.1`, and so on. */
  commands(): string[] {
    return this.#lines.map((line) => {
      const { cmd, ip, id, phase } = JSON.parse(line) as Record<string, string>;
      return [cmd, phase, ip, id && `id ${id}`].filter(Boolean).join(" ");
    });
  }

  /** Resolves when an answer has come. */
  answered(): Promise<void> {
    return new Promise((resolve) => {
      this.#flush = resolve;
    });
  }
}
