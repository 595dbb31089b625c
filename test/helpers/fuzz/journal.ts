import assert from "node:assert/strict";
import { Report } from "../../../src/cli/report.ts";
import { loadRules } from "../../../src/rules/load-rules.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../../src/stream/jail/compile-jails.ts";
import { checkCommands } from "../fuzzer.ts";
import { entriesByJson, entriesThroughGate, type saidBy } from "../journal-gate.ts";
import { mutate as mutateText } from "../line-mutations.ts";
import { pick, type Random } from "../random-pattern.ts";
import { ROOT } from "../root.ts";
import { BYTE_DAMAGES, cutAnywhere, type Damage, damagedBy, lineDamages } from "./damage.ts";
import { jsonDamage } from "./json.ts";
import { choicesOf, type FuzzTarget } from "./target.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

/** A message of another user. */
const otherText: Damage = (line, random) =>
  line.length > 5000 ? line : Buffer.from(mutateText(line.toString(), random));

const DAMAGES: readonly Damage[] = [
  ...lineDamages(jsonDamage),
  ...lineDamages(jsonDamage),
  ...lineDamages(otherText),
  ...BYTE_DAMAGES,
];

/** Journal JSON: the gate says of each entry what JSON.parse says, and what is decided does not depend on the gate. */
export class JournalTarget implements FuzzTarget {
  readonly longest = 100_000;
  readonly seeds: readonly Buffer[];
  readonly #jails: readonly CompiledJail[];
  #entries = 0;
  #cut = 0;
  #bans = 0;

  private constructor(jails: readonly CompiledJail[]) {
    this.#jails = jails;
    this.seeds = seedLogs(jails);
  }

  static async create(): Promise<JournalTarget> {
    const specs = ["sshd", "postfix", "dovecot", "nginx", "recidive", `${ROOT}test/fixtures/rules/app.yaml`];
    const { jails } = await loadRules({ specs, sets: ["*.maxretry=2", "*.ignoreself=false"] });
    return new JournalTarget(compileJails(jails.filter(({ enabled }) => enabled)));
  }

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  run(input: Buffer): void {
    const random = choicesOf(input);
    const maxLine = pick(random, [64, 400, 65_536]);
    const chunks = cutAnywhere(input, random);
    const told = entriesThroughGate(chunks, maxLine);
    const seen = told.map(({ isCut: _, ...rest }) => rest);
    assert.deepEqual(seen.map(shallow), entriesByJson(input, maxLine).map(shallow));
    this.#entries += told.length;
    this.#cut += told.filter(({ isCut }) => isCut).length;
    const format = random() < 0.5 ? "journal" : undefined;
    const gated = this.#decided(chunks, { prefilter: true, format, maxLine });
    const read = this.#decided([input], { prefilter: false, format, maxLine });
    if (gated.givenUp + read.givenUp === 0)
      assert.deepEqual(gated.out, read.out, "the gate changes what is written");
  }

  summary(): string {
    return `${this.#entries} lines, ${this.#cut} cut by the gate, ${this.#bans} bans`;
  }

  #decided(
    chunks: readonly Buffer[],
    options: { prefilter: boolean; format: "journal" | undefined; maxLine: number },
  ): { out: readonly string[]; givenUp: number } {
    const [out, told]: [string[], string[]] = [[], []];
    const report = new Report("fuzz", (line) => told.push(line));
    report.verbosity = "verbose";
    const write = (line: string) => out.push(line);
    const rest = {
      isLive: false,
      source: undefined,
      silence: 0,
      maxKeys: 100,
      maxEvidence: 10_000,
      report,
      write,
    };
    const engine = new Engine(this.#jails, { ...rest, ...options }, NOW);
    for (const chunk of chunks) engine.push(Buffer.from(chunk), NOW);
    engine.end(NOW);
    checkCommands(out);
    for (const line of told) assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
    this.#bans += out.filter((line) => line.startsWith('{"cmd":"ban"')).length;
    return { out, givenUp: engine.counts.givenUp };
  }
}

/** What is nested in fields by its size alone: comparing goes no deeper than the stack. */
function shallow<T extends { readonly says: ReturnType<typeof saidBy> }>({ says, ...rest }: T): object {
  const fields = Object.entries(says?.fields ?? {}).map(([key, value]) => [
    key,
    typeof value === "object" && value !== null ? Object.keys(value).length : value,
  ]);
  return { ...rest, says: says && { ...says, fields } };
}

/** The sample lines of the rules as entries, ten a log, their fields as journalctl has them. */
function seedLogs(jails: readonly CompiledJail[]): readonly Buffer[] {
  const lines = jails.flatMap(({ jail }) => jail.tests.flatMap(({ lines }) => lines));
  const entries = lines.map((line, index) => JSON.stringify(entryOf(line, index)));
  return Array.from({ length: Math.ceil(entries.length / 10) }, (_, index) =>
    Buffer.from(`${entries.slice(index * 10, index * 10 + 10).join("\n")}\n`),
  );
}

function entryOf(text: string, index: number): object {
  const [, host = "web1", tag = "sshd", message = text] =
    /^.{15} (\S+) ([^[\s:]+)(?:\[\d+\])?: (.*)$/s.exec(text) ?? [];
  return {
    __CURSOR: `s=1;i=${index}`,
    __REALTIME_TIMESTAMP: String(1795262399000000 + index),
    _HOSTNAME: host,
    SYSLOG_IDENTIFIER: tag,
    _COMM: tag,
    ...(index % 2 === 0 ? { SYSLOG_PID: "7" } : { _PID: "8" }),
    _UID: "0",
    _SYSTEMD_UNIT: `${tag}.service`,
    MESSAGE: index % 7 === 0 ? [...Buffer.from(message)] : message,
  };
}
