import { isNullable } from "./analyse/nullability.ts";
import { PatternError } from "./pattern.ts";
import {
  type ConditionalNode,
  childrenOf,
  type Node,
  type ReferenceNode,
  type RepeatNode,
  type Tree,
  walk,
} from "./tree.ts";

/** The state of a group where a reference or conditional reads it. */
type GroupState = "set" | "unset" | "maybe";

/** What a reference or a conditional can rely on, and which groups must be kept. */
export interface GroupUse {
  readonly stateAt: ReadonlyMap<ReferenceNode | ConditionalNode, GroupState>;
  /** Groups that the caller, a reference or a conditional reads. */
  readonly kept: ReadonlySet<number>;
  /** Groups that need a mark that says whether they are set. */
  readonly marked: ReadonlySet<number>;
}

/**
 * Finds out where JavaScript's groups hold the same as Python's, and refuses a pattern where they may not.
 *
 * They differ in loops: each iteration of JavaScript resets the groups inside, Python keeps what they last matched. So a group in a loop
 * is exact if every iteration sets it; and inside an iteration, after the place that sets it.
 *
 * @param reported groups that the caller wants to see
 * @throws PatternError ERR_PATTERN_UNSUPPORTED
 */
export function analyseGroups(tree: Tree, reported: ReadonlySet<number>): GroupUse {
  return new GroupAnalysis(tree, reported).run();
}

/**
 * Numbers of the groups that hold the same in both languages after a match. The others stand in a loop whose later iterations may skip
 * them or be empty, or that runs backwards.
 */
export function exactGroups(tree: Tree): ReadonlySet<number> {
  return new Set(exactIn(tree.root, false));
}

function exactIn(node: Node, behind: boolean): number[] {
  const inner = childrenOf(node).flatMap((child) =>
    exactIn(child, behind || (node.type === "look" && node.behind)),
  );
  if (node.type === "group" && node.index !== undefined) return [node.index, ...inner];
  if (!isLoop(node)) return inner;
  if (behind || (node.max > node.min && isNullable(node.body))) return [];
  const always = alwaysSet(node.body);
  return inner.filter((index) => always.has(index));
}

/** Groups that every match of a node sets. */
function alwaysSet(node: Node): ReadonlySet<number> {
  switch (node.type) {
    case "group":
      return node.index === undefined ? alwaysSet(node.body) : new Set([...alwaysSet(node.body), node.index]);
    case "look":
      return node.negated ? NONE : alwaysSet(node.body);
    case "repeat":
      return node.min > 0 ? alwaysSet(node.body) : NONE;
    case "alternation":
    case "conditional":
      return childrenOf(node).map(alwaysSet).reduce(common);
    default:
      return new Set(childrenOf(node).flatMap((child) => [...alwaysSet(child)]));
  }
}

const NONE: ReadonlySet<number> = new Set();

function common(a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...a].filter((index) => b.has(index)));
}

/** Where a group stands: the loops and lookarounds around it, outermost first. */
interface GroupLocation {
  readonly offset: number;
  readonly loops: readonly RepeatNode[];
  readonly inLook: boolean;
}

class GroupAnalysis {
  readonly #tree: Tree;
  readonly #reported: ReadonlySet<number>;
  readonly #homes = new Map<number, GroupLocation>();
  readonly #stateAt = new Map<ReferenceNode | ConditionalNode, GroupState>();
  readonly #marked = new Set<number>();
  /** Groups that end before the current place. */
  readonly #closed = new Set<number>();

  constructor(tree: Tree, reported: ReadonlySet<number>) {
    this.#tree = tree;
    this.#reported = reported;
  }

