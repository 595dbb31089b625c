import type { CompiledFilter } from "../../src/filter/compile-filter.ts";
import { HOSTS, insertAt, mutate, USERS } from "./line-mutations.ts";
import { writeMatch } from "./matching-text.ts";
import { DateWriter, type Moment, randomMoment } from "./random-date.ts";
import { pick, type Random, upTo } from "./random-pattern.ts";

export interface LineSource {
  readonly filter: CompiledFilter;
  readonly datepattern: string | undefined;
  /** Lines of the real services, in order. May be empty. */
  readonly samples: readonly string[];
  /** Lines of a journal have no date. */
  readonly journal: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Of a TAI64N that lies behind all that a Date holds only fail2ban makes a time. */
const FAR_TAI64N = /@(?!40000000)[0-9a-f]{24}/;

/**
 * Makes lines that a filter has something to say to: texts that its own patterns describe, and samples, in order and mixed;
 * most of them damaged. Lines of one session share its id.
 */
export class LineMaker {
  readonly #source: LineSource;
  readonly #random: Random;
  readonly #dates: DateWriter;
  /** Ids of the sessions that are open. */
  #sessions: string[] = [];

  constructor(source: LineSource, random: Random) {
    this.#source = source;
    this.#random = random;
    this.#dates = new DateWriter(source.datepattern, random);
  }

  make(count: number): string[] {
    const lines: string[] = [];
    while (lines.length < count) lines.push(...this.#episode().filter((line) => !FAR_TAI64N.test(line)));
    return lines.slice(0, count);
  }

  /** Some lines that belong together: a message, a session, a stretch of a sample log. */
  #episode(): string[] {
    const { samples } = this.#source;
    const random = this.#random;
    const isSample = samples.length > 0 && random() < 0.5;
    const lines = isSample ? this.#stretch(samples) : this.#session();
    const damage = random() < 0.2 ? 0 : random() < 0.7 ? 0.4 : 1;
    const damaged = lines.map((line) => this.#damage(line, damage));
    return random() < 0.1 ? damaged.reverse() : damaged;
  }

  #stretch(samples: readonly string[]): string[] {
    const random = this.#random;
    const start = upTo(random, samples.length);
    const lines = samples.slice(start, start + 1 + upTo(random, 6));
    if (random() < 0.5) return lines;
    const moment = randomMoment(random, this.#source.now);
    return lines.map((line) => this.#redate(line, moment));
  }

  /** Lines as the patterns describe them, with one date. */
  #session(): string[] {
    const random = this.#random;
    const moment = randomMoment(random, this.#source.now);
    const count = pick(random, [1, 1, 2, 4]);
    return Array.from({ length: count }, () => this.#written())
      .flatMap((text) => text.split("\n").filter((line, index) => index === 0 || line !== ""))
      .map((text) => this.#dated(text, moment));
  }

  /** A text that one of the failregexes describes, and the prefregex. */
  #written(): string {
    const { failregex, prefregex } = this.#source.filter;
    const random = this.#random;
    const groupText = (name: string) => this.#groupText(name);
    const content = writeMatch(pick(random, failregex).pattern.tree, random, groupText).text;
    if (!prefregex) return content;
    const named = (name: string) => (name === "content" ? content : groupText(name));
    return writeMatch(prefregex.pattern.tree, random, named).text;
  }

  #groupText(name: string): string | undefined {
    const random = this.#random;
    if (name === "mlfid" && this.#sessions.length > 0 && random() < 0.7) return pick(random, this.#sessions);
    if (name === "user" && random() < 0.5) return pick(random, USERS);
    if (name === "ip4") return random() < 0.9 ? pick(random, HOSTS.slice(0, 3)) : pick(random, HOSTS);
    if (name === "ip6") return random() < 0.9 ? pick(random, HOSTS.slice(3, 6)) : pick(random, HOSTS);
    if (name === "dns") return random() < 0.7 ? "host.example.org" : pick(random, HOSTS);
    return undefined;
  }

  /** Remembers the session of a text, if it has one. */
  #noteSession(text: string): void {
    const { prefregex } = this.#source.filter;
    const id = prefregex?.pattern.search(`${text}\n`)?.groups.mlfid;
    if (id === undefined || this.#sessions.includes(id)) return;
    this.#sessions = [...this.#sessions, id].slice(-3);
  }

  #dated(text: string, moment: Moment): string {
    this.#noteSession(text);
    return this.#source.journal ? text : this.#insert(text, this.#dates.write(moment));
  }

  /** Puts a date where it will be found and cut out again; if there is no such place, at the beginning. */
  #insert(text: string, date: string): string {
    const { filter, now } = this.#source;
    const places = [0, ...[...text.matchAll(/[[<( ]/g)].map(({ index }) => index + 1)].slice(0, 8);
    const lines = places.map((at) => text.slice(0, at) + date + text.slice(at));
    const fitting = lines.find((line) => {
      const found = filter.dates.find(line, now);
      return found !== undefined && line.slice(0, found.start) + line.slice(found.end) === text;
    });
    return fitting ?? lines[0] ?? text;
  }

  #redate(line: string, moment: Moment): string {
    const found = this.#source.filter.dates.find(line, this.#source.now);
    if (found === undefined || found.start === found.end) return line;
    return line.slice(0, found.start) + this.#dates.write(moment) + line.slice(found.end);
  }

  #damage(line: string, chance: number): string {
    const random = this.#random;
    let result = line;
    for (let left = chance; random() < left; left /= 2) {
      const way = random();
      if (way < 0.08) result = this.#redate(result, randomMoment(random, this.#source.now));
      else if (way < 0.13) result = this.#addDate(result);
      else if (way < 0.17) result = this.#splice(result);
      else if (way < 0.22) result = this.#addIgnored(result);
      else result = mutate(result, random);
    }
    return result;
  }

  /** Another date, anywhere. */
  #addDate(line: string): string {
    const date = this.#dates.write(randomMoment(this.#random, this.#source.now));
    return insertAt(line, this.#random, pick(this.#random, [` ${date} `, date]));
  }

  /** A text that an ignoreregex looks for, anywhere. */
  #addIgnored(line: string): string {
    const { ignoreregex } = this.#source.filter;
    if (ignoreregex.length === 0) return mutate(line, this.#random);
    const random = this.#random;
    const { text } = writeMatch(pick(random, ignoreregex).pattern.tree, random, (name) =>
      this.#groupText(name),
    );
    return pick(random, [`${line} ${text}`, text, insertAt(line, random, ` ${text} `)]).replaceAll("\n", " ");
  }

  /** The beginning of one line and the end of another. */
  #splice(line: string): string {
    const random = this.#random;
    const { samples } = this.#source;
    const other = samples.length > 0 && random() < 0.5 ? pick(random, samples) : this.#written();
    const end = [...other.replaceAll("\n", " ")];
    const start = [...line];
    return (
      start.slice(0, upTo(random, start.length + 1)).join("") + end.slice(upTo(random, end.length)).join("")
    );
  }
}
