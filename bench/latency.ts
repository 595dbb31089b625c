import { bannedAddress, failEach, failedNow, MAXRETRY } from "./lib/attack.ts";
import type { Bench } from "./lib/bench.ts";
import { type Figure, under } from "./lib/figures.ts";
import { Follower } from "./lib/follower.ts";
import { f2bStreamLive } from "./lib/peers.ts";
import { quantile, spreadOf } from "./lib/statistics.ts";
import { distinctAddress4, distinctAddress6 } from "./log/addresses.ts";
import { logLines } from "./log/logs.ts";

const LINES_A_SECOND = 10_000;
/** One ban for so many lines: 100 a second. */
const LINES_A_BAN = 100;
/** Not measured: the pace has to settle. */
const SETTLE_SECONDS = 1;

/**
 * How long a ban takes: from the line that completes a window being written to a pipe to its command being read from
 * another, at a steady pace, with many addresses remembered. cat does the same for comparison: what it takes is the
 * machine's and this program's own.
 */
export const latency: Bench = async ({ addresses, seconds }, logs) => {
  const follower = new Follower(f2bStreamLive(), logs.path);
  await failEach(follower, addresses, remembered);
  const ours = await paced(follower, seconds, bannedAddress);
  await follower.end();
  const cat = new Follower(["cat"], logs.path);
  const theirs = await paced(cat, seconds, (line) => COMPLETING.exec(line)?.[1]);
  await cat.end();
  return {
    records: [],
    figures: [
      ...figuresOf(`line written to command read, ${addresses.toLocaleString("en")} addresses`, ours, 5),
      ...figuresOf("line written to line read, cat", theirs),
    ],
  };
};

/** Four in five are of IPv4. */
function remembered(n: number): string {
  return n % 5 === 0 ? distinctAddress6(n) : distinctAddress4(n);
}

/** The port of a line that completes a window, and of no other: cat has to tell it by something. */
const COMPLETING_PORT = 40_023;
const COMPLETING = new RegExp(`from (\\S+) port ${COMPLETING_PORT} ssh2$`);

/** Who is banned next: each number once, far from those remembered. */
function victim(n: number): string {
  return `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 0xff}.${n & 0xff}`;
}

/** Milliseconds that each ban took. `answer`: whom a line read names. */
function paced(
  follower: Follower,
  seconds: number,
  answer: (line: string) => string | undefined,
): Promise<readonly number[]> {
  const ordinary = ordinaryLines(5000);
  const total = (SETTLE_SECONDS + seconds) * LINES_A_SECOND;
  const settle = SETTLE_SECONDS * LINES_A_SECOND;
  const written = new Map<string, number>();
  const taken: number[] = [];
  let bans = 0;
  const all = new Promise<readonly number[]>((resolve) => {
    const begin = performance.now();
    let line = 0;
    let isDone = false;
    const timer = setInterval(tick, 1);
    follower.onLine = (text) => {
      const time = performance.now();
      const address = answer(text);
      const since = address === undefined ? undefined : written.get(address);
      if (address === undefined || since === undefined) return;
      written.delete(address);
      taken.push(time - since);
      if (isDone && written.size === 0) resolve(taken);
    };

    /** Writes what is due; what ends in a line that completes a window goes out at once, so that its time is its own. */
    function tick(): void {
      const due = Math.min(total, Math.floor(((performance.now() - begin) * LINES_A_SECOND) / 1000));
      const date = new Date().toISOString();
      let text = "";
      for (; line < due; line++) {
        const phase = line % LINES_A_BAN;
        if (phase < LINES_A_BAN - MAXRETRY) {
          text += `${date} ${ordinary[line % ordinary.length]}`;
        } else if (phase < LINES_A_BAN - 1) {
          text += failedNow(victim(bans));
        } else {
          const address = victim(bans++);
          if (line >= settle) written.set(address, performance.now());
          follower.write(text + failedNow(address, COMPLETING_PORT));
          text = "";
        }
      }
      if (text !== "") follower.write(text);
      if (line < total) return;
      clearInterval(timer);
      isDone = true;
    }
  });
  return follower.within(all);
}

/** Lines of the mixed log that bring no ban, without their date. */
function ordinaryLines(count: number): readonly string[] {
  const lines: string[] = [];
  for (const line of logLines("mixed")) {
    if (/failed/i.test(line)) continue;
    if (lines.push(line.slice("Nov 20 00:00:00 ".length)) === count) break;
  }
  return lines;
}

function figuresOf(what: string, times: readonly number[], limit?: number): readonly Figure[] {
  return [
    { what: `${what}: p50`, unit: " ms", spread: spreadOf([quantile(times, 0.5)]) },
    {
      what: `${what}: p99`,
      unit: " ms",
      spread: spreadOf([quantile(times, 0.99)]),
      ...(limit === undefined ? {} : { target: under(limit) }),
    },
    { what: `${what}: longest`, unit: " ms", spread: spreadOf([Math.max(...times)]) },
  ];
}
