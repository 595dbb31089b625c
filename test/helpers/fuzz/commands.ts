import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { Report } from "../../../src/cli/report.ts";
import { Actions } from "../../../src/exec/actions/actions.ts";
import { Executor } from "../../../src/exec/apply/executor.ts";
import { Policy } from "../../../src/exec/decide/policy.ts";
import { ExecRun } from "../../../src/exec/exec-run.ts";
import type { Backend } from "../../../src/exec/kernel/backend.ts";
import { dryIpsetTool, ipsetBackend } from "../../../src/exec/kernel/ipset/ipset.ts";
import { dryTools, iptablesBackend } from "../../../src/exec/kernel/iptables/iptables.ts";
import { noLock } from "../../../src/exec/kernel/lock.ts";
import { dryNftTool, NftablesBackend } from "../../../src/exec/kernel/nftables/nftables.ts";
import { noBackend } from "../../../src/exec/kernel/none.ts";
import { readOptions } from "../../../src/exec/options.ts";
import { Output } from "../../../src/exec/report/output.ts";
import type { ActionSpec } from "../../../src/exec/settings/settings.ts";
import { decode, encode, MAX_COMMAND_BYTES } from "../../../src/protocol/command.ts";
import { CommandError } from "../../../src/protocol/json-fields.ts";
import type { Result } from "../../../src/protocol/result.ts";
import { FakeClock } from "../clock.ts";
import { damagedLines } from "../damaged-lines.ts";
import { FakeTool } from "../fake-tool.ts";
import { pick, type Random, upTo } from "../random-pattern.ts";
import { BYTE_DAMAGES, cutAnywhere, type Damage, damagedBy, lineDamages, splitLines } from "./damage.ts";
import { jsonDamage } from "./json.ts";
import { choicesOf, type FuzzTarget } from "./target.ts";

const START = "2026-11-21T20:00:00.000Z";

const DAMAGES: readonly Damage[] = [...lineDamages(jsonDamage), ...lineDamages(jsonDamage), ...BYTE_DAMAGES];

const ACTIONS: readonly ActionSpec[] = [
  {
    actionstart: ["start", "<name>"],
    actionban: ["ban", "<ip>", "<time>", "<bantime>"],
    actionunban: ["unban", "<ip>"],
    norestored: true,
  },
];

const SEEDS = [
  '{"cmd":"ban","jail":"sshd","ip":"192.0.2.7","time":"2026-11-21T19:59:00.000Z","until":"2026-11-21T20:10:00.000Z","port":[22,"100:200"],"protocol":["tcp"],"failures":3,"bancount":1,"matches":["x"]}',
  '{"cmd":"ban","ip":"2001:db8::/64"}',
  '{"cmd":"unban","jail":"sshd","ip":"192.0.2.7","time":"2026-11-21T20:00:00.000Z","reason":"expired"}',
  '{"cmd":"sync","phase":"begin","time":"2026-11-21T20:00:00.000Z","jails":["sshd","manual"]}',
  '{"cmd":"ban","jail":"sshd","id":"alice","until":null,"restored":true}',
  '{"cmd":"sync","phase":"end"}',
  '{"cmd":"would-ban","jail":"web","ip":"192.0.2.8"}',
].map((line) => `${line}\n`);

