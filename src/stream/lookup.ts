import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { type Network, parseNetwork, unmap } from "../address.ts";

/** How long an answer is used, in milliseconds. */
const FRESH = 300_000;
const MAX_ANSWERS = 10_000;
const MAX_RUNNING = 4;
const MAX_WAITING = 1_000;
const COMMAND_TIMEOUT = 10_000;

interface Answer<T> {
  /** Undefined while the first answer is on its way. */
  value: T | undefined;
  /** When it was asked for, in epoch milliseconds. */
  asked: number;
  /** Those who wait for it. */
  waiting: ((value: T) => void)[];
}

/**
 * Questions whose answers take time (host names, `ignorecommand`), asked in the background, a few at a time, and remembered:
 * the stream is never held up. When one fails, the last answer stays.
 */
export class Lookup<T> {
  readonly #ask: (question: string) => Promise<T | undefined>;
  readonly #answers = new Map<string, Answer<T>>();
  readonly #queue: string[] = [];
  #running = 0;

  /** @param ask gives undefined when there is no answer now */
  constructor(ask: (question: string) => Promise<T | undefined>) {
    this.#ask = ask;
  }

  /** What is known, perhaps nothing yet; asked (again) when there is nothing or it has grown old. */
  known(question: string, now: number): T | undefined {
    const answer = this.#answers.get(question);
    if (answer === undefined || now - answer.asked > FRESH || now < answer.asked)
      this.#enqueue(question, now);
    return answer?.value;
  }

  /**
   * Calls `then` with the answer: at once when it is known, later otherwise, never when there is none.
   *
   * @returns false when too many questions are waiting: the answer will not come
   */
  when(question: string, now: number, then: (value: T) => void): boolean {
    const value = this.known(question, now);
    if (value !== undefined) {
      then(value);
      return true;
    }
    const answer = this.#answers.get(question);
    if (answer === undefined || answer.waiting.length >= MAX_WAITING) return false;
    answer.waiting.push(then);
    return true;
  }

  #enqueue(question: string, now: number): void {
    if (this.#queue.length >= MAX_WAITING) return;
    const before = this.#answers.get(question);
    this.#answers.delete(question);
    this.#answers.set(question, { value: before?.value, asked: now, waiting: before?.waiting ?? [] });
    if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value ?? "");
    this.#queue.push(question);
    this.#next();
  }

  #next(): void {
    if (this.#running >= MAX_RUNNING) return;
    const question = this.#queue.shift();
    if (question === undefined) return;
    this.#running++;
    void this.#answer(question);
  }

  async #answer(question: string): Promise<void> {
    const value = await this.#ask(question).catch(() => undefined);
    this.#running--;
    const answer = this.#answers.get(question);
    if (answer) {
      answer.value = value ?? answer.value;
      const waiting = answer.waiting.splice(0);
      if (value !== undefined) for (const then of waiting) then(value);
    }
    this.#next();
  }
}

/** All addresses of a host name, as the system's resolver gives them. */
export async function resolveHost(host: string): Promise<readonly Network[] | undefined> {
  const found = await lookup(host, { all: true });
  return found.flatMap(({ address }) => parseNetwork(address) ?? []).map(unmap);
}

/** Runs an `ignorecommand`, an argv as JSON: status 0 says yes, any other no; undefined when it could not be run. */
export function askCommand(argv: string): Promise<boolean | undefined> {
  const [file = "", ...args] = JSON.parse(argv) as string[];
  return new Promise((resolve) => {
    execFile(file, args, { timeout: COMMAND_TIMEOUT, killSignal: "SIGKILL", maxBuffer: 65536 }, (error) => {
      if (!error) resolve(true);
      else resolve(typeof error.code === "number" ? false : undefined);
    });
  });
}
