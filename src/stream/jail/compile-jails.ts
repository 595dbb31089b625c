import { type CompiledFilter, compileFilter, FilterError } from "../../filter/compile-filter.ts";
import { placeInPattern } from "../../rules/pattern-place.ts";
import { type Jail, RuleError } from "../../rules/rule.ts";

/** A jail whose patterns are compiled. */
export interface CompiledJail {
  readonly jail: Jail;
  readonly filter: CompiledFilter;
}

/**
 * Compiles the patterns of all jails.
 *
 * @param leaveOut called with the mistakes of a jail; returns whether the jail is left out instead
 * @throws AggregateError of RuleErrors, one for each pattern that is wrong
 */
export function compileJails(
  jails: readonly Jail[],
  leaveOut: (jail: Jail, errors: readonly RuleError[]) => boolean = () => false,
): readonly CompiledJail[] {
  const errors: RuleError[] = [];
  const compiled = jails.flatMap((jail): CompiledJail[] => {
    try {
      return [{ jail, filter: compileFilter(jail.filter, jail.session !== undefined) }];
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const mistakes = error.errors.map(toRuleError);
      if (!leaveOut(jail, mistakes)) errors.push(...mistakes);
      return [];
    }
  });
  if (errors.length > 0) throw new AggregateError(errors);
  return compiled;
}

function toRuleError(error: unknown): RuleError {
  if (!(error instanceof FilterError)) throw error;
  return new RuleError("ERR_RULE_REGEX", placeInPattern(error.pattern, error.offset), error.message);
}
