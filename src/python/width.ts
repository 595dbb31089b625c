import type { Node } from "./tree.ts";

/** Least and most code points that a node can match. */
export interface Width {
  readonly min: number;
  readonly max: number;
}

const NONE: Width = { min: 0, max: 0 };

/** The width of a node; `ofGroup` gives that of a group that a reference repeats. */
export function widthOf(node: Node, ofGroup: (index: number) => Width): Width {
  switch (node.type) {
    case "char":
      return { min: 1, max: 1 };
    case "place":
    case "look":
      return NONE;
    case "group":
    case "atomic":
      return widthOf(node.body, ofGroup);
    case "reference":
      return ofGroup(node.index);
    case "repeat": {
      const { min, max } = widthOf(node.body, ofGroup);
      return { min: min * node.min, max: max === 0 ? 0 : max * node.max };
    }
    case "sequence":
      return node.items.map((item) => widthOf(item, ofGroup)).reduce(sum, NONE);
    case "alternation":
      return node.branches.map((branch) => widthOf(branch, ofGroup)).reduce(either);
    case "conditional":
      return either(widthOf(node.yes, ofGroup), widthOf(node.no, ofGroup));
  }
}

function sum(a: Width, b: Width): Width {
  return { min: a.min + b.min, max: a.max + b.max };
}

function either(a: Width, b: Width): Width {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
