import type { FilterRule, Pattern } from "../rules/rule.ts";
import { findBacktracking } from "./python/backtracking.ts";
import { type CharSet, charSet, includes, intersect, isSubset, sizeOf, union } from "./python/charset.ts";
import { charsOf } from "./python/classes.ts";
import { compilePattern, isLinear } from "./python/compile.ts";
import { isNullable } from "./python/shape.ts";
import { childrenOf, type GroupNode, type Node, type RepeatNode, type Tree } from "./python/tree.ts";
import { expandTags } from "./tags.ts";

/** A place in a pattern that whoever writes into the log can abuse. */
export interface Weakness {
  readonly pattern: Pattern;
  /** Offset in the pattern as written, in UTF-16 units. */
  readonly offset: number;
  /** Where and why, for an administrator: `failregex 1: not anchored: …`. */
  readonly message: string;
}

/** Groups that say whom a failure is about. */
const IDS = ["fid", "ip4", "ip6", "dns"];

/** What a prefregex cuts out for the failregexes: whoever moves its beginning moves their `^`. */
const CONTENT = "content";

const UNANCHORED =
  "not anchored: text anywhere in a line can match, so whoever writes into the log can choose the address; begin the pattern with ^ and what the service itself writes there";
const DECOY =
  "anything can stand here, another address, too, and the pattern does not hold on to the end of the line: whoever writes this text can choose the address; end the pattern with $ or keep the text in front of the address narrower";

/**
 * Finds what lets a stranger choose whom a filter bans, or stop the program, as the patterns tell it: no knowledge of the
 * service is in this, so a pattern may be weaker than it looks, or stronger.
 *
 * @throws PatternError for patterns that do not compile
 */
export function findWeaknesses(rule: FilterRule): readonly Weakness[] {
  const { prefregex, failregex, maxlines } = rule;
  return [
    ...(prefregex ? weaknessesOf(prefregex, "prefregex", false) : []),
    ...failregex.flatMap((pattern, index) => weaknessesOf(pattern, `failregex ${index + 1}`, maxlines > 1)),
  ];
}

function weaknessesOf(written: Pattern, name: string, multiline: boolean): readonly Weakness[] {
  const expanded = expandTags(written.source);
  const pattern = compilePattern(expanded.source, { multiline });
  const weakness = (offset: number, why: string): Weakness => ({
    pattern: written,
    offset: expanded.offsetOf(offset),
    message: `${name}: ${why}`,
  });
  const found: Weakness[] = [];
  const decoy = decoyIn(pattern.tree);
  if (!isAnchored(pattern.tree.root)) found.push(weakness(0, UNANCHORED));
  else if (decoy) found.push(weakness(decoy.offset, DECOY));
  const worst = isLinear(pattern) ? undefined : findBacktracking(pattern.tree);
  if (worst) found.push(weakness(worst.offset, tooSlow(worst.isEndless)));
  return found;
}

function tooSlow(isEndless: boolean): string {
  const often = isEndless ? "without end" : "eight times as long, or longer, when it is twice as long";
  return `a line made to hurt this loop takes ${often}: it will be given up, and nobody banned for it`;
}

/** True when every match begins where the text, or a line of it, begins, and not with whatever stands there. */
function isAnchored(root: Node): boolean {
  return beginsAtStart(root) && !beginsWithAnything(root);
}

function beginsAtStart(node: Node): boolean {
  switch (node.type) {
    case "place":
      return node.at === "textStart" || node.at === "lineStart";
    case "char":
    case "reference":
      return false;
    case "look":
      return !node.behind && !node.negated && beginsAtStart(node.body);
    case "repeat":
      return node.min > 0 && beginsAtStart(node.body);
    case "group":
    case "atomic":
      return beginsAtStart(node.body);
    case "alternation":
    case "conditional":
      return childrenOf(node).every(beginsAtStart);
    case "sequence": {
      const first = node.items.findIndex((item) => beginsAtStart(item) || !isNullable(item));
      const item = node.items[first];
      return item !== undefined && beginsAtStart(item);
    }
  }
}

/** True for `^.*`, which holds on to nothing. */
function beginsWithAnything(node: Node): boolean {
  switch (node.type) {
    case "repeat":
      return isFree(node) ? isSubset(PRINTABLE, charsIn(node)) : beginsWithAnything(node.body);
    case "group":
    case "atomic":
      return beginsWithAnything(node.body);
    case "alternation":
    case "conditional":
      return childrenOf(node).some(beginsWithAnything);
    case "sequence": {
      const first = node.items.find(({ type }) => type !== "place" && type !== "look");
      return first !== undefined && beginsWithAnything(first);
    }
    default:
      return false;
  }
}

