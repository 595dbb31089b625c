import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Report } from "../../../src/cli/report.ts";
import { type Command, decode, encode } from "../../../src/protocol/command.ts";
import { Engine } from "../../../src/stream/engine.ts";
import type { CompiledJail } from "../../../src/stream/jail/compile-jails.ts";
import { BanLog } from "../../../src/stream/state/banlog.ts";
import { encodeHeader } from "../../../src/stream/state/header.ts";
import { Persister } from "../../../src/stream/state/persister.ts";
import { readSeen } from "../../../src/stream/state/resume.ts";
import { StateError } from "../../../src/stream/state/state-error.ts";
import { appJails } from "../engine.ts";
import { pick, type Random, seededRandom, upTo } from "../random-pattern.ts";
import { BYTE_DAMAGES, type Damage, damagedBy, lineDamages } from "./damage.ts";
import { jsonDamage } from "./json.ts";
import { choicesOf, type FuzzTarget } from "./target.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

const DAMAGES: readonly Damage[] = [...lineDamages(jsonDamage), ...lineDamages(jsonDamage), ...BYTE_DAMAGES];

/** States as f2b-stream may find them: whatever they hold, what is in force has an end to come and room. */
export class StatesTarget implements FuzzTarget {
  readonly longest = 400_000;
  readonly seeds = [3, 40, 400].map(seedState);
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-fuzz-"));
  readonly #jails: readonly CompiledJail[];
  #states = 0;
  #bans = 0;
  #over = 0;

  private constructor(jails: readonly CompiledJail[]) {
    this.#jails = jails;
  }

  static async create(): Promise<StatesTarget> {
    return new StatesTarget(await appJails());
  }

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  async run(input: Buffer): Promise<void> {
    const random = choicesOf(input);
    const path = join(this.#folder, "state");
    const maxBans = pick(random, [1, 5, 50, 1000]);
    writeFileSync(path, input);
    readSeen(path);
    const first = await this.#restore(path, maxBans);
    if (first === undefined) return;
    this.#states++;
    this.#bans += first.inForce.length;
    const second = await this.#restore(path, maxBans);
    // What came over a restart comes over the next one.
    assert.deepEqual(second?.inForce, first.inForce);
  }

  summary(): string {
    return `${this.#states} states taken, ${this.#bans} bans restored, ${this.#over} states over the bound`;
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One start and end; gives the bans in force, sorted. Undefined: it is no state, which was told. */
  async #restore(path: string, maxBans: number): Promise<{ inForce: readonly string[] } | undefined> {
    const [out, told]: [string[], string[]] = [[], []];
    const report = new Report("fuzz", (line) => told.push(line));
    const log = await BanLog.open(path, report);
    let isOpen = true;
    try {
      const limits = {
        maxLine: 65_536,
        maxKeys: 1000,
        maxEvidence: 100_000,
        maxBans,
        silence: 0,
        prefilter: true,
      };
      const around = { format: undefined, source: undefined, isLive: true, report, state: log };
      const write = (line: string) => out.push(line);
      const engine = new Engine(this.#jails, { ...limits, ...around, write }, NOW);
      const keeper = new Persister(log, engine, NOW);
      try {
        keeper.restore();
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        isOpen = false;
        return undefined;
      }
      checkRestored(out, log.isWhole);
      for (const line of told) assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
      const { banlist } = engine.decisions;
      assert.ok(banlist.size <= maxBans, `${banlist.size} bans in force, and ${maxBans} are allowed`);
      const bans = [...banlist.inForce()];
      for (const { until, jail } of bans) {
        assert.ok(until === null || until > NOW, "a ban that has ended is in force");
        assert.ok(engine.jails.has(jail), "a ban of a jail that is gone is in force");
      }
      if (told.some((line) => line.includes("the state holds more than"))) this.#over++;
      // All that ends has an end that time brings.
      const ends = bans.filter(({ until }) => until !== null).length;
      keeper.flush();
      await keeper.end(NOW);
      isOpen = false;
      engine.tick(Date.UTC(9999, 11, 31, 23, 59, 59, 999));
      assert.equal(banlist.size, bans.length - ends);
      return { inForce: bans.map((ban) => encode({ ...ban, matches: [] })).sort() };
    } finally {
      if (isOpen) await log.end();
    }
  }
}

/** Each line is a command; bans are told once, between the two ends of a sync if there is one. */
function checkRestored(out: readonly string[], isWhole: boolean): void {
  const commands = out.map((line): Command => decode(line, 0));
  const syncs = commands.filter(({ cmd }) => cmd === "sync").length;
  assert.ok(syncs === (isWhole ? 2 : 0) || syncs === 0, `${syncs} lines of a sync`);
  const banned = new Set<string>();
  for (const command of commands) {
    if (command.cmd === "sync") continue;
    const key = `${command.jail} ${command.ip ?? `id ${command.id}`}`;
    if ("until" in command) {
      assert.ok(command.until === null || command.until > NOW, `told though it has ended: ${key}`);
      assert.ok(!banned.has(key), `told twice: ${key}`);
      banned.add(key);
    } else {
      // A ban that counting those before demands may take the place of another.
      const isTold = banned.delete(key);
      assert.ok(!isTold || command.reason === "evicted", `ended after it was told: ${key}`);
    }
  }
}

/** A state as f2b-stream writes it. */
function seedState(count: number): Buffer {
  const random = seededRandom(count);
  const lines = [encodeHeader({ seen: NOW - 60_000, isWhole: true })];
  for (let index = 0; index < count; index++) {
    const subject =
      random() < 0.8 ? { ip: `192.0.2.${upTo(random, 256)}` } : { id: `user${upTo(random, 50)}` };
    const jail = pick(random, ["app", "app-again", "gone", "app-watch"]);
    const time = NOW - upTo(random, 7_200_000);
    const until = random() < 0.2 ? null : time + upTo(random, 14_400_000);
    const cmd = random() < 0.9 ? "ban" : "would-ban";
    const matches = random() < 0.3 ? ["login failed from 192.0.2.1"] : [];
    lines.push(
      random() < 0.7
        ? encode({
            cmd,
            jail,
            ...subject,
            time,
            until,
            failures: 3,
            bancount: 1 + upTo(random, 9),
            matches,
            port: [25],
            protocol: ["tcp"],
          })
        : encode({
            cmd: "unban",
            jail,
            ...subject,
            time,
            reason: pick(random, ["expired", "manual", "reload"]),
          }),
    );
  }
  return Buffer.from(lines.join(""));
}
