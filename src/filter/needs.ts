import type { CompiledFilter } from "./compile.ts";
import { type Literals, requiredLiterals } from "./python/literals.ts";

/** What a line must hold for a filter to say anything of it. */
export type Needs =
  /** One of these. */
  | { readonly every: false; readonly literals: readonly Literals[] }
  /** Nothing: the filter must see every line. */
  | { readonly every: true; readonly why: string };

/**
 * Finds out which lines a filter can be spared.
 *
 * @param cut whether a date is cut out of the line before patterns see it, so that a literal may be torn by it
 */
export function needsOf({ prefregex, failregex, maxlines }: CompiledFilter, cut: boolean): Needs {
  if (maxlines > 1) return { every: true, why: `maxlines is ${maxlines}` };
  const ofPrefregex = prefregex && requiredLiterals(prefregex.pattern.tree, { cut });
  const literals: Literals[] = [];
  for (const [index, { pattern }] of failregex.entries()) {
    const found = requiredLiterals(pattern.tree, { cut }) ?? ofPrefregex;
    if (found === undefined) return { every: true, why: `failregex ${index + 1} has no fixed text` };
    literals.push(found);
  }
  return { every: false, literals };
}
