import { loadRules } from "../../src/rules/load-rules.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail/compile-jails.ts";
import { DaemonHost } from "../daemons/host.ts";
import { SshTalker } from "../daemons/ssh-talker.ts";
import { Talker } from "../daemons/talk.ts";
import { Clients } from "./clients.ts";
import type { Target } from "./daemons.ts";
import type { Field, Talkers } from "./field.ts";
import { BUNDLED, type Judgement, judge, MAXRETRY } from "./judge.ts";
import { Arsenal } from "./texts.ts";

export interface AttackOptions {
  /** Hostile texts for each field. */
  readonly texts: number;
  readonly seed: number;
  /** Rules instead of the bundled ones: a planted hole. */
  readonly rules?: readonly string[];
  /** The logs that they read, instead of the target's. */
  readonly logs?: readonly string[];
  /** What rsyslogd is told first. */
  readonly rsyslog?: string;
  /** Only these fields. */
  readonly fields?: (name: string) => boolean;
  readonly progress: (line: string) => void;
  /** Gets the logs before they are judged, by their names. */
  readonly keep?: (daemon: string, logs: ReadonlyMap<string, Buffer>) => void;
}

/** What became of a field. */
interface FieldResult {
  readonly daemon: string;
  readonly field: string;
  readonly sent: number;
  /** Milliseconds of a connection, with others beside it. */
  readonly each: number;
  /** Connections in which the daemon told of a failure. */
  readonly failed: number;
  /** Failures that f2b-stream counted, each address's in the jail of the daemon that counted most. */
  readonly counted: number;
  /** Addresses that failed MAXRETRY times and more, and how many of them were banned. */
  readonly expected: number;
  readonly banned: number;
  /** Those that were not. */
  readonly spared: readonly string[];
}

export interface AttackResult {
  readonly daemon: string;
  readonly fields: readonly FieldResult[];
  /** Lines that the daemon wrote. */
  readonly lines: number;
  /** Bans of addresses that did nothing, by any jail: the commands. */
  readonly victims: readonly string[];
  readonly seconds: number;
}

/** Connections of one address. */
interface Chunk {
  readonly field: string;
  readonly address: string;
  readonly texts: readonly string[];
  /** Failures that the daemon told the client of. */
  failed: number;
  /** Milliseconds of its connections, together. */
  took: number;
}

/** Texts that one address writes: so many that some texts which hide it don't keep it from being banned, unless the field hides all. */
const CHUNK = 20;

/** Connections at a time. */
const PARALLEL = 24;

/** Starts a daemon on a host of its own, writes hostile texts into each of its fields, and gives its log to f2b-stream. */
export async function attack(target: Target, options: AttackOptions): Promise<AttackResult> {
  const began = performance.now();
  await using host = await DaemonHost.create(options.rsyslog);
  const clients = await Clients.create(host);
  await target.start(host);
  const chunks = await chunksOf(target, options, clients);
  using ssh = new SshTalker(host);
  const talker = new Talker(host);
  await run({ talker, ssh }, target, chunks, options.progress);
  talker.close();
  const paths = options.logs ?? target.logs;
  await quiet(host, paths);
  const logs = new Map(paths.map((path) => [path, host.readBytes(path)]));
  options.keep?.(target.name, logs);
  options.progress(`${target.name}: ${[...logs.values()].reduce((sum, log) => sum + linesIn(log), 0)} lines`);
  const subjects = new Set(chunks.map(({ address }) => subject(address)));
  const judgement = await judge([...logs.values()], options.rules ?? BUNDLED);
  return {
    daemon: target.name,
    fields: fieldResults(target, chunks, judgement),
    lines: [...logs.values()].reduce((sum, log) => sum + linesIn(log), 0),
    // Whoever bans them.
    victims: judgement.bans.filter(({ ip }) => !subjects.has(ip)).map(({ line }) => line),
    seconds: (performance.now() - began) / 1000,
  };
}

