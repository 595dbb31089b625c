import { Attackers, clientAddress, type Newcomers } from "./addresses.ts";
import type { LogEntry } from "./entry.ts";
import { failedLogin, failedPassword } from "./failures.ts";
import { accessLine, journalLine, syslogLine } from "./lines.ts";
import { PROGRAMS, type Program } from "./ordinary.ts";
import { Random } from "./random.ts";

/**
 * The logs that there are:
 *
 * - `mixed`: syslog of twelve programs, one line in ten a failed login;
 * - `flood`: syslog of a server under attack, nine in ten;
 * - `access`: a web server's access log, one line in twenty a page that doesn't exist;
 * - `journal`: `mixed`, as journalctl -o json writes it.
 */
export const LOGS = ["mixed", "flood", "access", "journal"] as const;
export type LogName = (typeof LOGS)[number];

/** Midnight, 20 November 2026, UTC: the time of the first line. */
const BEGIN = Date.UTC(2026, 10, 20);

const SEED = 20_261_120;
/** Longest time between two lines, in milliseconds: 100 lines a second. */
const LONGEST_GAP = 20;

/** Lines without end, each with its newline; always the same ones. So a shorter log is the beginning of a longer one. */
export function* logLines(name: LogName): Generator<string> {
  const random = new Random(SEED);
  if (name === "access") return yield* accessLines(random);
  const write = name === "journal" ? journalLine(random) : syslogLine;
  const failuresOfTen = name === "flood" ? 9 : 1;
  const attackers = new Attackers(new Random(SEED + 1), 40);
  for (const entry of entries(random, failuresOfTen, attackers)) yield write(entry);
}

/** Lines of a soak: half of them wrong passwords at sshd, one in five of those from an address never seen before. */
export function* soakEntries(attackers: Newcomers): Generator<LogEntry> {
  yield* entries(new Random(SEED), 5, attackers, true);
}

const FIRST_PID = 300;
/** pid_max of a 64-bit kernel. */
const PID_MAX = 4_194_304;

function* entries(
  random: Random,
  failuresOfTen: number,
  attackers: { next(): string },
  isSshd = failuresOfTen >= 9,
): Generator<LogEntry> {
  const programs = PROGRAMS.flatMap((program) => Array<Program>(program.share).fill(program));
  let pid = FIRST_PID;
  for (let time = BEGIN; ; time += random.below(LONGEST_GAP + 1)) {
    // The kernel gives pids in their order.
    pid = pid >= PID_MAX ? FIRST_PID : pid + 1 + random.below(3);
    const isFailure = random.below(10) < failuresOfTen;
    const { tag, hasPid, message } = isFailure ? failure() : ordinary();
    yield { time, tag, pid: hasPid ? pid : undefined, message };
  }

  function failure() {
    const address = attackers.next();
    if (!isSshd) return failedLogin(random, address);
    return { tag: "sshd", hasPid: true, message: failedPassword(random, address) };
  }

  function ordinary() {
    const { tag, hasPid, says } = random.pick(programs);
    return { tag, hasPid, message: random.pick(says)(random) };
  }
}

function* accessLines(random: Random): Generator<string> {
  const attackers = new Attackers(new Random(SEED + 1), 3);
  for (let time = BEGIN; ; time += random.below(LONGEST_GAP + 1)) {
    const isScan = random.below(20) === 0;
    yield accessLine(random, time, isScan ? attackers.next() : clientAddress(random), isScan);
  }
}
