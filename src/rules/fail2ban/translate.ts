import {
  type Escalation,
  type FilterRule,
  formatPlace,
  type Jail,
  type JournalMatch,
  RuleError,
} from "../rule.ts";

import type { FirewallAction } from "./action.ts";
import { readIgnore } from "./ignore.ts";
import { type ResolvedJail, usesJournal } from "./jail.ts";
import { isTrue } from "./options.ts";
import { portsOf } from "./ports.ts";
import { parseSeconds } from "./seconds.ts";
import { placeOf, type Sourced } from "./sourced.ts";

/** What a warning says; `loadFail2ban` puts the jail's name before it. */
export type Warn = (message: string) => void;

/** fail2ban's own default, of which the engine's doubling is the copy; blanks don't count. */
const DEFAULT_FORMULA = "ban.Time*(1<<(ban.Countifban.Count<20else20))*banFactor";

/** Longest duration, so that the end of a ban stays a date: a hundred years, in seconds. */
const LONGEST = 100 * 31_557_600;

/**
 * A fail2ban jail as a rule of ours. What has no counterpart goes to `warn`.
 *
 * @param memory how long after its end a ban is remembered, in milliseconds
 * @throws RuleError when the jail can't be carried over at all
 */
export function translate(jail: ResolvedJail, memory: number, warn: Warn): Jail {
  const { name, place, options } = jail;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new RuleError("ERR_RULE_VALUE", place, "a jail's name has 1 to 64 letters, digits, dots, _ and -");
  }
  const counts = jail.filterName === "recidive" ? "ban" : "log";
  const journal = counts === "log" && usesJournal(options);
  warnOfInput(options, warn);
  return {
    name,
    description: undefined,
    enabled: true,
    place,
    identifier: undefined,
    journalmatch: journal ? readJournalMatch(jail, warn) : undefined,
    logpath: journal || counts === "ban" ? undefined : readLogpath(options.get("logpath")),
    filter: counts === "ban" ? NO_FILTER : readFilterRule(jail, warn),
    maxretry: wholeNumber(options, "maxretry", { min: 1, fallback: 5 }, warn),
    findtime: duration(options, "findtime", warn) ?? 600_000,
    bantime: readBantime(options, warn),
    escalation: readEscalation(options, memory, warn),
    count: { ipv4: 32, ipv6: 128 },
    ignore: readIgnore(options, warn),
    usedns: readUsedns(jail.filter.usedns, warn),
    ...portsOf(jail, warn),
    mode: readMode(jail, warn),
    on: counts,
    maxmatches: Math.min(wholeNumber(options, "maxmatches", { min: 0, fallback: 10 }, warn), 1000),
    success: [],
    tests: [],
  };
}

type Options = ReadonlyMap<string, Sourced>;

/** A tag in lower case, as configuration has them; the filter language's own are in upper case. Not `(?<name>`. */
const UNKNOWN_TAG = /(?<!\?P?)<[a-z_][\w/-]*>/;

const NO_FILTER: FilterRule = {
  prefregex: undefined,
  failregex: [],
  ignoreregex: [],
  maxlines: 1,
  datepattern: undefined,
};

function readFilterRule({ filter, place }: ResolvedJail, warn: Warn): FilterRule {
  const { prefregex, failregex, ignoreregex, maxlines, datepattern } = filter;
  if (failregex.length === 0) throw new RuleError("ERR_RULE_VALUE", place, "the filter has no failregex");
  for (const { source, place } of failregex) {
    const tag = UNKNOWN_TAG.exec(source)?.[0];
    if (tag)
      warn(`${formatPlace(place)}: nothing defines ${tag}, so it is taken literally; is the mode right?`);
  }
  return { prefregex, failregex, ignoreregex, maxlines, datepattern };
}

/** Globs, a line each; `head` or `tail` after one says where fail2ban begins to read, which here the pipe decides. */
function readLogpath(value: Sourced | undefined): readonly string[] | undefined {
  const lines = (value?.text ?? "").split("\n").map((line) => line.trim().replace(/\s+(?:head|tail)$/, ""));
  const globs = lines.filter((line) => line !== "");
  return globs.length === 0 ? undefined : globs;
}

/** fail2ban hands the words to the journal unread; so fields that any local user can write are legal, and told. */
function readJournalMatch({ filter, place }: ResolvedJail, warn: Warn): JournalMatch | undefined {
  const alternatives: Map<string, Set<string>>[] = [];
  for (const words of filter.journalmatch) {
    alternatives.push(new Map());
    for (const word of words) {
      const terms = alternatives.at(-1) ?? new Map<string, Set<string>>();
      const [, field, value] = /^([A-Z0-9_]{1,64})=(.*)$/s.exec(word) ?? [];
      if (word === "+") alternatives.push(new Map());
      else if (field === undefined || value === undefined) {
        const message = `journalmatch: expected FIELD=VALUE, got ${JSON.stringify(word)}`;
        throw new RuleError("ERR_RULE_VALUE", place, message);
      } else terms.set(field, (terms.get(field) ?? new Set()).add(value));
    }
  }
  const filled = alternatives.filter((terms) => terms.size > 0);
  const open = filled.find((terms) => [...terms.keys()].every((field) => !field.startsWith("_")));
  if (open) warn(`journalmatch: any local user can write the field ${[...open.keys()].join(", ")}`);
  return filled.length === 0 ? undefined : filled;
}

