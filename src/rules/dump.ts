import { stringify } from "yaml";
import { jailToKeys } from "./jail-to-yaml.ts";
import type { Jail } from "./rule.ts";

/**
 * The jails as a rules file with every default: reading it gives equal jails, except for places. Names of ports have become numbers, and
 * `ignoreip` is sorted by kind.
 */
export function dumpRules(jails: readonly Jail[]): string {
  // yaml's stringify leaves out what is undefined.
  const byName = new Map(jails.map((jail) => [jail.name, jailToKeys(jail)]));
  return stringify({ jails: byName }, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });
}
