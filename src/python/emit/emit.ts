import {
  type CharsBefore,
  charsBehind,
  isAlwaysBehind,
  isEmptyAnywhere,
  isNullable,
  triesEmptyLast,
} from "../analyse/nullability.ts";
import { type CharSet, includes, isSubset, subtract } from "../charset.ts";
import { type Alphabet, charsOf, wordChars } from "../classes.ts";
import { analyseGroups, exactGroups, type GroupUse, groupsIn } from "../groups.ts";
import { loopGroups } from "../loops.ts";
import { PatternError } from "../pattern.ts";
import {
  type AlternationNode,
  type CharNode,
  type ConditionalNode,
  type GroupNode,
  type LookNode,
  type Node,
  type PlaceNode,
  type ReferenceNode,
  type RepeatNode,
  type SequenceNode,
  type Tree,
  walk,
} from "../tree.ts";
import { ASCII_CASES, caseOrbits } from "../unicode.ts";
import { setSource, unitsSource } from "./charset-source.ts";
import { failInsidePair, takesAllPairs } from "./inside-pair.ts";

/** A pattern as the source of a JavaScript RegExp without flags. */
export interface Emitted {
  readonly source: string;
  /** Whether V8's linear engine can run it: no lookaround, no back reference, no large counts. */
  readonly linear: boolean;
  /** The RegExp's group for each group of the pattern; undefined for one that is not read. Index 0 is the match. */
  readonly numbers: readonly (number | undefined)[];
  /** Groups that hold the final newline if `$` consumed it; the newline does not belong to the match. */
  readonly newlines: readonly number[];
  /** The group that holds the newline before the match if a leading `^` consumed it; undefined: there is no such group. */
  readonly lead: number | undefined;
}

/** The groups that the caller reads: the named ones, or all that are exact. */
export type Reported = "names" | "numbers";

/**
 * Writes a tree as a RegExp that matches the same, for texts of one alphabet (`unicode`: well-formed UTF-16).
 *
 * @throws PatternError ERR_PATTERN_UNSUPPORTED for what JavaScript cannot express
 */
export function emitPattern(tree: Tree, alphabet: Alphabet, reported: Reported): Emitted {
  const indices = reported === "names" ? namedGroups(tree) : exactGroups(tree);
  return new Emitter(tree, alphabet, reported, analyseGroups(tree, indices)).emit();
}

/** The named groups that one search gives. */
function namedGroups(tree: Tree): ReadonlySet<number> {
  const kept = loopGroups(tree);
  return new Set([...tree.names.keys()].filter((index) => !kept.has(index)));
}

/** V8's linear engine copies what is repeated, and refuses more copies than this. */
const MAX_COPIES = 16;

/** A counted character is unrolled up to this many times, which saves copies. */
const MAX_UNROLLED = 32;

/** Where a node stands. */
interface Context {
  /** Nothing follows in the whole pattern (`match`) or in this lookahead (`look`), so `$` may consume the newline. */
  readonly tail: "match" | "look" | undefined;
  /** Right to left, as JavaScript reads a lookbehind. */
  readonly behind: boolean;
  /** The characters that can stand before, where that is known. */
  readonly before: CharsBefore;
  /** How often the linear engine copies this node. */
  readonly copies: number;
  /** Whether no match goes on after this node between the halves of a pair of surrogates. */
  readonly endsWhole: boolean;
}

const UNKNOWN: CharsBefore = () => undefined;

const NEWLINE: CharSet = [10, 10];

class Emitter {
  readonly #tree: Tree;
  readonly #alphabet: Alphabet;
  readonly #use: GroupUse;
  readonly #numbers: (number | undefined)[];
  readonly #newlines: number[] = [];
  /** The `^` that may consume the newline before it, and the group that then holds it. */
  readonly #first: PlaceNode | undefined;
  #lead: number | undefined;
  /** The groups that mark another group as set. */
  readonly #marks = new Map<number, readonly number[]>();
  #groupCount = 0;
  #linear = true;

  constructor(tree: Tree, alphabet: Alphabet, reported: Reported, use: GroupUse) {
    this.#tree = tree;
    this.#alphabet = alphabet;
    this.#use = use;
    this.#first = reported === "names" ? firstPlace(tree.root) : undefined;
    this.#numbers = Array.from({ length: tree.groupCount + 1 }, (_, index) => (index === 0 ? 0 : undefined));
  }

