import { type JournalMatch, type Place, RuleError } from "../rule.ts";
import type { ResolvedFilter } from "./resolve-filter.ts";
import type { Warn } from "./values.ts";

/**
 * Reads a jail's `journalmatch`; its lines are alternatives. fail2ban passes the words to the journal unchecked, so fields that any local
 * user can write are allowed, with a warning.
 *
 * @throws RuleError for a word that is not `FIELD=VALUE`
 */
export function readJournalMatch(
  { filter, place }: { readonly filter: Pick<ResolvedFilter, "journalmatch">; readonly place: Place },
  warn: Warn,
): JournalMatch | undefined {
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