const PRINTABLE = charSet([[0x20, 0x7e]]);

/** A class of fewer printable characters is made for something, not for anything. */
const WIDE = 64;

/** No address fits into fewer turns. */
const LONG = 17;

/** True for a loop that takes free text, blanks and addresses among it: `.*`, `[^:]+`, but not `\S+` or `(?:(?! from ).)*`. */
function isFree(node: RepeatNode): boolean {
  if (node.max < LONG) return false;
  const chars = charsIn(node);
  return (
    [" ", "0", "."].every((char) => includes(chars, char.charCodeAt(0))) &&
    sizeOf(intersect(chars, PRINTABLE)) >= WIDE
  );
}

/** The characters that a loop over one of them takes. */
function charsIn({ body }: RepeatNode): CharSet {
  const node = body.type === "group" ? body.body : body;
  return node.type === "char" ? charsOf(node, "ascii") : [];
}

/** The first loop that takes free text in which another address could stand, all that follows it included. */
function decoyIn({ root, names }: Tree): RepeatNode | undefined {
  for (const { loop, behind } of freeLoops(root, [])) {
    if (new DecoySearch(charsIn(loop), names).canEndIn(behind)) return loop;
  }
  return undefined;
}

/** The loops that take free text, each with the nodes behind it. */
function* freeLoops(
  node: Node,
  behind: readonly Node[],
): Generator<{ loop: RepeatNode; behind: readonly Node[] }> {
  if (node.type === "repeat" && isFree(node)) yield { loop: node, behind };
  else if (node.type === "sequence") {
    for (const [i, item] of node.items.entries())
      yield* freeLoops(item, [...node.items.slice(i + 1), ...behind]);
  } else if (node.type !== "look") for (const child of childrenOf(node)) yield* freeLoops(child, behind);
}

/**
 * Follows a pattern from a loop of free text on. Text that passes for all the rest of the pattern may stand in what the loop
 * takes, unless the rest asks for a character that it can't hold, or for the end of the line.
 */
class DecoySearch {
  readonly #free: CharSet;
  readonly #names: Tree["names"];
  /** The characters that the rest asked for so far. */
  #asked: CharSet = [];
  #isBehindId = false;

  constructor(free: CharSet, names: Tree["names"]) {
    this.#free = free;
    this.#names = names;
  }

  /** True when the pattern can end, or take anything up to its end, while it is still in the free text. */
  canEndIn(nodes: readonly Node[]): boolean {
    return (this.#follow({ type: "sequence", offset: 0, items: nodes }) ?? this.#isBehindId) === true;
  }

  /** True: a decoy fits; false: none does; undefined: that hangs on what follows. */
  #follow(node: Node): boolean | undefined {
    switch (node.type) {
      case "char":
        return this.#take(charsOf(node, "ascii"));
      case "place":
        return this.#isBehindId && /[eE]nd$/.test(node.at) ? false : undefined;
      case "reference":
        return false;
      case "look":
        return undefined;
      case "group":
        return this.#followGroup(node);
      case "atomic":
        return this.#follow(node.body);
      case "repeat":
        return this.#followRepeat(node);
      case "sequence":
        return this.#followAll(node.items);
      case "alternation":
      case "conditional":
        return this.#followEither(childrenOf(node));
    }
  }

  #take(chars: CharSet): false | undefined {
    this.#asked = union(this.#asked, intersect(chars, PRINTABLE));
    return intersect(chars, this.#free).length === 0 ? false : undefined;
  }

  #followGroup({ index, body }: GroupNode): boolean | undefined {
    const name = index === undefined ? undefined : this.#names.get(index);
    if (name === CONTENT) return true;
    if (name === undefined || !IDS.includes(name)) return this.#follow(body);
    this.#isBehindId = true;
    return undefined;
  }

  #followRepeat(node: RepeatNode): boolean | undefined {
    // What takes all that was asked for takes the same again, with the true address, and the line can end as it should.
    if (isFree(node)) return this.#isBehindId && isSubset(this.#asked, charsIn(node)) ? true : undefined;
    const found = this.#follow(node.body);
    return node.min === 0 && found === false ? undefined : found;
  }

  #followAll(nodes: readonly Node[]): boolean | undefined {
    for (const node of nodes) {
      const found = this.#follow(node);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #followEither(branches: readonly Node[]): boolean | undefined {
    const found = branches.map((branch) => this.#follow(branch));
    if (found.includes(true)) return true;
    return found.every((each) => each === false) ? false : undefined;
  }
}
