import { basename, dirname, resolve } from "node:path";
import { type FilterRule, type Pattern, type Place, RuleError } from "../rule.ts";
import { parseCall } from "./calls.ts";
import { Definition } from "./definition.ts";
import { ConfigFiles } from "./include.ts";
import { type LocatedText, linesOf, located, placeOf } from "./located-text.ts";
import { splitShell } from "./shell-words.ts";

/** Highest `maxlines`. */
const MAX_LINES = 1000;

/** The options of `filter.d/NAME.conf` that concern a jail. */
export const FILTER_OPTIONS = [
  "usedns",
  "prefregex",
  "ignoreregex",
  "failregex",
  "maxlines",
  "datepattern",
  "journalmatch",
] as const;

/** A filter with all references of the configuration replaced; the tags of the filter language stay. */
export interface ResolvedFilter extends FilterRule {
  /** The words of each line of `journalmatch`; the lines are alternatives. */
  readonly journalmatch: readonly (readonly string[])[];
  readonly usedns: string | undefined;
  /** All files that were read, in the order of merging. */
  readonly files: readonly string[];
}

/**
 * Reads a filter as fail2ban does: `name` of `filter.d/name.conf`, or the path of a `.conf` file, relative to `directory`.
 *
 * @throws RuleError for a filter that does not exist, or has mistakes
 */
export function readFilter(
  directory: string,
  name: string,
  options: Readonly<Record<string, string>> = {},
  files = new ConfigFiles(),
): ResolvedFilter {
  const place = { file: name, line: 0, column: 0 };
  const parameters = Object.entries(options).map(([key, value]) => [key, located(value, place)] as const);
  const definition = openFilter(directory, name, new Map(parameters), place, files);
  definition.read(FILTER_OPTIONS, new Map());
  return { ...filterRule(definition.combined()), files: definition.files };
}

/**
 * Reads `sshd[mode=ddos]` or `own/x.conf[mode=ddos]` into what `readFilter` takes.
 *
 * @throws RuleError when the brackets hold something else
 */
export function parseFilterSpec(text: string): { name: string; options: Record<string, string> } {
  const { name, parameters } = parseCall(located(text, { file: text, line: 0, column: 0 }));
  return { name, options: Object.fromEntries([...parameters].map(([key, value]) => [key, value.text])) };
}

/** The definition of a filter; its options are not read yet. */
export function openFilter(
  directory: string,
  name: string,
  parameters: ReadonlyMap<string, LocatedText>,
  place: Place,
  files: ConfigFiles,
): Definition {
  const base = /\.(?:conf|local)$/.test(name)
    ? resolve(directory, dirname(name), basename(name).replace(/\.\w+$/, ""))
    : resolve(directory, "filter.d", name);
  const config = files.load(base);
  if (config !== undefined) return new Definition(config, parameters);
  throw new RuleError("ERR_RULE_VALUE", place, `filter ${JSON.stringify(name)}: no file ${base}.conf`);
}

/**
 * Reads combined options: one pattern on each line, empty lines dropped.
 *
 * @throws RuleError for an invalid `maxlines`, and a `prefregex` of several lines
 */
export function filterRule(options: ReadonlyMap<string, LocatedText>): Omit<ResolvedFilter, "files"> {
  return {
    prefregex: oneLine(options.get("prefregex")),
    failregex: patterns(options.get("failregex")),
    ignoreregex: patterns(options.get("ignoreregex")),
    success: [],
    maxlines: maxlines(options.get("maxlines")),
    datepattern: withoutBlankLines(options.get("datepattern")),
    compat: "fail2ban",
    journalmatch: patterns(options.get("journalmatch")).map(({ source }) => splitShell(source).words),
    usedns: options.get("usedns")?.text,
  };
}

function single(value: LocatedText | undefined): Pattern | undefined {
  return value === undefined || value.text === "" ? undefined : { source: value.text, place: placeOf(value) };
}

/** @throws RuleError for several lines, which no line of a log can match */
function oneLine(value: LocatedText | undefined): Pattern | undefined {
  if (value?.text.includes("\n")) {
    throw new RuleError(
      "ERR_RULE_VALUE",
      placeOf(value),
      "prefregex: expected one pattern, got several lines",
    );
  }
  return single(value);
}

/** One template on each line. */
function withoutBlankLines(value: LocatedText | undefined): Pattern | undefined {
  const lines = patterns(value).map(({ source, place }) => ({ source: source.trim(), place }));
  const [first, ...rest] = lines.filter(({ source }) => source !== "");
  return first && { source: [first, ...rest].map(({ source }) => source).join("\n"), place: first.place };
}

function patterns(value: LocatedText | undefined): Pattern[] {
  const lines = value === undefined ? [] : linesOf(value);
  return lines.filter(({ text }) => text !== "").map(({ text, place }) => ({ source: text, place }));
}

function maxlines(value: LocatedText | undefined): number {
  if (value === undefined) return 1;
  const number = /^[1-9]\d{0,4}$/.test(value.text.trim()) ? Number(value.text) : Number.NaN;
  if (number <= MAX_LINES) return number;
  const got = JSON.stringify(value.text);
  throw new RuleError(
    "ERR_RULE_VALUE",
    placeOf(value),
    `maxlines: expected a whole number up to ${MAX_LINES}, got ${got}`,
  );
}
