import { isNullable } from "./analyse/nullability.ts";
import { exactGroups, groupsIn } from "./groups.ts";
import { childrenOf, type Node, type RepeatNode, rewrite, type Tree, walk } from "./tree.ts";

/**
 * A loop with named groups that a later turn may leave out: Python keeps what they took, JavaScript forgets it. After a match
 * they are read turn by turn, with two patterns more.
 */
export interface LoopCaptures {
  /** Names of the groups by number. */
  readonly groups: ReadonlyMap<number, string>;
  /** Number of the group that the two patterns have besides. */
  readonly mark: number;
  /** The whole pattern; the mark is empty, where the loop begins. */
  readonly start: Tree;
  /** One turn, which is the mark, the other turns and all that follows: what a search that goes on here would take. */
  readonly turn: Tree;
}

/**
 * The loops whose groups can be read afterwards. What comes behind such a loop must not hang on the turns that led there: there
 * are no references, and nothing around it that would not go back into it.
 */
export function loopCaptures(tree: Tree): readonly LoopCaptures[] {
  const exact = exactGroups(tree);
  if ([...tree.names.keys()].every((index) => exact.has(index))) return [];
  if ([...walk(tree.root)].some(({ type }) => type === "reference" || type === "conditional")) return [];
  return plainLoops(tree.root)
    .map((loop) => loopCapture(tree, loop, exact))
    .filter(({ groups }) => groups.size > 0);
}

/** Numbers of the named groups that are read turn by turn. */
export function loopGroups(tree: Tree): ReadonlySet<number> {
  return new Set(loopCaptures(tree).flatMap(({ groups }) => [...groups.keys()]));
}

/** Greedy loops without empty turns, in nothing but sequences, alternatives and optional groups. */
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
    turn: { ...tree, groupCount: mark, root: sequence([marked(body), others, ...behind]) },
  };
}

/** What a pattern goes on with once it has left the loop; undefined if the loop is not in this node. */
function behindLoop(node: Node, loop: RepeatNode): readonly Node[] | undefined {
  if (node === loop) return [];
  for (const [i, child] of childrenOf(node).entries()) {
    const behind = behindLoop(child, loop);
    if (behind) return node.type === "sequence" ? [...behind, ...node.items.slice(i + 1)] : behind;
  }
  return undefined;
}

/** A node whose groups capture nothing; `replace` may give others for some inside it. */
export function uncaptured(node: Node, replace: (node: Node) => Node | undefined = () => undefined): Node {
  return rewrite(node, (inner, copy) => {
    const other = replace(inner);
    if (other || inner.type !== "group") return other;
    return { ...inner, index: undefined, name: undefined, body: copy(inner.body) };
  });
}