/** null: for ever. */
function readBantime(options: Options, warn: Warn): number | null {
  const value = options.get("bantime");
  if (value !== undefined && (parseSeconds(value.text) ?? 0) < 0) return null;
  return duration(options, "bantime", warn) ?? 600_000;
}

function readEscalation(options: Options, memory: number, warn: Warn): Escalation {
  const increment = isTrue(options.get("bantime.increment")?.text ?? "");
  const multipliers = readMultipliers(options.get("bantime.multipliers"), warn);
  const formula = options.get("bantime.formula")?.text.replace(/\s/g, "");
  if (increment && formula && formula !== DEFAULT_FORMULA && multipliers === undefined) {
    warn("bantime.formula is Python and is not run: bans double instead (bantime.multipliers says more)");
  }
  const factor = options.get("bantime.factor")?.text || "1";
  const number = parseSeconds(factor) ?? 0;
  if (number <= 0)
    warn(`bantime.factor: expected a number above 0, got ${JSON.stringify(factor)}: 1 is taken`);
  return {
    increment,
    factor: number > 0 ? number : 1,
    multipliers,
    maxtime: duration(options, "bantime.maxtime", warn),
    rndtime: duration(options, "bantime.rndtime", warn) ?? 0,
    overalljails: isTrue(options.get("bantime.overalljails")?.text ?? ""),
    memory,
  };
}

function readMultipliers(value: Sourced | undefined, warn: Warn): readonly number[] | undefined {
  const words = (value?.text ?? "").split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return undefined;
  const numbers = words.map(Number);
  if (numbers.every((number) => number > 0 && Number.isFinite(number))) return numbers;
  warn(
    `bantime.multipliers: expected numbers above 0, got ${JSON.stringify(value?.text)}: bans double instead`,
  );
  return undefined;
}

function readUsedns(text: string | undefined, warn: Warn): Jail["usedns"] {
  const word = text?.toLowerCase() ?? "warn";
  if (word === "yes" || word === "no" || word === "warn" || word === "raw") return word;
  warn(`usedns: expected yes, warn, no or raw, got ${JSON.stringify(text)}: no is taken`);
  return "no";
}

/** A jail that bans nobody, or lets addresses in, only watches: banning would be something new. */
function readMode({ actions }: ResolvedJail, warn: Warn): Jail["mode"] {
  const opening = actions.find((action): action is FirewallAction => opens(action));
  if (opening) {
    warn(`action ${opening.name} lets addresses in: the jail only watches (mode: shadow)`);
    return "shadow";
  }
  const closes = actions.some((action) => action.kind !== "unsupported" || !action.notifies);
  if (!closes) warn("no action of the jail bans: it only watches (mode: shadow)");
  return closes ? "enforce" : "shadow";
}

function opens(action: ResolvedJail["actions"][number]): boolean {
  return action.kind === "firewall" && action.blocktype === "allow";
}

function warnOfInput(options: Options, warn: Warn): void {
  const encoding = options.get("logencoding")?.text ?? "auto";
  if (!/^(?:auto|utf-?8|ascii|us-ascii|)$/i.test(encoding)) {
    warn(`logencoding ${encoding}: lines are read as UTF-8; put iconv before f2b-stream`);
  }
  const zone = options.get("logtimezone")?.text;
  if (zone) warn(`logtimezone ${zone}: give f2b-stream --tz`);
  const backend = options.get("backend")?.text ?? "";
  if (/^systemd\[/.test(backend)) warn(`backend ${backend}: give journalctl what stands in the brackets`);
}

/** Milliseconds; undefined when not set, or wrong and warned of. */
function duration(options: Options, key: string, warn: Warn): number | undefined {
  const text = options.get(key)?.text;
  if (text === undefined || text === "") return undefined;
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds > 0) return Math.round(Math.min(seconds, LONGEST) * 1000);
  if (seconds === 0 && key === "bantime.rndtime") return 0;
  warn(`${key}: expected a duration such as "10m", got ${JSON.stringify(text)}: the default is taken`);
  return undefined;
}

function wholeNumber(
  options: Options,
  key: string,
  { min, fallback }: { readonly min: number; readonly fallback: number },
  warn: Warn,
): number {
  const value = options.get(key);
  if (value === undefined) return fallback;
  const number = /^\s*\+?\d{1,9}\s*$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number >= min) return number;
  const { file, line } = placeOf(value);
  warn(
    `${key}: expected a whole number from ${min}, got ${JSON.stringify(value.text)} (${file}:${line}): ${fallback} is taken`,
  );
  return fallback;
}
