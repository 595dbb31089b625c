import { isNullable } from "./analyse/nullability.ts";
import { exactGroups, groupsIn } from "./groups.ts";
import { childrenOf, type Node, type RepeatNode, rewrite, type Tree, walk } from "./tree.ts";

/**
 * A loop with named groups that later iterations may skip: Python keeps what they matched, JavaScript resets them. After a match two
 * more patterns read them iteration by iteration.
 */
export interface LoopCaptures {
  /** Names of the groups by number. */
  readonly groups: ReadonlyMap<number, string>;
  /** Number of the group that the two patterns have in addition. */
  readonly mark: number;
  /** The whole pattern, with an empty mark where the loop begins. */
  readonly start: Tree;
  /** One iteration, which is the mark, then the other iterations and the rest of the pattern. */
  readonly iteration: Tree;
}

/**
 * The loops whose groups can be read afterwards. What follows such a loop must not depend on its iterations: there are no references,
 * and nothing around the loop that cannot be backtracked into.
 */
export function loopCaptures(tree: Tree): readonly LoopCaptures[] {
  const exact = exactGroups(tree);
  if ([...tree.names.keys()].every((index) => exact.has(index))) return [];
  if ([...walk(tree.root)].some(({ type }) => type === "reference" || type === "conditional")) return [];
  return plainLoops(tree.root)
    .map((loop) => loopCapture(tree, loop, exact))
    .filter(({ groups }) => groups.size > 0);
}

/** Numbers of the named groups that are read iteration by iteration. */
export function loopGroups(tree: Tree): ReadonlySet<number> {
  return new Set(loopCaptures(tree).flatMap(({ groups }) => [...groups.keys()]));
}

/** Greedy loops without empty iterations, inside sequences, alternatives and optional groups alone. */
function plainLoops(node: Node): readonly RepeatNode[] {
  switch (node.type) {
    case "repeat": {
      if (node.max === 1 && node.mode !== "possessive") return plainLoops(node.body);
      const isPlain = node.mode === "greedy" && node.min <= 1 && node.max === Number.POSITIVE_INFINITY;
      return isPlain && !isNullable(node.body) ? [node] : [];
    }
    case "group":
    case "sequence":
    case "alternation":
      return childrenOf(node).flatMap(plainLoops);
    default:
      return [];
  }
}

function loopCapture(tree: Tree, loop: RepeatNode, exact: ReadonlySet<number>): LoopCaptures {
  const { offset, body } = loop;
  const ofTurn = exactGroups({ ...tree, root: body });
  const groups = new Map(
    groupsIn(body).flatMap((index): [number, string][] => {
      const name = tree.names.get(index);
      return name !== undefined && ofTurn.has(index) && !exact.has(index) ? [[index, name]] : [];
    }),
  );
  const mark = tree.groupCount + 1;
  const marked = (inner: Node): Node => ({
    type: "group",
    offset,
    index: mark,
    name: undefined,
    body: inner,
  });
  const sequence = (items: readonly Node[]): Node => ({ type: "sequence", offset, items });
  const others: Node = { ...loop, min: 0, body: uncaptured(body) };
  const behind = (behindLoop(tree.root, loop) ?? []).map((node) => uncaptured(node));
  const start = uncaptured(tree.root, (node) =>
    node === loop ? sequence([marked(sequence([])), uncaptured(loop)]) : undefined,
  );
  return {
    groups,
    mark,
    start: { ...tree, groupCount: mark, root: start },
    iteration: { ...tree, groupCount: mark, root: sequence([marked(body), others, ...behind]) },
  };
}

/** The nodes that a pattern continues with after the loop; undefined if the loop is not in this node. */
function behindLoop(node: Node, loop: RepeatNode): readonly Node[] | undefined {
  if (node === loop) return [];
  for (const [i, child] of childrenOf(node).entries()) {
    const behind = behindLoop(child, loop);
    if (behind) return node.type === "sequence" ? [...behind, ...node.items.slice(i + 1)] : behind;
  }
  return undefined;
}

/** A copy of a node whose groups capture nothing; `replace` may give other nodes for some inside it. */
export function uncaptured(node: Node, replace: (node: Node) => Node | undefined = () => undefined): Node {
  return rewrite(node, (inner, copy) => {
    const other = replace(inner);
    if (other || inner.type !== "group") return other;
    return { ...inner, index: undefined, name: undefined, body: copy(inner.body) };
  });
}
