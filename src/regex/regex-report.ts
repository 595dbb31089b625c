import { existsSync } from "node:fs";
import { printable } from "../cli/report.ts";
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

interface Hit {
  readonly id: string;
  readonly time: number | undefined;
}

/** Collects the results for a log, and formats them as fail2ban-regex does: hits by pattern, addresses, dates, lines. */
export class RegexReport {
  readonly #compiled: CompiledJail;
  readonly #options: Pick<Options, "verbose" | "print">;
  readonly #hits: { count: number; readonly shown: Hit[] }[];
  readonly #templates = new Map<number, number>();
  readonly #kept = { matched: [] as string[], missed: [] as string[], ignored: [] as string[] };
  readonly #counts = { lines: 0, matched: 0, missed: 0, ignored: 0, givenUp: 0 };

  constructor(compiled: CompiledJail, options: Pick<Options, "verbose" | "print">) {
    this.#compiled = compiled;
    this.#options = options;
    this.#hits = compiled.filter.failregex.map(() => ({ count: 0, shown: [] }));
  }

  add({ line, verdict, template }: LineResult): void {
    this.#counts.lines++;
    if (template !== undefined) this.#templates.set(template, (this.#templates.get(template) ?? 0) + 1);
    if (verdict.match) {
      const hits = this.#hits[verdict.regex];
      if (hits) hits.count++;
      if (hits && (this.#options.verbose || hits.shown.length < SOME_ADDRESSES)) {
        hits.shown.push({ id: verdict.id, time: verdict.time });
      }
      this.#keep("matched", line);
    } else if (verdict.why === "ignoreregex") this.#keep("ignored", line);
    else if (verdict.why === "nofail" || verdict.why === "pending") this.#keep("matched", line);
    else this.#keep("missed", line);
  }

  /** Counts a search that took too long. */
  giveUp(): void {
    this.#counts.givenUp++;
  }

  /** The report, without what `--bans` adds. */
  format(log: string): string {
    const { jail } = this.#compiled;
    const { lines, matched, missed, ignored, givenUp } = this.#counts;
    const total = this.#hits.reduce((sum, { count }) => sum + count, 0);
    return [
      heading("Running tests"),
      `Use      filter : ${jail.name} (${jail.place.file})`,
      log === "-" || existsSync(log)
        ? `Use    log file : ${log === "-" ? "stdin" : log}`
        : `Use single line : ${printable(log, SHOWN)}`,
      "",
      heading("Results"),
      ...this.#formatPatterns("Failregex", total, jail.filter.failregex),
      `Ignoreregex: ${ignored} total`,
      "",
      heading("Summary"),
      ...this.#formatAddresses(),
      ...this.#formatTemplates(),
      `Lines: ${lines} lines, ${ignored} ignored, ${matched} matched, ${missed} missed`,
      ...(givenUp > 0 ? [`Searches stopped because they took too long: ${givenUp}`] : []),
      ...this.#formatLines("matched"),
      ...this.#formatLines("ignored"),
      ...this.#formatLines("missed"),
      total > 0 ? `Success, the total number of match is ${total}` : "Sorry, no match",
      "",
    ].join("\n");
  }

  #keep(kind: "matched" | "missed" | "ignored", line: string): void {
    const count = ++this.#counts[kind];
    const which = this.#options.print[kind];
    if (which === "all" || (which === "some" && count <= SOME_LINES))
      this.#kept[kind].push(printable(line, SHOWN));
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
    const found = this.#hits.flatMap(({ count, shown }, index) =>
      count === 0
        ? []
        : [
            `[${index + 1}]`,
            ...shown.map(({ id, time }) => `    ${printable(id, 200)} (${formatTime(time)})`),
            ...(count > shown.length
              ? [`    … and ${count - shown.length} more: --verbose prints them`]
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

  #formatLines(kind: "matched" | "missed" | "ignored"): readonly string[] {
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
