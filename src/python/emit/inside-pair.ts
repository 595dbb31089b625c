import { isNullable } from "../analyse/nullability.ts";
import { isSubset, LAST_CODE_POINT } from "../charset.ts";
import { charsOf } from "../classes.ts";
import type { Node } from "../tree.ts";

/**
 * Whether a loop takes every character of two units, without a count: then it may as well take units, which is four times as fast. It
 * can end between the halves of a pair, or begin there.
 */
export function takesAllPairs(node: Node): boolean {
  return (
    node.type === "repeat" &&
    node.body.type === "char" &&
    node.min <= 1 &&
    node.max === Number.POSITIVE_INFINITY &&
    isSubset([0x10000, LAST_CODE_POINT], charsOf(node.body, "unicode"))
  );
}

/**
 * Whether no match goes on with these nodes, from `from` on, between the halves of a pair.
 *
 * @param after whether none goes on there with what follows them
 */
export function failInsidePair(nodes: readonly Node[], from: number, after: boolean): boolean {
  for (let index = from; index < nodes.length; index++) {
    const node = nodes[index] as Node;
    if (!failsInsidePair(node, true)) return false;
    if (!failsInsidePair(node, false)) continue;
    return true;
  }
  return after;
}

/** Whether a node fails between the halves of a pair, if what follows it does (`after`), or does not. */
function failsInsidePair(node: Node, after: boolean): boolean {
  switch (node.type) {
    case "char":
      return true;
    case "place":
      return after || (node.at !== "word" && node.at !== "notWord");
    case "look":
      return after;
    case "group":
    case "atomic":
      return failsInsidePair(node.body, after);
    case "sequence":
      return failInsidePair(node.items, 0, after);
    case "alternation":
      return node.branches.every((branch) => failsInsidePair(branch, after));
    case "repeat":
      if (node.max === 0) return after;
      if (takesAllPairs(node)) return false;
      if (node.min > 0 && !isNullable(node.body)) return failsInsidePair(node.body, false);
      return after && failsInsidePair(node.body, true);
    case "reference":
    case "conditional":
      return false;
  }
}
