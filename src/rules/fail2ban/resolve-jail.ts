import type { Place } from "../rule.ts";
import { parseCall, splitCalls } from "./calls.ts";
import type { Definition } from "./definition.ts";
import type { ConfigFiles } from "./include.ts";
import type { Config } from "./interpolate.ts";
import { type LocatedText, located, placeOf } from "./located-text.ts";
import { type ResolvedAction, readAction } from "./resolve-action.ts";
import { FILTER_OPTIONS, filterRule, openFilter, type ResolvedFilter } from "./resolve-filter.ts";
import { isTrueOf, type Warn } from "./values.ts";

/** The options of a jail, besides those that a filter has too. */
const JAIL_OPTIONS = [
  ...["enabled", "backend", "filter", "maxretry", "maxmatches", "findtime", "bantime", "bantime.increment"],
  ...["bantime.factor", "bantime.formula", "bantime.multipliers", "bantime.maxtime", "bantime.rndtime"],
  ...["bantime.overalljails", "ignorecommand", "ignoreself", "ignoreip", "ignorecache", "logtimezone"],
  ...["logencoding", "logpath", "action"],
];

/** Options that are read before the filter. */
const FIRST_OPTIONS = ["enabled", "backend", "filter"];

/** A jail with its filter and actions, all references replaced; values are still text. */
export interface ResolvedJail {
  readonly name: string;
  readonly place: Place;
  readonly options: ReadonlyMap<string, LocatedText>;
  /** `port` and `protocol` of the jail's section: not options of fail2ban, but parameters of its actions. */
  readonly port: LocatedText | undefined;
  readonly protocol: LocatedText | undefined;
  readonly filterName: string | undefined;
  readonly filter: Omit<ResolvedFilter, "files">;
  readonly actions: readonly ResolvedAction[];
}

/** Adds the values that fail2ban itself defines for all jails. */
export function addConstants(config: Config, directory: string): void {
  const place = { file: directory, line: 0, column: 0 };
  config.defaults.set("fail2ban_version", located("1.1.0", place));
  config.defaults.set("fail2ban_confpath", located(directory, place));
}

/** True when the jail's section enables it. */
export function isEnabled(config: Config, name: string, warn: Warn): boolean {
  const value = config.get(name, "enabled");
  return value !== undefined && isTrueOf("enabled", value, warn);
}

/**
 * Reads a jail with its filter and its actions.
 *
 * @throws RuleError when one of the files is missing or has mistakes
 */
export function readJail(config: Config, name: string, directory: string, files: ConfigFiles): ResolvedJail {
  const first = optionsOf(config, name, FIRST_OPTIONS);
  const call = first.get("filter");
  const definition = call?.text ? readKnown(config, name, call, first, directory, files) : undefined;
  const options = optionsOf(config, name, [...JAIL_OPTIONS, ...FILTER_OPTIONS]);
  definition?.read(FILTER_OPTIONS, options);
  const calls = splitCalls(options.get("action") ?? located("", placeOfJail(config, name)));
  return {
    name,
    place: placeOfJail(config, name),
    options,
    port: config.get(name, "port"),
    protocol: config.get(name, "protocol"),
    filterName: call?.text ? parseCall(call).name : undefined,
    filter: filterRule(mergeFilter(definition?.combined() ?? new Map(), options)),
    actions: calls.map((action) => readAction(action, name, options, directory, files)),
  };
}

/** Reads the filter once before the jail, so that the jail's options can say `%(known/failregex)s`. */
function readKnown(
  config: Config,
  name: string,
  call: LocatedText,
  options: ReadonlyMap<string, LocatedText>,
  directory: string,
  files: ConfigFiles,
): Definition {
  const { name: filter, parameters } = parseCall(call);
  const definition = openFilter(directory, filter, parameters, placeOf(call), files);
  definition.setDefault("logtype", usesJournal(options) ? "journal" : "file");
  definition.read(FILTER_OPTIONS, options, true);
  const values = [...definition.combined()].filter(([key]) => !key.startsWith("known/"));
  config.know(name, new Map(values.map(([key, value]) => [`known/${key}`, value])));
  return definition;
}

/** True for a jail that reads the journal: its filter then expects no date, and its logpath is not used. */
export function usesJournal(options: ReadonlyMap<string, LocatedText>): boolean {
  return options.get("backend")?.text.startsWith("systemd") ?? false;
}

/**
 * Merges the jail's own filter options and the filter's as fail2ban's server receives them: patterns and journal matches of both count;
 * of two date patterns the jail's; of two other values the filter's (which has one only where a parameter or `[Init]` sets it).
 */
function mergeFilter(
  filter: ReadonlyMap<string, LocatedText>,
  jail: ReadonlyMap<string, LocatedText>,
): Map<string, LocatedText> {
  const merged = new Map<string, LocatedText>();
  for (const key of FILTER_OPTIONS) {
    const [ofFilter, ofJail] = [filter.get(key), jail.get(key)];
    const value = key === "datepattern" ? (ofJail ?? ofFilter) : (ofFilter ?? ofJail);
    if (value !== undefined) merged.set(key, value);
  }
  for (const key of ["failregex", "ignoreregex", "journalmatch"]) {
    const [ofFilter, ofJail] = [filter.get(key), jail.get(key)];
    if (ofFilter === undefined || ofJail === undefined) continue;
    merged.set(key, {
      text: `${ofFilter.text}\n${ofJail.text}`,
      places: [...ofFilter.places, ...ofJail.places],
    });
  }
  return merged;
}

function optionsOf(config: Config, name: string, keys: readonly string[]): Map<string, LocatedText> {
  const options = new Map<string, LocatedText>();
  for (const key of keys) {
    const value = config.get(name, key);
    if (value !== undefined) options.set(key, value);
  }
  return options;
}

/** The place of the section's first key; for a section without keys, the file. */
function placeOfJail(config: Config, name: string): Place {
  return config.place(name) ?? { file: config.files[0] ?? "", line: 0, column: 0 };
}
