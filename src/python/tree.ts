/** How case matters: it does, it does not for ASCII letters (`(?ai)`), or not by Unicode's lower case (`(?i)`). */
type Case = "exact" | "ascii" | "unicode";

/** A category escape: `\d` as `d`, `\D` as a negated `d`. */
export interface Category {
  readonly kind: "d" | "s" | "w";
  readonly negated: boolean;
}

/** A part of a character class: code points from `low` to `high`, or a category. */
export type ClassItem = { readonly low: number; readonly high: number } | Category;

/** One code point out of a set: a literal, a class, or the dot. */
export interface CharNode {
  readonly type: "char";
  readonly offset: number;
  readonly items: readonly ClassItem[];
  readonly negated: boolean;
  readonly case: Case;
  /** Under `(?a)`: categories are ASCII's. */
  readonly ascii: boolean;
}

/** A place between code points. `end` is `$`: at the end, or before a final newline. */
export interface PlaceNode {
  readonly type: "place";
  readonly offset: number;
  readonly at: "textStart" | "textEnd" | "end" | "lineStart" | "lineEnd" | "word" | "notWord";
  readonly ascii: boolean;
}

export interface GroupNode {
  readonly type: "group";
  readonly offset: number;
  /** From 1; undefined for a group that does not capture. */
  readonly index: number | undefined;
  readonly name: string | undefined;
  readonly body: Node;
}

interface AtomicNode {
  readonly type: "atomic";
  readonly offset: number;
  readonly body: Node;
}

export interface LookNode {
  readonly type: "look";
  readonly offset: number;
  readonly behind: boolean;
  readonly negated: boolean;
  readonly body: Node;
}

export interface ReferenceNode {
  readonly type: "reference";
  readonly offset: number;
  readonly index: number;
  readonly case: Case;
}

/** `(?(index)yes|no)`. */
export interface ConditionalNode {
  readonly type: "conditional";
  readonly offset: number;
  readonly index: number;
  readonly yes: Node;
  readonly no: Node;
}

export interface RepeatNode {
  readonly type: "repeat";
  readonly offset: number;
  readonly min: number;
  /** Infinity: no limit. */
  readonly max: number;
  readonly mode: "greedy" | "lazy" | "possessive";
  readonly body: Node;
}

export interface SequenceNode {
  readonly type: "sequence";
  readonly offset: number;
  readonly items: readonly Node[];
}

export interface AlternationNode {
  readonly type: "alternation";
  readonly offset: number;
  readonly branches: readonly Node[];
}

/** A part of a parsed pattern. `offset` is its place in the source, in UTF-16 units. */
export type Node =
  | CharNode
  | PlaceNode
  | GroupNode
  | AtomicNode
  | LookNode
  | ReferenceNode
  | ConditionalNode
  | RepeatNode
  | SequenceNode
  | AlternationNode;

/** A parsed pattern. */
export interface Tree {
  readonly root: Node;
  readonly groupCount: number;
  /** Names by group number; the order is that of the numbers. */
  readonly names: ReadonlyMap<number, string>;
}

/** The nodes directly inside a node, in order. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.type) {
    case "char":
    case "place":
    case "reference":
      return [];
    case "group":
    case "atomic":
    case "look":
    case "repeat":
      return [node.body];
    case "conditional":
      return [node.yes, node.no];
    case "sequence":
      return node.items;
    case "alternation":
      return node.branches;
  }
}

/** A node and all nodes inside it, outermost first. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

/**
 * A copy of a node. `replace` may give other nodes for some, and gets a function that copies the nodes inside them.
 */
export function rewrite(
  node: Node,
  replace: (node: Node, copy: (inner: Node) => Node) => Node | undefined,
): Node {
  const copy = (inner: Node): Node => rewrite(inner, replace);
  const other = replace(node, copy);
  if (other) return other;
  switch (node.type) {
    case "char":
    case "place":
    case "reference":
      return node;
    case "group":
    case "atomic":
    case "look":
    case "repeat":
      return { ...node, body: copy(node.body) };
    case "conditional":
      return { ...node, yes: copy(node.yes), no: copy(node.no) };
    case "sequence":
      return { ...node, items: node.items.map(copy) };
    case "alternation":
      return { ...node, branches: node.branches.map(copy) };
  }
}