  emit(): Emitted {
    const context: Context = { tail: "match", behind: false, before: UNKNOWN, copies: 1, endsWhole: false };
    const source = this.#disjunction(this.#tree.root, context);
    const lead = this.#lead;
    return { source, linear: this.#linear, numbers: this.#numbers, newlines: this.#newlines, lead };
  }

  /** Source that may have alternatives at its top level. */
  #disjunction(node: Node, context: Context): string {
    if (node.type === "group" && !this.#isKept(node)) return this.#disjunction(node.body, context);
    if (node.type === "alternation") return this.#branches(node, context);
    return this.#term(node, context);
  }

  #branches({ branches }: AlternationNode, context: Context): string {
    return branches.map((branch) => this.#term(branch, context)).join("|");
  }

  /** Source that can stand in a sequence. */
  #term(node: Node, context: Context): string {
    switch (node.type) {
      case "char":
        return this.#char(node);
      case "place":
        return this.#place(node, context);
      case "group":
        return this.#group(node, context);
      case "atomic":
        return this.#atomic(node.body, context);
      case "look":
        return this.#look(node, context);
      case "reference":
        return this.#reference(node, context);
      case "conditional":
        return this.#conditional(node, context);
      case "repeat":
        return this.#repeat(node, context);
      case "sequence":
        return this.#sequence(node, context);
      case "alternation":
        return `(?:${this.#branches(node, context)})`;
    }
  }

  /** Source that can be repeated. */
  #atom(node: Node, context: Context): string {
    if (node.type === "char") return this.#char(node);
    if (node.type === "group" && this.#isKept(node)) return this.#group(node, context);
    return `(?:${this.#disjunction(node, context)})`;
  }

  #sequence({ items }: SequenceNode, context: Context): string {
    let text = "";
    let { before } = context;
    for (const [i, item] of items.entries()) {
      const tail = i === items.length - 1 ? context.tail : undefined;
      if (isEndBeforeNewline(item, items[i + 1], this.#alphabet)) continue;
      const endsWhole = failInsidePair(items, i + 1, context.endsWhole);
      text +=
        item.type === "char" ? this.#char(item) : this.#term(item, { ...context, tail, before, endsWhole });
      before = charsBehind(item, before, this.#alphabet);
    }
    return text;
  }

  #char(node: CharNode): string {
    return setSource(charsOf(node, this.#alphabet), this.#alphabet);
  }

  #place(node: PlaceNode, { tail }: Context): string {
    const { at, ascii } = node;
    switch (at) {
      case "textStart":
        return "^";
      case "textEnd":
        return "$";
      case "end":
        if (tail === "match") return `${this.#newline()}?$`;
        return tail === "look" ? "\\n?$" : this.#nonlinear("(?=\\n?$)");
      case "lineEnd":
        return tail === "match" ? `(?:${this.#newline()}|$)` : this.#nonlinear("(?![^\\n])");
      case "lineStart":
        return node === this.#first ? this.#leadingNewline() : this.#nonlinear("(?<![^\\n])");
      case "word":
        return this.#wordBoundary(ascii, "\\b");
      case "notWord":
        // Python finds no \B in an empty text.
        return this.#nonlinear(`(?!^$)${this.#wordBoundary(ascii, "\\B")}`);
    }
  }

  #newline(): string {
    this.#newlines.push(++this.#groupCount);
    return "(\\n)";
  }

  /** Consuming the newline finds the same matches in the same order, as nothing stands before this `^`. */
  #leadingNewline(): string {
    this.#lead = ++this.#groupCount;
    return "(?:^|(\\n))";
  }

  #wordBoundary(ascii: boolean, native: "\\b" | "\\B"): string {
    if (ascii || this.#alphabet === "ascii") return native;
    const word = setSource(wordChars(this.#alphabet, false), this.#alphabet);
    const [first, second] = native === "\\b" ? ["!", "="] : ["=", "!"];
    return this.#nonlinear(`(?:(?<=${word})(?${first}${word})|(?<!${word})(?${second}${word}))`);
  }

  #nonlinear(text: string): string {
    this.#linear = false;
    return text;
  }

  #isKept({ index }: GroupNode): boolean {
    return index !== undefined && this.#use.kept.has(index);
  }