async function chunksOf(target: Target, options: AttackOptions, clients: Clients): Promise<readonly Chunk[]> {
  const own = await jailsOf(options.rules ?? target.rules);
  const others = await jailsOf(BUNDLED.filter((rule) => !target.rules.includes(rule)));
  const arsenal = new Arsenal(own, others, new Date());
  const { texts, seed, fields = () => true } = options;
  return target.fields
    .filter(({ name }) => fields(name))
    .flatMap(({ name }, index) => {
      return inGroups(arsenal.texts(seed + index, texts), CHUNK).map((some) => ({
        field: name,
        address: clients.next(),
        texts: some,
        failed: 0,
        took: 0,
      }));
    });
}

async function jailsOf(specs: readonly string[]): Promise<readonly CompiledJail[]> {
  const { jails } = await loadRules({ specs, sets: [] });
  return compileJails(jails);
}

async function run(
  talkers: Talkers,
  target: Target,
  chunks: readonly Chunk[],
  progress: (line: string) => void,
): Promise<void> {
  const jobs = chunks.flatMap((chunk) => {
    const field = target.fields.find(({ name }) => name === chunk.field);
    return field ? inGroups(chunk.texts, field.batch).map((texts) => ({ chunk, field, texts })) : [];
  });
  let next = 0;
  let told = performance.now();
  const work = async () => {
    for (let job = jobs[next++]; job; job = jobs[next++]) {
      const { chunk, field, texts } = job;
      const began = performance.now();
      const failed = await attempts(talkers, field, chunk.address, texts);
      chunk.failed += failed;
      chunk.took += performance.now() - began;
      if (performance.now() - told < 10_000) continue;
      told = performance.now();
      progress(`${target.name}: ${next} of ${jobs.length} connections, ${chunk.field}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** As a field's attempt; texts that came after one which ended the connection have one of their own. */
async function attempts(
  talkers: Talkers,
  field: Field,
  from: string,
  texts: readonly string[],
): Promise<number> {
  const failed = await field.attempt(talkers, from, texts);
  if (failed === texts.length || texts.length === 1) return failed;
  let again = 0;
  for (const text of texts) again += await field.attempt(talkers, from, [text]);
  return again;
}

function inGroups<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    list.slice(i * size, (i + 1) * size),
  );
}

/** Waits until the logs have not grown for a while. */
async function quiet(host: DaemonHost, logs: readonly string[]): Promise<void> {
  const size = () => logs.reduce((sum, path) => sum + host.readBytes(path).length, 0);
  for (let last = -1, now = size(); last !== now; now = size()) {
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

function fieldResults(
  target: Target,
  chunks: readonly Chunk[],
  { bans, failures }: Judgement,
): readonly FieldResult[] {
  const names = target.fields
    .map(({ name }) => name)
    .filter((name) => chunks.some(({ field }) => field === name));
  // Other daemons' rules may read such lines as well: they are no help to who has not got them.
  const isOwn = (jail: string) => target.rules.some((rule) => jail.startsWith(rule));
  const subjects = new Set(bans.filter(({ jail }) => isOwn(jail)).map(({ ip }) => ip));
  const countOf = (address: string) => {
    const counts = [...(failures.get(subject(address)) ?? [])].filter(([jail]) => isOwn(jail));
    return Math.max(0, ...counts.map(([, count]) => count));
  };
  return names.map((field) => {
    const own = chunks.filter((chunk) => chunk.field === field);
    const isBanned = ({ address }: Chunk) => subjects.has(subject(address));
    const expected = own.filter(({ failed }) => failed >= MAXRETRY);
    return {
      daemon: target.name,
      field,
      sent: own.reduce((sum, { texts }) => sum + texts.length, 0),
      each:
        own.reduce((sum, { took }) => sum + took, 0) / own.reduce((sum, { texts }) => sum + texts.length, 0),
      failed: own.reduce((sum, { failed }) => sum + failed, 0),
      counted: own.reduce((sum, { address }) => sum + countOf(address), 0),
      expected: expected.length,
      banned: expected.filter(isBanned).length,
      spared: expected.filter((chunk) => !isBanned(chunk)).map(({ address }) => address),
    };
  });
}

/** As what an address counts: of IPv6 the /64. */
function subject(address: string): string {
  return address.replace(/::7$/, "::/64");
}

function linesIn(log: Buffer): number {
  return log.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
}
