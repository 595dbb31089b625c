import { existsSync } from "node:fs";
import { readJournalMatch } from "../rules/fail2ban/journalmatch-option.ts";
import { parseFilterSpec, readFilter } from "../rules/fail2ban/resolve-filter.ts";
import { isBundled } from "../rules/files.ts";
import { loadRules } from "../rules/load-rules.ts";
import { resolveJail } from "../rules/merge.ts";
import { type FilterRule, type Jail, type JournalMatch, type Pattern, RuleError } from "../rules/rule.ts";

/** Options that override parts of a filter. */
export interface FilterOverrides {
  /** A fail2ban configuration directory, in which names are looked up. */
  readonly config: string | undefined;
  readonly ignoreregex: string | undefined;
  readonly datepattern: string | undefined;
  readonly maxlines: number | undefined;
  readonly journalmatch: JournalMatch | undefined;
  readonly maxretry: number | undefined;
  readonly findtime: number | undefined;
}

const FAIL2BAN = "/etc/fail2ban";

/**
 * The jails that a FILTER argument names: those of a rules file, or one made of a fail2ban filter or a bare pattern.
 *
 * @throws RuleError, or RulesError, when there is no such filter, or it has mistakes
 */
export async function findFilter(spec: string, changes: FilterOverrides): Promise<readonly Jail[]> {
  const jails = await findJails(spec, changes.config);
  return jails.map((jail) => ({
    ...jail,
    journalmatch: changes.journalmatch ?? jail.journalmatch,
    maxretry: changes.maxretry ?? jail.maxretry,
    findtime: changes.findtime ?? jail.findtime,
    filter: changed(jail.filter, changes),
  }));
}

async function findJails(spec: string, config: string | undefined): Promise<readonly Jail[]> {
  const [, name = spec, list] = /^([^[\]]+)(?:\[(.*)\])?$/s.exec(spec) ?? [];
  if (/\.ya?ml$/.test(name)) return pickJails(await loadJails(name.includes("/") ? name : `./${name}`), list);
  if (/\.(?:conf|local)$/.test(name)) return [filterJail(".", spec)];
  if (!/^[\w.-]+$/.test(name)) return [patternJail(spec)];
  if (config !== undefined) return [filterJail(config, spec)];
  // Bundled rules take no options: `sshd[mode=ddos]` is fail2ban's.
  const hasOptions = list?.includes("=") === true;
  if (!hasOptions && (await isBundled(name))) return pickJails(await loadJails(name), list);
  if (existsSync(`${FAIL2BAN}/filter.d/${name}.conf`)) return [filterJail(FAIL2BAN, spec)];
  throw new RuleError(
    "ERR_RULE_VALUE",
    whole(spec),
    "not the name of a filter, and not a pattern",
    hintFor(hasOptions),
  );
}

function hintFor(hasOptions: boolean): string {
  return hasOptions
    ? "--config names a fail2ban configuration; bundled rules take no options, but the name of a jail: sshd[sshd-ddos]"
    : "a pattern needs a tag such as <HOST>; f2b-stream without -r lists the bundled rules";
}

async function loadJails(spec: string): Promise<readonly Jail[]> {
  return (await loadRules({ specs: [spec], sets: [] })).jails.filter(({ on }) => on === "log");
}

function pickJails(jails: readonly Jail[], list: string | undefined): readonly Jail[] {
  if (list === undefined) return jails;
  return list.split(",").map((name) => {
    const jail = jails.find((each) => each.name === name.trim());
    if (jail) return jail;
    const hint = `the jails are ${jails.map((each) => each.name).join(", ")}`;
    throw new RuleError("ERR_RULE_VALUE", whole(name), "there is no jail with this name in the rules", hint);
  });
}

/** A jail around a filter of fail2ban's, with its options: `sshd[mode=ddos,logtype=short]`. */
function filterJail(directory: string, spec: string): Jail {
  const { name, options } = parseFilterSpec(spec);
  const place = whole(name);
  const filter = readFilter(directory, name, options);
  const journalmatch = readJournalMatch({ filter, place }, () => undefined);
  const jail = resolveJail(name, place, { usedns: "warn", count: { ipv4: 32, ipv6: 128 } });
  return { ...jail, filter, journalmatch };
}

function patternJail(source: string): Jail {
  const failregex = source.split("\n").filter((line) => line.trim() !== "");
  if (failregex.length === 0) throw new RuleError("ERR_RULE_VALUE", whole("FILTER"), "empty pattern");
  return resolveJail("regex", whole("FILTER"), {
    failregex: failregex.map((line) => typed("FILTER", line.trim())),
  });
}

function changed(filter: FilterRule, { ignoreregex, datepattern, maxlines }: FilterOverrides): FilterRule {
  return {
    ...filter,
    ignoreregex: ignoreregex === undefined ? filter.ignoreregex : [typed("IGNOREREGEX", ignoreregex)],
    datepattern: datepattern === undefined ? filter.datepattern : typed("--datepattern", datepattern),
    maxlines: maxlines ?? filter.maxlines,
  };
}

/** A pattern from the command line. */
function typed(file: string, source: string): Pattern {
  return { source, place: { file, line: 1, column: 1 } };
}

function whole(file: string): { file: string; line: number; column: number } {
  return { file, line: 0, column: 0 };
}
