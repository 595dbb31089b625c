import { lookup } from "node:dns/promises";
import { printable, type Report } from "../../cli/report.ts";
import { type Network, parseNetwork, unmap } from "../../shared/address.ts";

/** How long an answer is used, in milliseconds. */
const FRESH = 300_000;
/** After how long a question that was never answered is asked again, in milliseconds. */
const RETRY = 30_000;
const MAX_ANSWERS = 10_000;
const MAX_RUNNING = 4;
/** Most questions, and most callers that wait for answers. */
const MAX_WAITING = 1_000;
/** Most addresses of a name: whoever runs a name's DNS can give it thousands. */
const MAX_ADDRESSES = 64;

/** Looks up the addresses of a host name; undefined: there is no answer now. */
export type Resolve = (host: string) => Promise<readonly Network[] | undefined>;

interface Answer<T> {
  /** Undefined while there is none. */
  value: T | undefined;
  /** When it was last asked, in epoch milliseconds. */
  asked: number;
  /** True while the answer is on its way. */
  isComing: boolean;
  /** Callers that wait for it. */
  readonly waiting: ((value: T | undefined) => void)[];
}

/**
 * Asks questions whose answers take time (host names, `ignorecommand`) in the background, a few at a time, and remembers the
 * answers: the stream never waits. When one fails, the last answer stays.
 */
export class BackgroundLookup<T> {
  readonly #ask: (question: string) => Promise<T | undefined>;
  /** By question, the one asked longest ago first. */
  readonly #answers = new Map<string, Answer<T>>();
  readonly #queue: [question: string, answer: Answer<T>][] = [];
  #running = 0;
  /** Callers that wait for any answer. */
  #waiting = 0;

  /** @param ask gives undefined when there is no answer now */
  constructor(ask: (question: string) => Promise<T | undefined>) {
    this.#ask = ask;
  }

  /** How many callers wait for an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The answer as far as it is known; asks, or asks again, when there is none or it has grown old. `now` in epoch milliseconds. */
  known(question: string, now: number): T | undefined {
    const answer = this.#answers.get(question);
    if (answer === undefined || isOld(answer, now)) this.#enqueue(question, now, answer);
    return answer?.value;
  }

  /**
   * Calls `then` with the answer, at once when it is known, later otherwise; with undefined when there is none.
   *
   * @returns false when too many wait: `then` will not be called
   */
  when(question: string, now: number, then: (value: T | undefined) => void): boolean {
    const value = this.known(question, now);
    const answer = this.#answers.get(question);
    if (answer === undefined) return false;
    if (value !== undefined || !answer.isComing) {
      then(value);
      return true;
    }
    if (this.#waiting >= MAX_WAITING) return false;
    this.#waiting++;
    answer.waiting.push(then);
    return true;
  }

  #enqueue(question: string, now: number, before: Answer<T> | undefined): void {
    if (this.#queue.length >= MAX_WAITING) return;
    const answer = { value: before?.value, asked: now, isComing: true, waiting: [] };
    this.#answers.delete(question);
    this.#answers.set(question, answer);
    if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value ?? "");
    this.#queue.push([question, answer]);
    this.#next();
  }

  #next(): void {
    if (this.#running >= MAX_RUNNING) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#running++;
    void this.#answer(...next);
  }

  async #answer(question: string, answer: Answer<T>): Promise<void> {
    const value = await this.#ask(question).catch(() => undefined);
    this.#running--;
    answer.isComing = false;
    answer.value = value ?? answer.value;
    this.#waiting -= answer.waiting.length;
    for (const then of answer.waiting.splice(0)) then(answer.value);
    this.#next();
  }
}

function isOld<T>({ value, asked, isComing }: Answer<T>, now: number): boolean {
  return !isComing && (now - asked > (value === undefined ? RETRY : FRESH) || now < asked);
}

/** The addresses of a host name, as the system's resolver gives them; one more than MAX_ADDRESSES where there are more. */
export async function resolveHost(host: string): Promise<readonly Network[] | undefined> {
  const found = (await lookup(host, { all: true })).slice(0, MAX_ADDRESSES + 1);
  return found.flatMap(({ address }) => parseNetwork(address) ?? []).map(unmap);
}

/** The addresses of a name up to MAX_ADDRESSES; warns when there are more. */
export function withinBound(host: string, networks: readonly Network[], report: Report): readonly Network[] {
  if (networks.length <= MAX_ADDRESSES) return networks;
  const message = `${printable(host, 80)} has more than ${MAX_ADDRESSES} addresses: ignored the others`;
  report.rareWarning("addresses", message);
  return networks.slice(0, MAX_ADDRESSES);
}