  #group(node: GroupNode, context: Context): string {
    const { index, body } = node;
    if (index === undefined || !this.#isKept(node)) {
      return body.type === "alternation" ? `(?:${this.#branches(body, context)})` : this.#term(body, context);
    }
    const mark = this.#use.marked.has(index) ? this.#mark(index, body) : "";
    this.#numbers[index] = ++this.#groupCount;
    const text = this.#disjunction(body, { ...context, tail: undefined });
    return mark === "" ? `(${text})` : `(?:${mark}(${text}))`;
  }

  /**
   * A marking group, which is never empty once the marked group has matched: it holds the rest of the text. At the end of the text,
   * where that is empty, a second one holds the text before.
   */
  #mark(index: number, body: Node): string {
    const ahead = ++this.#groupCount;
    this.#marks.set(index, [ahead]);
    if (!isNullable(body)) return this.#nonlinear("(?=([^]+))");
    if (isNullable(this.#tree.root))
      refuse(
        body,
        "a condition on a group that may be empty is not supported in a pattern that may be empty",
      );
    this.#marks.set(index, [ahead, ++this.#groupCount]);
    return this.#nonlinear("(?:(?=([^]+))|(?<=([^]+)))");
  }

  /**
   * A lookahead that matches if a group is set, or unset. A reference to an unset mark matches the empty text; twice a set mark is
   * longer than the rest of the text.
   */
  #isSet(node: ReferenceNode | ConditionalNode, set: boolean): string {
    const [ahead, before] = this.#marks.get(node.index) ?? [];
    if (ahead === undefined) refuse(node, "a condition on a group must come after the group");
    const marks = [ahead, ahead, ...(before === undefined ? [] : [before])];
    return this.#nonlinear(`(?${set ? "!" : "="}${marks.map((mark) => `(?:\\${mark})`).join("")})`);
  }

  /** JavaScript has no atomic groups, but never backtracks into a lookahead. */
  #atomic(body: Node, context: Context): string {
    // In a lookbehind everything has a fixed width, so there is nothing to backtrack into.
    if (context.behind) return this.#atom(body, { ...context, tail: undefined });
    const number = ++this.#groupCount;
    const text = this.#disjunction(body, { ...context, tail: undefined, endsWhole: false });
    return this.#nonlinear(`(?:(?=(${text}))\\${number})`);
  }

  #look(node: LookNode, context: Context): string {
    if (isAlwaysBehind(node, context.before, this.#alphabet)) return "";
    const { behind, negated, body } = node;
    const tail = behind ? undefined : "look";
    const text = this.#disjunction(body, { tail, behind, before: UNKNOWN, copies: 1, endsWhole: false });
    return this.#nonlinear(`(?${behind ? "<" : ""}${negated ? "!" : "="}${text})`);
  }

  #reference(node: ReferenceNode, { behind }: Context): string {
    this.#checkCase(node);
    const reference = this.#nonlinear(`(?:\\${this.#numbers[node.index]})`);
    if (this.#use.stateAt.get(node) === "set") return reference;
    if (this.#use.stateAt.get(node) === "unset") return "[]";
    if (behind) refuse(node, "a condition on a group is not supported in a lookbehind");
    return this.#isSet(node, true) + reference;
  }

  /** JavaScript compares back references exactly: under `(?i)` the group must not match characters that have two cases. */
  #checkCase({ index, case: kind, offset }: ReferenceNode): void {
    if (kind === "exact") return;
    for (const node of this.#charsInGroup(index)) {
      if (hasCase(node)) refuse({ offset }, "a back reference that ignores case is not supported");
    }
  }

  #charsInGroup(index: number): CharNode[] {
    for (const node of walk(this.#tree.root)) {
      if (node.type !== "group" || node.index !== index) continue;
      return [...walk(node)].flatMap((inner) =>
        inner.type === "char" ? [inner] : inner.type === "reference" ? this.#charsInGroup(inner.index) : [],
      );
    }
    return [];
  }

  #conditional(node: ConditionalNode, context: Context): string {
    const state = this.#use.stateAt.get(node);
    if (state !== "maybe") return this.#atom(state === "set" ? node.yes : node.no, context);
    if (context.behind) refuse(node, "a condition on a group is not supported in a lookbehind");
    const yes = this.#isSet(node, true) + this.#term(node.yes, context);
    return `(?:${yes}|${this.#isSet(node, false)}${this.#term(node.no, context)})`;
  }

  #repeat(node: RepeatNode, context: Context): string {
    const { min, max, mode, body } = node;
    if (max === 0) return "(?:)";
    if (max === 1) return this.#optional(node, context);
    this.#checkTurns(node, context);
    if (mode === "possessive") return this.#possessive(node, context);
    const lazy = mode === "lazy" ? "?" : "";
    if (max > min && mode === "greedy" && !triesEmptyLast(body)) return this.#emptyFirst(node, context);
    return this.#counted(node, context, lazy);
  }

  /** An optional node. In JavaScript it never matches the empty text, so that becomes an alternative. */
  #optional(node: RepeatNode, context: Context): string {
    const { min, mode, body } = node;
    if (mode === "possessive") return this.#atomic({ ...node, mode: "greedy" }, context);
    if (min === 1) return this.#atom(body, context);
    if (!isNullable(body)) return `${this.#atom(body, context)}?${mode === "lazy" ? "?" : ""}`;
    const text = this.#atom(body, context);
    return mode === "lazy" ? `(?:|${text})` : `(?:${text}|)`;
  }

  /** Python does not backtrack into a finished iteration, not even one of the required minimum. */
  #possessive(node: RepeatNode, context: Context): string {
    const { min, offset, body } = node;
    const iteration: Node = min > 1 && body.type !== "char" ? { type: "atomic", offset, body } : body;
    return this.#atomic({ ...node, mode: "greedy", body: iteration }, context);
  }

  /** Refuses groups in a loop whose iterations may be empty: Python sets them there, JavaScript resets them. */
  #checkTurns({ min, max, body }: RepeatNode, { behind }: Context): void {
    const kept = groupsIn(body).filter((index) => this.#use.kept.has(index));
    if (kept.length === 0) return;
    if (behind) refuse(body, "a group in a loop in a lookbehind cannot be read");
    if (max > min && isNullable(body)) refuse(body, "a group in a loop with empty iterations cannot be read");
  }

  #counted(node: RepeatNode, context: Context, lazy: string): string {
    const { min, max, body } = node;
    const local = max === Number.POSITIVE_INFINITY ? min + 1 : max;
    const copies = context.copies * local;
    const inner: Context = { ...context, tail: undefined, before: UNKNOWN, copies, endsWhole: false };
    if (copies > MAX_COPIES) {
      if (body.type === "char" && local <= MAX_UNROLLED)
        return this.#unrolled(this.#char(body), min, max, lazy);
      this.#linear = false;
    }
    const isOfUnits = context.endsWhole && !context.behind && this.#alphabet === "unicode";
    const atom =
      isOfUnits && body.type === "char" && takesAllPairs(node)
        ? unitsSource(charsOf(body, this.#alphabet))
        : this.#atom(body, inner);
    return `${atom}${quantifier(min, max)}${lazy}`;
  }

  /** `x{2,4}` as `xx(?:x(?:x)?)?`: the linear engine makes one copy of each. */
  #unrolled(text: string, min: number, max: number, lazy: string): string {
    const fixed = text.repeat(min);
    if (max === Number.POSITIVE_INFINITY) return `${fixed}${text}*${lazy}`;
    let optional = "";
    for (let i = min; i < max; i++) optional = `(?:${text}${optional})?${lazy}`;
    return fixed + optional;
  }

  /**
   * A greedy loop over alternatives of which one before the last can be empty. With P the alternatives up to that one and Q the
   * others, Python's loop is L = P L | (leave) | Q L, which JavaScript writes P*(?:Q P*)*?.
   */
  #emptyFirst(node: RepeatNode, context: Context): string {
    const { min, max, body } = node;
    const branches = branchesOf(body);
    const first = branches.findIndex(isNullable);
    const upTo = branches.slice(0, first + 1);
    const others = branches.slice(first + 1);
    const leaves = upTo.at(-1);
    const isPlain =
      upTo.every(triesEmptyLast) && leaves && isEmptyAnywhere(leaves) && !others.some(isNullable);
    if (max !== Number.POSITIVE_INFINITY || !isPlain) {
      refuse(node, "a loop with an alternative that may be empty before others is not supported");
    }
    const inner: Context = { ...context, tail: undefined, before: UNKNOWN, endsWhole: false };
    const loop = (nodes: readonly Node[]) =>
      `(?:${nodes.map((branch) => this.#term(branch, inner)).join("|")})`;
    if (min > 0) this.#linear = false;
    const start = min > 0 ? `${this.#atom(body, inner)}{${min}}` : "";
    return `${start}${loop(upTo)}*(?:${loop(others)}${loop(upTo)}*)*?`;
  }
}

