import { appendFileSync } from "node:fs";

/** How an attacker goes about it: so many failures, so far apart, then a rest; in milliseconds. */
interface Habit {
  readonly service: "app" | "mail";
  readonly failures: number;
  readonly apart: number;
  readonly rest: number;
}

/** Those who hurry, those who hide below the threshold, those who come back, and those who never stop. */
const HABITS: readonly Habit[] = [
  { service: "app", failures: 5, apart: 50, rest: 9_000 },
  { service: "app", failures: 3, apart: 1_500, rest: 4_000 },
  { service: "mail", failures: 2, apart: 3_500, rest: 20_000 },
  { service: "mail", failures: 1, apart: 0, rest: 6_500 },
  { service: "app", failures: 12, apart: 300, rest: 30_000 },
  { service: "app", failures: 1_000_000, apart: 1_200, rest: 0 },
];

const OTHERS = [
  "CRON[7]: (root) CMD (true)",
  "kernel: eth0: link is up",
  "app[7]: login accepted from 192.0.2.1",
];

interface Attacker {
  readonly address: string;
  readonly habit: Habit;
  done: number;
  next: number;
}

/** A log that grows as a day's does, in so much less time; its lines have the time at which they are written. */
export class GrowingLog {
  readonly #path: string;
  readonly #random: () => number;
  readonly #attackers: readonly Attacker[];
  #timer: NodeJS.Timeout | undefined;
  /** Addresses that do nothing for now. */
  readonly paused = new Set<string>();
  lines = 0;

  constructor(path: string, count: number, random: () => number) {
    this.#path = path;
    this.#random = random;
    this.#attackers = Array.from({ length: count }, (_, index) => ({
      address: index % 3 === 0 ? `2001:db8:1:${index.toString(16)}::1` : `203.0.113.${index}`,
      habit: HABITS[index % HABITS.length] as Habit,
      done: 0,
      next: Date.now() + random() * 20_000,
    }));
    appendFileSync(path, "");
  }

  start(): void {
    this.#timer = setInterval(() => this.#attack(), 20);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Writes lines now. */
  write(...lines: readonly string[]): void {
    const time = new Date().toISOString();
    appendFileSync(this.#path, lines.map((line) => `${time} web1 ${line}\n`).join(""));
    this.lines += lines.length;
  }

  #attack(): void {
    const now = Date.now();
    const active = this.#attackers.filter(({ next, address }) => next <= now && !this.paused.has(address));
    const other = OTHERS[Math.floor(this.#random() * OTHERS.length)] ?? "";
    this.write(...active.map((attacker) => this.#fail(attacker, now)), other);
  }

  #fail(attacker: Attacker, now: number): string {
    const { service, failures, apart, rest } = attacker.habit;
    attacker.done = (attacker.done + 1) % failures;
    const pause = attacker.done === 0 ? rest : apart;
    attacker.next = now + pause * (0.8 + 0.4 * this.#random());
    return `${service}[7]: login failed from ${attacker.address}`;
  }
}
