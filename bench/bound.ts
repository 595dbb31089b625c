/**
 * What a ban costs where there is room for no more, beside one for which there is: f2b-exec at `--max-bans` with the real
 * tools in network namespaces of its own (needs root), and f2b-stream's list of bans in this process.
 * `node dist/bench/bound.js [none|ipset|nftables|stream]...`
 */
import type { Jail } from "../src/rules/rule.ts";
import { BanList } from "../src/stream/ban/ban-list.ts";
import { newJail } from "../test/helpers/jail.ts";
import { BanStream, cleanUp, inNamespace } from "./exec/namespace.ts";

const BOUND = 200_000;
const STREAM_BOUND = 1_000_000;
/** Bans of each measurement. */
const MANY = 40_000;
const SINGLES = 200;

async function main(names: readonly string[]): Promise<void> {
  for (const name of ["none", "ipset", "nftables"])
    if (names.length === 0 || names.includes(name)) await inNamespace((before) => ofExec(before, name));
  if (names.length === 0 || names.includes("stream")) ofStream();
}

async function ofExec(before: readonly string[], backend: string): Promise<void> {
  const stream = new BanStream(before, backend);
  let sent = 0;
  let results = 0;
  /** CPU of f2b-exec and its tools, and time, a ban, in µs. `each`: results a ban. */
  const flood = async (count: number, each: 1 | 2) => {
    const [cpu, started] = [stream.cpu(), performance.now()];
    stream.bans(sent, count);
    sent += count;
    results += count * each;
    await stream.results(results);
    const took = performance.now() - started;
    const used = stream.cpu();
    return {
      own: (1000 * (used.own - cpu.own)) / count,
      tools: (1000 * (used.tools - cpu.tools)) / count,
      took,
    };
  };
  const singles = async (each: 1 | 2) => {
    const times: number[] = [];
    for (let i = 0; i < SINGLES; i++) times.push((await flood(1, each)).took);
    return times.sort((a, b) => a - b);
  };
  await flood(BOUND - MANY - SINGLES, 1);
  tell(`${backend}: one ban below the bound`, await singles(1));
  show(`${backend}: ${MANY} bans below the bound`, await flood(MANY, 1));
  show(`${backend}: ${MANY} bans at the bound of ${BOUND}`, await flood(MANY, 2));
  tell(`${backend}: one ban at the bound`, await singles(2));

  const attacker = { ip: "192.0.2.7", bancount: 3 };
  stream.ban(attacker);
  results += 2;
  await stream.results(results);
  const got = stream.last("192.0.2.7");
  await flood(BOUND, 2);
  stream.ban({ ...attacker, repeat: true });
  await stream.results(results + 1);
  print(
    `${backend}: an attacker that comes back, at the bound`,
    `${got}; ${BOUND} others later: ${stream.last("192.0.2.7")}`,
  );
  await stream.end();
}

function ofStream(): void {
  const list = new BanList({ maxBans: STREAM_BOUND, maxRemembered: STREAM_BOUND, maxEvidence: 8 << 20 });
  const jail: Jail = newJail({ bantime: 86_400_000 });
  let next = 0;
  const flood = (count: number): string => {
    const used = process.cpuUsage();
    let longest = 0;
    for (const end = next + count; next < end; next++) {
      const begun = performance.now();
      const ip = `${10 + (next >> 24)}.${(next >> 16) & 255}.${(next >> 8) & 255}.${next & 255}`;
      list.ban({ jail, subject: { ip }, time: 1_800_000_000_000 + next, failures: 5, matches: [] });
      list.takeEvicted();
      longest = Math.max(longest, performance.now() - begun);
    }
    const { user, system } = process.cpuUsage(used);
    return `${((user + system) / count).toFixed(1)} µs CPU a ban, longest ${longest.toFixed(1)} ms`;
  };
  const many = MANY * 5;
  flood(STREAM_BOUND - many);
  print(`stream: ${many} bans below the bound`, flood(many));
  print(`stream: ${many} bans at the bound of ${STREAM_BOUND}`, flood(many));
}

function show(what: string, { own, tools, took }: { own: number; tools: number; took: number }): void {
  print(what, `${own.toFixed(1)} µs CPU a ban, tools ${tools.toFixed(1)}; ${took.toFixed(0)} ms in all`);
}

function tell(what: string, sorted: readonly number[]): void {
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  print(what, `median ${at(0.5)} ms, p99 ${at(0.99)}, longest ${at(1)}`);
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(52)} ${figure}\n`);
}

process.stdout.write(`Node ${process.version}\n`);
try {
  await main(process.argv.slice(2));
} finally {
  await cleanUp();
}
