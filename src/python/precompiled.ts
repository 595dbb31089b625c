import type { PatternLiterals } from "./analyse/literals.ts";

/** What the build found out about a pattern, so that it need not be parsed at start: plain data, for JSON. */
export interface PrecompiledPattern extends PatternLiterals {
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  /** The result of `emitPattern` for ASCII and the named groups. */
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

/** Sets the patterns that the build has checked: they are parsed only where their tree is needed. */
export function usePrecompiled(known: ReadonlyMap<string, PrecompiledPattern>): void {
  patterns = known;
}

export function precompiledPattern(source: string): PrecompiledPattern | undefined {
  return patterns.get(source);
}
