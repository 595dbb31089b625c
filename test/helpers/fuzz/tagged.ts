import assert from "node:assert/strict";
import { Report } from "../../../src/cli/report.ts";
import { formatGreeting, formatTaggedHeader, type Source } from "../../../src/protocol/tagged.ts";
import { loadRules } from "../../../src/rules/load-rules.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../../src/stream/jail/compile-jails.ts";
import { checkCommands } from "../fuzzer.ts";
import type { Random } from "../random-pattern.ts";
import { BYTE_DAMAGES, cutAnywhere, type Damage, damagedBy, lineDamages } from "./damage.ts";
import { jsonDamage } from "./json.ts";
import { choicesOf, type FuzzTarget } from "./target.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const TOKEN = "0123456789abcdef0123456789abcdef";
const SOURCES: readonly Source[] = [
  { name: "/var/log/auth.log", kind: "file" },
  { name: "/var/log/nginx/access.log", kind: "file" },
  { name: "journal", kind: "journal" },
];

const DAMAGES: readonly Damage[] = [...lineDamages(headerDamage), ...BYTE_DAMAGES, headerInserted];

/** What f2b-tail writes, damaged: what is decided depends neither on the gate nor on how the text is cut. */
export class TaggedTarget implements FuzzTarget {
  readonly longest = 100_000;
  readonly seeds: readonly Buffer[];
  readonly #jails: readonly CompiledJail[];
  #bans = 0;
  #sources = 0;

  private constructor(jails: readonly CompiledJail[]) {
    this.#jails = jails;
    this.seeds = seedStreams(jails);
  }

  static async create(): Promise<TaggedTarget> {
    const { jails } = await loadRules({
      specs: ["sshd", "nginx", "recidive"],
      sets: ["*.maxretry=2", "*.ignoreself=false"],
    });
    return new TaggedTarget(compileJails(jails.filter(({ enabled }) => enabled)));
  }

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  run(input: Buffer): void {
    const chunks = cutAnywhere(input, choicesOf(input));
    const gated = this.#decided(chunks, true);
    const read = this.#decided([input], false);
    if (gated.givenUp + read.givenUp === 0) assert.deepEqual(gated.out, read.out);
  }

  summary(): string {
    return `${this.#sources} sources, ${this.#bans} bans`;
  }

  #decided(chunks: readonly Buffer[], prefilter: boolean): { out: readonly string[]; givenUp: number } {
    const [out, told]: [string[], string[]] = [[], []];
    const report = new Report("fuzz", (line) => told.push(line));
    const engine = new Engine(
      this.#jails,
      {
        isLive: false,
        format: undefined,
        source: undefined,
        prefilter,
        maxLine: 65_536,
        silence: 0,
        maxKeys: 100,
        maxEvidence: 10_000,
        report,
        write: (line) => out.push(line),
      },
      NOW,
    );
    for (const chunk of chunks) engine.push(Buffer.from(chunk), NOW);
    engine.end(NOW);
    checkCommands(out);
    for (const line of told) assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
    this.#bans += out.filter((line) => line.startsWith('{"cmd":"ban"')).length;
    this.#sources += engine.sources.length;
    return { out, givenUp: engine.counts.givenUp };
  }
}

/** Changes the JSON of a header; another line becomes one that looks like a header. */
function headerDamage(line: Buffer, random: Random, other: () => Buffer): Buffer {
  const start = line.indexOf("{");
  const isHeader = line[0] === 0x1e && start > 0;
  if (!isHeader) return random() < 0.5 ? Buffer.concat([Buffer.from(`\x1e${TOKEN} `), line]) : other();
  return Buffer.concat([line.subarray(0, start), jsonDamage(line.subarray(start), random, other)]);
}

/** A header, or the beginning of another f2b-tail, anywhere. */
function headerInserted(bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random() * (bytes.length + 1));
  const source = SOURCES[Math.floor(random() * SOURCES.length)]?.name ?? "";
  const place = random() < 0.5 ? { place: "1", offset: Math.floor(random() * 500) } : {};
  const text = random() < 0.3 ? formatGreeting(TOKEN) : formatTaggedHeader(TOKEN, { source, ...place });
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)]);
}

/** The sample lines of the rules, spread over sources. */
function seedStreams(jails: readonly CompiledJail[]): readonly Buffer[] {
  const lines = jails
    .flatMap(({ jail }) => jail.tests.flatMap(({ lines }) => lines))
    .filter((line) => !line.startsWith("{"));
  return Array.from({ length: Math.ceil(lines.length / 10) }, (_, index) => {
    const blocks = lines.slice(index * 10, index * 10 + 10).map((line, n) => {
      const { name, kind } = SOURCES[n % SOURCES.length] as Source;
      const text = kind === "journal" ? entryOf(line, n) : line;
      const source = { source: name, ...(n % 2 === 0 && { place: "1", offset: n * 300 }) };
      return `${formatTaggedHeader(TOKEN, source)}${text}\n${text}\n`;
    });
    return Buffer.from(
      formatGreeting(TOKEN) + formatTaggedHeader(TOKEN, { sources: SOURCES }) + blocks.join(""),
    );
  });
}

function entryOf(line: string, n: number): string {
  const [, identifier = "sshd", message = line] =
    /^.{15} \S+ ([^[\s:]+)(?:\[\d+\])?: (.*)$/s.exec(line) ?? [];
  return JSON.stringify({
    __REALTIME_TIMESTAMP: String(1795262399000000 + n),
    SYSLOG_IDENTIFIER: identifier,
    _SYSTEMD_UNIT: "ssh.service",
    _COMM: identifier,
    _UID: "0",
    MESSAGE: message,
  });
}