  run(): GroupUse {
    this.#findHomes(this.#tree.root, [], false);
    const exact = exactGroups(this.#tree);
    for (const [index, { offset }] of this.#homes) {
      if (this.#reported.has(index) && !exact.has(index))
        refuse(offset, "a named group in a loop that skips it in later iterations cannot be read");
    }
    this.#pass(this.#tree.root, NONE, []);
    const read = [...this.#stateAt].filter(([, state]) => state !== "unset").map(([node]) => node.index);
    return { stateAt: this.#stateAt, kept: new Set([...this.#reported, ...read]), marked: this.#marked };
  }

  #findHomes(node: Node, loops: readonly RepeatNode[], inLook: boolean): void {
    if (node.type === "group" && node.index !== undefined) {
      this.#homes.set(node.index, { offset: node.offset, loops, inLook });
    }
    const inner = isLoop(node) ? [...loops, node] : loops;
    for (const child of childrenOf(node)) this.#findHomes(child, inner, inLook || node.type === "look");
  }

  /** Every loop around a group, except those that are also around its reader, must set it in each iteration. */
  #checkLoops(index: number, readerLoops: readonly RepeatNode[]): void {
    const home = this.#homes.get(index);
    for (const loop of home?.loops ?? []) {
      if (!readerLoops.includes(loop) && !alwaysSet(loop.body).has(index)) {
        refuse(home?.offset ?? 0, "a group in a loop that skips it in later iterations cannot be read");
      }
    }
  }

  /** Visits a node in the order of matching; `set` are the groups that are always set before it. Returns those after it. */
  #pass(node: Node, set: ReadonlySet<number>, loops: readonly RepeatNode[]): ReadonlySet<number> {
    switch (node.type) {
      case "reference":
        this.#read(node, set, loops);
        return set;
      case "conditional": {
        this.#read(node, set, loops);
        const yes = this.#pass(node.yes, new Set([...set, node.index]), loops);
        return common(yes, this.#pass(node.no, set, loops));
      }
      case "alternation":
        return node.branches.map((branch) => this.#pass(branch, set, loops)).reduce(common);
      case "look": {
        const after = this.#pass(node.body, set, loops);
        return node.negated ? set : after;
      }
      case "repeat": {
        const after = this.#pass(node.body, set, isLoop(node) ? [...loops, node] : loops);
        return node.min > 0 ? after : set;
      }
      default:
        return this.#passAll(node, set, loops);
    }
  }

  #passAll(node: Node, before: ReadonlySet<number>, loops: readonly RepeatNode[]): ReadonlySet<number> {
    let set = before;
    for (const child of childrenOf(node)) set = this.#pass(child, set, loops);
    if (node.type !== "group" || node.index === undefined) return set;
    this.#closed.add(node.index);
    return new Set([...set, node.index]);
  }

  #read(node: ReferenceNode | ConditionalNode, set: ReadonlySet<number>, loops: readonly RepeatNode[]): void {
    this.#stateAt.set(node, this.#stateOf(node, set, loops));
  }

  #stateOf(
    node: ReferenceNode | ConditionalNode,
    set: ReadonlySet<number>,
    loops: readonly RepeatNode[],
  ): GroupState {
    const { index } = node;
    if (set.has(index)) return "set";
    const home = this.#homes.get(index);
    if (home?.loops.some((loop) => loops.includes(loop))) {
      refuse(node.offset, "a group that only an earlier iteration of the loop may have set cannot be read");
    }
    if (!this.#closed.has(index)) return "unset";
    this.#checkLoops(index, loops);
    if (home?.inLook) refuse(node.offset, "a group that a lookaround may have set cannot be read");
    this.#marked.add(index);
    return "maybe";
  }
}

function isLoop(node: Node): node is RepeatNode {
  return node.type === "repeat" && node.max > 1;
}

function refuse(offset: number, message: string): never {
  throw new PatternError("ERR_PATTERN_UNSUPPORTED", offset, message);
}

/** Numbers of the groups inside a node. */
export function groupsIn(node: Node): number[] {
  return [...walk(node)].flatMap((inner) =>
    inner.type === "group" && inner.index !== undefined ? [inner.index] : [],
  );
}
