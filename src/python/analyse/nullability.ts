import { type CharSet, isSubset, union } from "../charset.ts";
import { type Alphabet, charsOf } from "../classes.ts";
import type { Node } from "../tree.ts";
import { widthOf } from "../width.ts";

/** True when a node can match the empty text. */
export function isNullable(node: Node): boolean {
  return widthOf(node, () => ({ min: 0, max: 0 })).min === 0;
}

/**
 * True when a node tries to match the empty text last, if at all. A greedy loop around such a node means the same in Python and
 * JavaScript, though they treat an empty iteration differently: Python continues after the loop, JavaScript tries the next alternative
 * inside.
 */
export function triesEmptyLast(node: Node): boolean {
  if (!isNullable(node)) return true;
  switch (node.type) {
    case "repeat":
      return node.mode !== "lazy" && !isNullable(node.body);
    case "alternation":
      return (
        node.branches.slice(0, -1).every((branch) => !isNullable(branch)) &&
        node.branches.slice(-1).every(triesEmptyLast)
      );
    case "conditional":
      return triesEmptyLast(node.yes) && triesEmptyLast(node.no);
    case "sequence":
      return node.items.every(triesEmptyLast);
    case "group":
      return triesEmptyLast(node.body);
    default:
      return true;
  }
}

/** True when a node can match the empty text at any position. */
export function isEmptyAnywhere(node: Node): boolean {
  switch (node.type) {
    case "repeat":
      return node.min === 0 || isEmptyAnywhere(node.body);
    case "sequence":
      return node.items.every(isEmptyAnywhere);
    case "alternation":
      return node.branches.some(isEmptyAnywhere);
    case "group":
    case "atomic":
      return isEmptyAnywhere(node.body);
    default:
      return false;
  }
}

/** The characters that a non-empty match of a node can end with; undefined: unknown. */
function lastChars(node: Node, alphabet: Alphabet): CharSet | undefined {
  switch (node.type) {
    case "char":
      return charsOf(node, alphabet);
    case "place":
    case "look":
      return [];
    case "group":
    case "atomic":
    case "repeat":
      return lastChars(node.body, alphabet);
    case "reference":
      return undefined;
    case "conditional":
      return either([node.yes, node.no], alphabet);
    case "alternation":
      return either(node.branches, alphabet);
    case "sequence": {
      const end = node.items.findLastIndex((item) => !isNullable(item));
      return either(node.items.slice(Math.max(end, 0)), alphabet);
    }
  }
}

/** Gives the characters that can stand before a place; undefined: unknown. */
export type CharsBefore = () => CharSet | undefined;

/** The characters that can stand before the node after `node`. */
export function charsBehind(node: Node, before: CharsBefore, alphabet: Alphabet): CharsBefore {
  return () => {
    const last = lastChars(node, alphabet);
    if (last === undefined || !isNullable(node)) return last;
    const earlier = before();
    return earlier && union(earlier, last);
  };
}

/** True for a lookbehind that always matches, since one of its characters always stands before it. */
export function isAlwaysBehind(node: Node, before: CharsBefore, alphabet: Alphabet): boolean {
  if (node.type !== "look" || !node.behind || node.negated || node.body.type !== "char") return false;
  const chars = before();
  return chars !== undefined && isSubset(chars, charsOf(node.body, alphabet));
}

function either(nodes: readonly Node[], alphabet: Alphabet): CharSet | undefined {
  const sets = nodes.map((node) => lastChars(node, alphabet));
  return sets.every((set) => set !== undefined) ? union(...sets) : undefined;
}
