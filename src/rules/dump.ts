import { stringify } from "yaml";
import { jailToKeys } from "./jail-to-yaml.ts";
import type { Jail } from "./rule.ts";

/**
 * The jails as a rules file, with every default written out: read again it gives equal jails, places aside. Names of
 * ports are numbers by now, and lines of `ignoreip` stand sorted by kind.
 */
export function dumpRules(jails: readonly Jail[]): string {
  // What is undefined is left out by yaml's stringify.
  const byName = new Map(jails.map((jail) => [jail.name, jailToKeys(jail)]));
  return stringify({ jails: byName }, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });
}
