import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Report } from "../../../src/cli/report.ts";
import {
  banned,
  ban as banSchema,
  explained,
  jailStatus,
  pong,
  refusal,
  reloaded,
  status,
  unbanned,
} from "../../../src/protocol/control-answers.ts";
import { MAX_REQUEST_BYTES } from "../../../src/protocol/control-requests.ts";
import { type ListeningSocket, listenAt } from "../../../src/protocol/control-socket.ts";
import { Reloader } from "../../../src/stream/control/reload.ts";
import { RequestHandler } from "../../../src/stream/control/request-handler.ts";
import { ControlServer } from "../../../src/stream/control/server.ts";
import { Engine } from "../../../src/stream/engine.ts";
import type { CompiledJail } from "../../../src/stream/jail/compile-jails.ts";
import { SocketFolder, Talk } from "../control.ts";
import { appFailure, appJails } from "../engine.ts";
import { pick, type Random, upTo } from "../random-pattern.ts";
import { BYTE_DAMAGES, cutAnywhere, type Damage, damagedBy, lineDamages, splitLines } from "./damage.ts";
import { jsonDamage } from "./json.ts";
import { choicesOf, type FuzzTarget } from "./target.ts";

const START = Date.UTC(2026, 10, 21, 12);
/** How long the server waits for a client, in milliseconds. */
const PATIENCE = 5_000;

const REQUESTS = [
  ...[
    '{"v":1,"do":"ping"}',
    '{"do":"status"}',
    '{"do":"status","jail":"app"}',
    '{"do":"banned"}',
    '{"do":"reload"}',
  ],
  ...[
    '{"do":"ban","jail":"app","ip":"192.0.2.7","bantime":600}',
    '{"do":"ban","jail":"app","id":"alice","bantime":-1}',
  ],
  ...[
    '{"do":"ban","jail":"app-again","ip":"2001:db8::7"}',
    '{"do":"unban","ip":"192.0.2.0/24"}',
    '{"do":"unban","all":true}',
  ],
  ...['{"do":"explain","ip":"192.0.2.7"}', '{"do":"explain","id":"alice"}', '{"do":"unban","id":"alice"}'],
  ...[
    '{"do":"ban","jail":"app","ip":"198.51.100.0/24","bantime":0.001}',
    '{"do":"ban","jail":"app","ip":"::ffff:192.0.2.9","bantime":1e12}',
  ],
];

const DAMAGES: readonly Damage[] = [
  ...lineDamages(jsonDamage),
  ...lineDamages(jsonDamage),
  ...lineDamages((_, random) => Buffer.from(pick(random, REQUESTS))),
  ...BYTE_DAMAGES,
];

/** What a line of an answer may be. */
const ANSWERS = [pong, status, jailStatus, banSchema, banned, unbanned, explained, reloaded, refusal];

/** Requests over the real socket: torn, one after the other, huge, slow; each line that asks is answered, and the stream goes on. */
export class ControlTarget implements FuzzTarget {
  readonly longest = 150_000;
  readonly seeds: readonly Buffer[] = [REQUESTS, REQUESTS.toReversed(), REQUESTS.slice(0, 5)].map((lines) =>
    Buffer.from(`${lines.join("\n")}\n`),
  );
  readonly #folder: SocketFolder;
  readonly #engine: Engine;
  readonly #socket: ListeningSocket;
  readonly #server: ControlServer;
  readonly #told: string[] = [];
  readonly #clock: { now: number };
  #answers = 0;
  #refusals = 0;

  private constructor(folder: SocketFolder, socket: ListeningSocket, jails: readonly CompiledJail[]) {
    const clock = { now: START };
    const report = new Report("fuzz", (line) => this.#told.push(line));
    const limits = {
      maxLine: 65_536,
      maxKeys: 1000,
      maxEvidence: 100_000,
      maxBans: 1000,
      silence: 0,
      prefilter: true,
    };
    const around = { format: undefined, source: undefined, isLive: true, report, write: () => undefined };
    this.#folder = folder;
    this.#clock = clock;
    this.#socket = socket;
    this.#engine = new Engine(jails, { ...limits, ...around, resolve: async () => undefined }, START);
    const now = () => this.#clock.now;
    const flush = () => undefined;
    const reloader = new Reloader({ engine: this.#engine, flush, report, load: async () => jails, now });
    const steered = {
      engine: this.#engine,
      reloader,
      flush,
      report,
      now,
      source: undefined,
      started: START,
      waiting: () => 0,
    };
    const control = new RequestHandler(steered);
    this.#server = new ControlServer(socket.server, {
      answer: (request) => control.answer(request),
      report,
      patience: PATIENCE,
    });
  }

  static async create(): Promise<ControlTarget> {
    const folder = new SocketFolder();
    return new ControlTarget(folder, await listenAt(folder.path()), await appJails("*.maxretry=2"));
  }

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  async run(input: Buffer): Promise<void> {
    const random = choicesOf(input);
    this.#clock.now += upTo(random, 3_600_000);
    this.#fail(random);
    await Promise.all(Array.from({ length: 1 + upTo(random, 3) }, () => this.#talk(input, random)));
    await this.#ping();
    for (const line of this.#told.splice(0)) {
      assert.doesNotMatch(line, /internal error/);
      assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
    }
  }

  summary(): string {
    return `${this.#answers} answers, ${this.#refusals} of them refusals, ${this.#engine.decisions.banlist.size} bans now`;
  }

  end(): void {
    this.#server.close();
    this.#socket.close();
    this.#folder.remove();
  }

  /** The stream goes on meanwhile: somebody fails. */
  #fail(random: Random): void {
    const line = appFailure(`192.0.2.${upTo(random, 30)}`, this.#clock.now);
    this.#engine.push(Buffer.from(line), this.#clock.now);
  }

  /** One client, who sends the bytes as they come, and stays, leaves, or does not read for a while. */
  async #talk(input: Buffer, random: Random): Promise<void> {
    const talk = new Talk(this.#folder.path());
    const how = pick(random, ["stays", "stays", "stays", "leaves", "dawdles"] as const);
    for (const piece of cutAnywhere(input, random)) {
      talk.socket.write(piece);
      if (how === "dawdles" && random() < 0.02) await sleep(50);
    }
    if (how === "dawdles") talk.socket.pause();
    if (how === "leaves") talk.socket.destroy();
    talk.socket.end();
    if (how === "dawdles") talk.socket.resume();
    await talk.ended;
    if (how === "leaves") return;
    this.#checkAnswers(input, talk.lines);
  }

  #checkAnswers(input: Buffer, lines: readonly Record<string, unknown>[]): void {
    const ends = lines.filter((line) => "ok" in line);
    this.#answers += ends.length;
    this.#refusals += ends.filter(({ ok }) => ok === false).length;
    const requests = input.length === 0 ? [] : splitLines(input);
    const overlong = requests.findIndex(({ length }) => length > MAX_REQUEST_BYTES);
    const expected = overlong < 0 ? requests.length : overlong + 1;
    assert.equal(ends.length, expected, "each request has its answer");
    for (const line of lines) {
      if (line.ok === true) continue;
      assert.ok(
        ANSWERS.some((schema) => schema.safeParse(line).success),
        `an answer that is none: ${JSON.stringify(line)}`,
      );
    }
  }

  async #ping(): Promise<void> {
    const talk = new Talk(this.#folder.path());
    talk.socket.end('{"do":"ping"}\n');
    await talk.ended;
    assert.equal(talk.lines.at(-1)?.ok, true, "it answers afterwards");
  }
}
