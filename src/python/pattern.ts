import type { PrecompiledPattern } from "./precompiled.ts";
import type { Tree } from "./tree.ts";

/** A match of a Python pattern in a text. */
export interface PatternMatch {
  /** Where the whole match starts and ends, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Named groups that took part, by name; those that did not are undefined. Made when it is asked for. */
  readonly groups: Readonly<Record<string, string | undefined>>;
  /** The group whose name has this index in the pattern's `groupNames`; undefined when it took no part. */
  group(index: number): string | undefined;
}

/** Start and end of a group. */
type Span = readonly [start: number, end: number];

/** A match with the spans of its groups: slower, so only where they are needed. */
export interface PatternSpans extends PatternMatch {
  /**
   * By group number; index 0 is the whole match. A group without a name has no span where it stands in a loop whose later iterations
   * may skip it: Python would give that of an earlier iteration.
   */
  readonly spans: readonly (Span | undefined)[];
}

/** A pattern of Python's `re`, compiled to mean the same here. */
export interface PythonPattern {
  readonly source: string;
  /** What the build found out about it; undefined: nothing. */
  readonly precompiled?: PrecompiledPattern;
  /** The parsed pattern, for other readers: its literals, its attack strings. */
  readonly tree: Tree;
  /** True when V8's linear engine takes over from a `search` of ASCII that backtracks too much: no text makes that slow. */
  readonly isLinear: boolean;
  /** Names of the groups, in order of their numbers. */
  readonly groupNames: readonly string[];
  /** How many groups there are, named or not. */
  readonly groupCount: number;
  /**
   * The leftmost match at or after `from`, as Python's `pattern.search(text, from)`. `ascii` says whether the text is
   * ASCII, for callers that know; else it is checked.
   */
  search(text: string, from?: number, ascii?: boolean): PatternMatch | undefined;
  /** The same with the spans of all groups. */
  searchSpans(text: string, from?: number, ascii?: boolean): PatternSpans | undefined;
}

/** Flags as Python's `re.compile` takes them. */
export interface PatternFlags {
  readonly ignorecase?: boolean;
  readonly multiline?: boolean;
  readonly dotall?: boolean;
  readonly verbose?: boolean;
  readonly ascii?: boolean;
}

/** A pattern that Python's `re` would refuse (`ERR_PATTERN_SYNTAX`), or that cannot be expressed here (`ERR_PATTERN_UNSUPPORTED`). */
export class PatternError extends SyntaxError {
  readonly code: "ERR_PATTERN_SYNTAX" | "ERR_PATTERN_UNSUPPORTED";
  /** Offset in the pattern, in UTF-16 units from 0. */
  readonly offset: number;

  constructor(code: PatternError["code"], offset: number, message: string) {
    super(message);
    this.name = "PatternError";
    this.code = code;
    this.offset = offset;
  }
}
