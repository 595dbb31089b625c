import type { PatternLiterals } from "./analyse/literals.ts";

/** What is found out about a pattern when it is compiled, so that it need not be again: plain data, for JSON. */
export interface PrecompiledPattern extends PatternLiterals {
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  /** What `emitPattern` makes of it for ASCII and the named groups. */
  readonly program: {
    readonly source: string;
    /** The RegExp's group for each of the named groups. */
    readonly named: readonly number[];
    readonly linear: boolean;
    readonly newlines: readonly number[];
    readonly lead?: number | undefined;
  };
}

/** By the source of a pattern without flags. */
let patterns: ReadonlyMap<string, PrecompiledPattern> = new Map();

/** Takes up what was found out when the package was built: these patterns are right, and are parsed only when need be. */
export function usePrecompiled(known: ReadonlyMap<string, PrecompiledPattern>): void {
  patterns = known;
}

export function precompiledPattern(source: string): PrecompiledPattern | undefined {
  return patterns.get(source);
}