/** Commands: decode() and encode() agree, and f2b-exec's whole front end does what is good and no more. */
export class CommandsTarget implements FuzzTarget {
  readonly longest = 200_000;
  readonly seeds = [Buffer.from(SEEDS.join("")), damagedLines(30, 1).bytes, damagedLines(60, 2).bytes];
  #commands = 0;
  #results = 0;

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  async run(input: Buffer): Promise<void> {
    const bad = splitLines(input).reduce((sum, line) => sum + this.#tryLine(line.toString("utf8")), 0);
    const random = choicesOf(input);
    const tool = new FakeTool(4);
    const printed: string[] = [];
    const print = (line: string) => void printed.push(line);
    const backends: Readonly<Record<string, () => Backend>> = {
      none: () => noBackend,
      fake: () => iptablesBackend([tool, new FakeTool(6)], ["INPUT"], () => undefined),
      iptables: () => iptablesBackend(dryTools(print, ["INPUT"]), ["INPUT"], () => undefined),
      ipset: () =>
        ipsetBackend(dryTools(print, ["INPUT"]), dryIpsetTool(print), ["INPUT"], () => Date.parse(START)),
      nftables: () => new NftablesBackend(dryNftTool(print), ["INPUT"], () => Date.parse(START)),
    };
    const name = pick(random, Object.keys(backends));
    const onEof = pick(random, ["keep", "flush"] as const);
    const { status, results } = await execute(input, random, (backends[name] as () => Backend)(), onEof);
    assert.ok(status === 0 || status === 65, `status ${status}`);
    if (bad > 0) assert.equal(status, 65);
    this.#results += results.length;
    for (const line of printed) assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
    const banned = checkResults(results);
    if (name !== "fake" || onEof === "flush") return;
    const rules = [...tool.chains].flatMap(([chain, rules]) => rules.map((rule) => `${chain} ${rule}`));
    const inKernel = rules.filter((rule) => / -s /.test(` ${rule}`)).length;
    const inLedger = [...banned].filter((key) => /^\S+ \d+\./.test(key)).length;
    assert.equal(inKernel, inLedger, "the firewall holds what the results say");
  }

  summary(): string {
    return `${this.#commands} commands, ${this.#results} results`;
  }

  /** Gives 1 for a line that is certainly bad. */
  #tryLine(line: string): 0 | 1 {
    try {
      const command = decode(line, Date.parse(START));
      this.#commands++;
      const text = encode(command);
      assert.ok(text.endsWith("\n") && !text.slice(0, -1).includes("\n"));
      // What does not come from evidence can't be left out, and then is no command any more.
      if (Buffer.byteLength(text) > MAX_COMMAND_BYTES) return 0;
      const kept = decode(text, 0);
      if (Buffer.byteLength(line) < MAX_COMMAND_BYTES / 6) assert.deepEqual(kept, command);
      assert.equal(encode(kept), text);
      return 0;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      assert.doesNotMatch(error.message, /\n/);
      return error.code === "ERR_COMMAND_INVALID" && line.trim() !== "" && line.length < 10_000 ? 1 : 0;
    }
  }
}

/** f2b-exec from the first byte to its status, on a clock that goes on for an hour once all is read. */
async function execute(
  input: Buffer,
  random: Random,
  backend: Backend,
  onEof: "keep" | "flush",
): Promise<{ status: number; results: readonly Result[] }> {
  const clock = new FakeClock(START);
  const told: string[] = [];
  const report = new Report("f2b-exec", (line) => told.push(line));
  const options = { ...readOptions([]), onEof, maxBans: pick(random, [1, 5, 1000]) };
  const results: Result[] = [];
  const run = async (argv: readonly string[]) => {
    for (const word of argv) assert.ok(!word.includes("\0"), "an argument that no program can be given");
    return { status: 0, stdout: "", stderr: "" };
  };
  const actions = new Actions({ actionsOf: () => ACTIONS, report, run });
  await backend.start();
  const executor = new Executor({
    backend,
    clock,
    policy: new Policy({ neverBan: [], host: () => [] }),
    lock: noLock,
    actions,
    settingsOf: () => ({ blocktype: "drop", chain: ["INPUT"], actions: ACTIONS }),
    maxBans: options.maxBans,
    report,
    onResult: (result) => results.push(result),
  });
  const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done() }), () => undefined);
  const session = new ExecRun({ executor, actions, backend, options, output, report });
  const around = {
    stdin: Readable.from(cutAnywhere(input, random)),
    stdout: new Writable(),
    onSignal: () => undefined,
  };
  const ended = session.run(around);
  if (upTo(random, 2) === 0) clock.advance(3_600_000);
  const status = await ended;
  for (const text of told) assert.match(text, /^(?:f2b-exec: [^\p{Cc}\p{Cs}]*\n)+$/u);
  return { status, results };
}

/** An unban never comes without its ban. Gives what is banned at the end. */
function checkResults(results: readonly Result[]): ReadonlySet<string> {
  const banned = new Set<string>();
  for (const { cmd, result, jail, ip, id } of results) {
    const key = `${jail} ${ip ?? `id ${id}`}`;
    if (result !== "applied") continue;
    if (cmd === "ban") banned.add(key);
    else assert.ok(banned.delete(key), `an unban without its ban: ${key}`);
  }
  return banned;
}