/** The `^` that every match begins with. */
function firstPlace(node: Node): PlaceNode | undefined {
  if (node.type === "group" && node.index === undefined) return firstPlace(node.body);
  if (node.type === "place") return node.at === "lineStart" ? node : undefined;
  const [first] = node.type === "sequence" ? node.items : [];
  return first && firstPlace(first);
}

/** True for a `$` that the newline after it makes redundant. */
function isEndBeforeNewline(node: Node, next: Node | undefined, alphabet: Alphabet): boolean {
  return (
    node.type === "place" &&
    node.at === "lineEnd" &&
    next?.type === "char" &&
    isSubset(charsOf(next, alphabet), NEWLINE)
  );
}

/** True when a node can match a character that has another case, in texts of any alphabet. */
function hasCase(node: CharNode): boolean {
  const ascii = charsOf(node, "ascii");
  if ([...ASCII_CASES.keys()].some((code) => includes(ascii, code))) return true;
  const others = subtract(charsOf(node, "unicode"), [0, 0x7f]);
  return others.length > 0 && [...caseOrbits().keys()].some((code) => includes(others, code));
}

function branchesOf(node: Node): readonly Node[] {
  if (node.type === "group") return branchesOf(node.body);
  return node.type === "alternation" ? node.branches : [node];
}

function quantifier(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function refuse({ offset }: { readonly offset: number }, message: string): never {
  throw new PatternError("ERR_PATTERN_UNSUPPORTED", offset, message);
}
