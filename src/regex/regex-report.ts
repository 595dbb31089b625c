import { printable } from "../cli/report.ts";
import { evidenceOf } from "../filter/evidence-text.ts";
import type { Verdict } from "../filter/verdict.ts";
import type { Ban } from "../protocol/command.ts";
import type { Pattern } from "../rules/rule.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import type { LineResult } from "./line-matcher.ts";
import type { Options } from "./options.ts";

/** Most addresses shown for each pattern, and most lines shown of each kind, unless all are wanted. */
const SOME_ADDRESSES = 20;
const SOME_LINES = 20;
/** Longest line shown, in characters. */
const SHOWN = 1024;

type Kind = "matched" | "missed" | "ignored";

interface Hit {
  readonly id: string;
  readonly time: number | undefined;
}

/** Collects the results for a log, and formats them as fail2ban-regex does: hits by pattern, addresses, dates, lines. */
export class RegexReport {
  readonly #compiled: CompiledJail;
  readonly #options: Pick<Options, "verbose" | "print">;
  readonly #hits: { count: number; failures: number; readonly shown: Hit[] }[];
  readonly #templates = new Map<number, number>();
  readonly #kept = { matched: [] as string[], missed: [] as string[], ignored: [] as string[] };
  readonly #counts = { lines: 0, matched: 0, missed: 0, ignored: 0, givenUp: 0 };
  /** The last lines that were missed, as many as a pattern may span, as they were written. */
  #missed: string[] = [];
  #failures = 0;
  #ignoreregex = 0;

  constructor(compiled: CompiledJail, options: Pick<Options, "verbose" | "print">) {
    this.#compiled = compiled;
    this.#options = options;
    this.#hits = compiled.filter.failregex.map(() => ({ count: 0, failures: 0, shown: [] }));
  }

  /** Adds a line. As in fail2ban-regex, a line of a session that is no failure by itself is ignored, and its pattern was hit. */
  add({ line, joined, verdict, template }: LineResult): void {
    this.#counts.lines++;
    if (template !== undefined) this.#templates.set(template, (this.#templates.get(template) ?? 0) + 1);
    for (const earlier of joined) this.#join(earlier);
    const hits = verdict.regex === undefined ? undefined : this.#hits[verdict.regex];
    if (hits) hits.count++;
    if (verdict.match && hits) {
      this.#failures++;
      hits.failures++;
      if (this.#options.verbose || hits.shown.length < SOME_ADDRESSES) {
        hits.shown.push({ id: verdict.id, time: verdict.time });
      }
    }
    if (!verdict.match && verdict.why === "ignoreregex") this.#ignoreregex++;
    const kind = kindOf(verdict);
    if (kind === "missed" && this.#compiled.filter.maxlines > 1) this.#remember(evidenceOf(line));
    this.#keep(kind, line);
  }

  /** Counts a search that took too long. */
  giveUp(): void {
    this.#counts.givenUp++;
  }

  /** The report, without what `--bans` adds. `log`: the line that names the log. */
  format(log: string): string {
    const { jail } = this.#compiled;
    const { lines, matched, missed, ignored, givenUp } = this.#counts;
    const total = this.#hits.reduce((sum, { count }) => sum + count, 0);
    return [
      heading("Running tests"),
      `Use      filter : ${jail.name} (${jail.place.file})`,
      log,
      "",
      heading("Results"),
      ...this.#formatPatterns("Failregex", total, jail.filter.failregex),
      `Ignoreregex: ${this.#ignoreregex} total`,
      "",
      heading("Summary"),
      ...this.#formatAddresses(),
      ...this.#formatTemplates(),
      `Lines: ${lines} lines, ${ignored} ignored, ${matched} matched, ${missed} missed`,
      ...(givenUp > 0 ? [`Searches stopped because they took too long: ${givenUp}`] : []),
      ...this.#formatLines("matched"),
      ...this.#formatLines("ignored"),
      ...this.#formatLines("missed"),
      this.#failures > 0 ? `Success, the total number of match is ${this.#failures}` : "Sorry, no match",
      "",
    ].join("\n");
  }

  #keep(kind: Kind, line: string): void {
    const count = ++this.#counts[kind];
    const which = this.#options.print[kind];
    if (which === "all" || (which === "some" && count <= SOME_LINES))
      this.#kept[kind].push(printable(line, SHOWN));
  }

