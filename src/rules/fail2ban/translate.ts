import { JAIL_NAME } from "../../protocol/command.ts";
import { type FilterRule, formatPlace, type Jail, MAX_MAXRETRY, RuleError } from "../rule.ts";
import { portsOf } from "./action-ports.ts";
import { readBantime, readEscalation } from "./bantime-options.ts";
import { readIgnore } from "./ignore-options.ts";
import { readJournalMatch } from "./journalmatch-option.ts";
import type { LocatedText } from "./located-text.ts";
import type { FirewallAction } from "./resolve-action.ts";
import { type ResolvedJail, usesJournal } from "./resolve-jail.ts";
import { duration, type JailOptions, type Warn, wholeNumber } from "./values.ts";

/**
 * Translates a fail2ban jail. Warns of options that have no counterpart.
 *
 * @param memory how long a ban is remembered after its end, in milliseconds
 * @throws RuleError when the jail cannot be translated
 */
export function translate(jail: ResolvedJail, memory: number, warn: Warn): Jail {
  const { name, place, options } = jail;
  if (!JAIL_NAME.test(name)) {
    throw new RuleError("ERR_RULE_VALUE", place, "a jail's name has 1 to 64 letters, digits, dots, _ and -");
  }
  const counts = jail.filterName === "recidive" ? "ban" : "log";
  const journal = counts === "log" && usesJournal(options);
  const logpath = journal || counts === "ban" ? undefined : readLogpath(options.get("logpath"));
  warnOfInput(options, warn);
  return {
    name,
    description: undefined,
    enabled: true,
    place,
    identifier: undefined,
    session: undefined,
    journalmatch: journal ? readJournalMatch(jail, warn) : undefined,
    logpath,
    framing: counts === "ban" || journal || isSyslogd(logpath) ? "message" : "file",
    filter: counts === "ban" ? NO_FILTER : readFilterRule(jail, warn),
    maxretry: readMaxretry(options, warn),
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
    tests: [],
  };
}

function readMaxretry(options: JailOptions, warn: Warn): number {
  const number = wholeNumber(options, "maxretry", { min: 1, fallback: 5 }, warn);
  if (number > MAX_MAXRETRY)
    warn(`maxretry: using ${MAX_MAXRETRY} instead of ${number}, the most that a window counts`);
  return Math.min(number, MAX_MAXRETRY);
}

/** A tag in lower case, as in the configuration; those of the filter language are in upper case. Not `(?<name>`. */
const UNKNOWN_TAG = /(?<!\?P?)<[a-z_][\w/-]*>/;

const NO_FILTER: FilterRule = {
  prefregex: undefined,
  failregex: [],
  ignoreregex: [],
  success: [],
  maxlines: 1,
  datepattern: undefined,
};

function readFilterRule({ filter, place }: ResolvedJail, warn: Warn): FilterRule {
  const { prefregex, failregex, ignoreregex, maxlines, datepattern, compat } = filter;
  if (failregex.length === 0) throw new RuleError("ERR_RULE_VALUE", place, "the filter has no failregex");
  for (const { source, place } of failregex) {
    const tag = UNKNOWN_TAG.exec(source)?.[0];
    if (tag)
      warn(`${formatPlace(place)}: ${tag} is not defined and is matched literally; is the mode right?`);
  }
  return { prefregex, failregex, ignoreregex, success: [], maxlines, datepattern, compat };
}

/** Globs, one on each line; `head` or `tail` after one says where fail2ban begins to read, which is ignored: the pipe decides that. */
function readLogpath(value: LocatedText | undefined): readonly string[] | undefined {
  const lines = (value?.text ?? "").split("\n").map((line) => line.trim().replace(/\s+(?:head|tail)$/, ""));
  const globs = lines.filter((line) => line !== "");
  return globs.length === 0 ? undefined : globs;
}

/** Files that rsyslog writes on common distributions: it escapes line feeds. */
const SYSLOGD =
  /^\/var\/log\/(?:auth\.log|secure|syslog|messages|mail\.log|maillog|mail\.warn|daemon\.log|user\.log|kern\.log)$/;

function isSyslogd(logpath: readonly string[] | undefined): boolean {
  return logpath?.every((path) => SYSLOGD.test(path)) ?? false;
}

function readUsedns(text: string | undefined, warn: Warn): Jail["usedns"] {
  const word = text?.toLowerCase() ?? "warn";
  if (word === "yes" || word === "no" || word === "warn" || word === "raw") return word;
  warn(`usedns: expected yes, warn, no or raw, got ${JSON.stringify(text)}: using no`);
  return "no";
}

/** A jail that bans nobody, or lets addresses in, becomes a shadow jail: it must not begin to ban. */
function readMode({ actions }: ResolvedJail, warn: Warn): Jail["mode"] {
  const opening = actions.find((action): action is FirewallAction => opens(action));
  if (opening) {
    warn(`action ${opening.name} lets addresses in: the jail only watches (mode: shadow)`);
    return "shadow";
  }
  const closes = actions.some((action) => action.kind !== "unsupported" || !action.notifies);
  if (!closes) warn("no action of the jail bans anybody: it only watches (mode: shadow)");
  return closes ? "enforce" : "shadow";
}

function opens(action: ResolvedJail["actions"][number]): boolean {
  return action.kind === "firewall" && action.blocktype === "allow";
}

function warnOfInput(options: JailOptions, warn: Warn): void {
  const encoding = options.get("logencoding")?.text ?? "auto";
  if (!/^(?:auto|utf-?8|ascii|us-ascii|)$/i.test(encoding)) {
    warn(`logencoding ${encoding}: lines are read as UTF-8; put iconv before f2b-stream`);
  }
  const zone = options.get("logtimezone")?.text;
  if (zone) warn(`logtimezone ${zone}: use f2b-stream --tz`);
  const backend = options.get("backend")?.text ?? "";
  if (/^systemd\[/.test(backend)) warn(`backend ${backend}: pass what is in the brackets to journalctl`);
}