  #remember(line: string): void {
    this.#missed.push(line);
    if (this.#missed.length > this.#compiled.filter.maxlines) this.#missed.shift();
  }

  /** A line that was missed by itself is part of a match. */
  #join(line: string): void {
    const index = this.#missed.lastIndexOf(line);
    if (index < 0) return;
    this.#missed.splice(index, 1);
    this.#counts.missed--;
    const at = this.#kept.missed.lastIndexOf(printable(line, SHOWN));
    if (at >= 0) this.#kept.missed.splice(at, 1);
    this.#keep("matched", line);
  }

  #formatPatterns(title: string, total: number, patterns: readonly Pattern[]): readonly string[] {
    return [
      `${title}: ${total} total`,
      "|-  #) [# of hits] regular expression",
      ...patterns.flatMap(({ source }, index) => {
        const count = this.#hits[index]?.count ?? 0;
        return count > 0 || this.#options.verbose
          ? [`|  ${index + 1}) [${count}] ${printable(source, SHOWN)}`]
          : [];
      }),
      "`-",
      "",
    ];
  }

  #formatAddresses(): readonly string[] {
    const found = this.#hits.flatMap(({ failures, shown }, index) =>
      failures === 0
        ? []
        : [
            `[${index + 1}]`,
            ...shown.map(({ id, time }) => `    ${printable(id, 200)} (${formatTime(time)})`),
            ...(failures > shown.length
              ? [`    … and ${failures - shown.length} more: --verbose prints them`]
              : []),
          ],
    );
    return ["Addresses found:", ...found, ""];
  }

  #formatTemplates(): readonly string[] {
    const counted = [...this.#templates].sort(([a, many], [b, few]) => few - many || a - b);
    const { dates } = this.#compiled.filter;
    const hits = counted.map(([template, count]) => `|  [${count}] ${dates.describe(template)}`);
    return ["Date template hits:", "|- [# of hits] date format", ...hits, "`-", ""];
  }

  #formatLines(kind: Kind): readonly string[] {
    const count = this.#counts[kind];
    const kept = this.#kept[kind];
    if (this.#options.print[kind] === "none" || count === 0) return [];
    if (kept.length < count) {
      return [
        `${capital(kind)} line(s): too many to print. Use --print-all-${kind} to print all ${count} lines`,
      ];
    }
    return [`|- ${capital(kind)} line(s):`, ...kept.map((line) => `|  ${line}`), "`-"];
  }
}

function kindOf(verdict: Verdict): Kind {
  if (verdict.match || verdict.why === "pending") return "matched";
  return verdict.why === "ignoreregex" || verdict.why === "nofail" ? "ignored" : "missed";
}

/** The bans that a jail would write, with their times. */
export function formatBans({ jail }: CompiledJail, bans: readonly Ban[]): string {
  const seconds = jail.findtime / 1000;
  return [
    `Bans: ${bans.length} (maxretry ${jail.maxretry}, findtime ${seconds} s)`,
    ...bans.map(({ ip, id, time, until }) => {
      const end = until === null ? "for ever" : `until ${formatTime(until)}`;
      return `    ${printable(ip ?? id ?? "", 200)} (${formatTime(time)}) ${end}`;
    }),
    "",
  ].join("\n");
}

function heading(title: string): string {
  return `${title}\n${"=".repeat(title.length)}\n`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** In the format of C's ctime: `Tue Jan 07 11:25:41 2014`, in the zone of this process. */
function formatTime(time: number | undefined): string {
  if (time === undefined) return "no date";
  const [weekday, month, day, year, clock] = new Date(time).toString().split(" ");
  return `${weekday} ${month} ${day} ${clock} ${year}`;
}
