import { includes } from "../charset.ts";
import { charsOf } from "../classes.ts";
import { type CharNode, type Node, type PlaceNode, type RepeatNode, type Tree, walk } from "../tree.ts";
import { widthOf } from "../width.ts";
import { isNullable } from "./nullability.ts";

/** An instruction of a backtracking engine. */
export type Op =
  | { readonly op: "char"; readonly takes: Uint8Array }
  /** A greedy loop over single characters. */
  | { readonly op: "run"; readonly takes: Uint8Array; readonly min: number; readonly max: number }
  | { readonly op: "split"; first: number; second: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "place"; readonly at: PlaceNode["at"] }
  /** Stores the position in a register. */
  | { readonly op: "mark"; readonly register: number }
  /** Leaves a loop if the position is still that in the register: the iteration was empty. */
  | { readonly op: "moved"; readonly register: number; otherwise: number }
  | { readonly op: "reference"; readonly start: number; readonly end: number }
  | { readonly op: "isSet"; readonly register: number; otherwise: number }
  /** Moves back by `width` characters, for a lookbehind. */
  | { readonly op: "back"; readonly width: number }
  /** Runs the instructions up to their own `match`, and continues at `next`. */
  | { readonly op: "alone"; readonly kind: "atomic" | "look" | "notLook"; next: number }
  | { readonly op: "match" };

/** A counted loop is unrolled up to this many times; one with a higher count is treated as endless. */
const MAX_COPIES = 64;

/** The instructions for a pattern. */
export interface Program {
  readonly ops: readonly Op[];
  readonly registers: number;
}

export function programOf({ root }: Tree): Program {
  const writer = new ProgramWriter(root);
  return { ops: writer.ops, registers: writer.registers };
}

class ProgramWriter {
  readonly #program: Op[] = [];
  /** The first of two registers for each group that a reference or a conditional reads. */
  readonly #groups = new Map<number, number>();
  #registerCount = 0;

  constructor(root: Node) {
    for (const node of walk(root)) {
      if (node.type !== "reference" && node.type !== "conditional") continue;
      if (!this.#groups.has(node.index)) this.#groups.set(node.index, this.#newRegisters(2));
    }
    this.#compile(root);
    this.#program.push({ op: "match" });
  }

  get ops(): readonly Op[] {
    return this.#program;
  }

  get registers(): number {
    return this.#registerCount;
  }

  #newRegisters(count: number): number {
    this.#registerCount += count;
    return this.#registerCount - count;
  }

  #compile(node: Node): void {
    const program = this.#program;
    switch (node.type) {
      case "char":
        program.push({ op: "char", takes: tableOf(node) });
        return;
      case "place":
        program.push({ op: "place", at: node.at });
        return;
      case "sequence":
        for (const item of node.items) this.#compile(item);
        return;
      case "group": {
        const register = node.index === undefined ? undefined : this.#groups.get(node.index);
        if (register !== undefined) program.push({ op: "mark", register });
        this.#compile(node.body);
        if (register !== undefined) program.push({ op: "mark", register: register + 1 });
        return;
      }
      case "reference": {
        const start = this.#groups.get(node.index) ?? 0;
        program.push({ op: "reference", start, end: start + 1 });
        return;
      }
      case "conditional": {
        const condition: Op = {
          op: "isSet",
          register: (this.#groups.get(node.index) ?? 0) + 1,
          otherwise: 0,
        };
        program.push(condition);
        this.#compile(node.yes);
        const jump: Op = { op: "jump", to: 0 };
        condition.otherwise = program.push(jump);
        this.#compile(node.no);
        jump.to = program.length;
        return;
      }
      case "alternation":
        this.#alternation(node.branches);
        return;
      case "atomic":
        this.#alone("atomic", node.body);
        return;
      case "look":
        this.#alone(node.negated ? "notLook" : "look", node.body, node.behind);
        return;
      case "repeat":
        this.#repeat(node);
        return;
    }
  }

  #alternation(branches: readonly Node[]): void {
    const jumps: Extract<Op, { op: "jump" }>[] = [];
    for (const [index, branch] of branches.entries()) {
      const isLast = index === branches.length - 1;
      const split: Op = { op: "split", first: this.#program.length + 1, second: 0 };
      if (!isLast) this.#program.push(split);
      this.#compile(branch);
      if (isLast) break;
      const jump: Op = { op: "jump", to: 0 };
      split.second = this.#program.push(jump);
      jumps.push(jump);
    }
    for (const jump of jumps) jump.to = this.#program.length;
  }

  #alone(kind: "atomic" | "look" | "notLook", body: Node, isBehind = false): void {
    const alone: Op = { op: "alone", kind, next: 0 };
    this.#program.push(alone);
    if (isBehind) this.#program.push({ op: "back", width: widthOf(body, () => ({ min: 0, max: 0 })).min });
    this.#compile(body);
    alone.next = this.#program.push({ op: "match" });
  }

  #repeat(node: RepeatNode): void {
    const { offset, min, max, mode, body } = node;
    if (mode === "possessive") {
      // A finished iteration is not backtracked into, either.
      const iteration: Node = body.type === "char" ? body : { type: "atomic", offset, body };
      this.#alone("atomic", { ...node, mode: "greedy", body: iteration });
      return;
    }
    if (body.type === "char" && mode === "greedy" && max > 1) {
      this.#program.push({ op: "run", takes: tableOf(body), min, max });
      return;
    }
    for (let iteration = Math.min(min, MAX_COPIES); iteration > 0; iteration--) this.#compile(body);
    if (max - min > MAX_COPIES) {
      this.#endless(node);
      return;
    }
    const splits: Extract<Op, { op: "split" }>[] = [];
    for (let iteration = max - min; iteration > 0; iteration--) {
      splits.push(this.#split());
      this.#compile(body);
    }
    for (const split of splits) this.#join(split, mode);
  }

  #endless({ mode, body }: RepeatNode): void {
    const start = this.#program.length;
    const split = this.#split();
    const register = isNullable(body) ? this.#newRegisters(1) : undefined;
    if (register !== undefined) this.#program.push({ op: "mark", register });
    this.#compile(body);
    const moved: Op | undefined =
      register === undefined ? undefined : { op: "moved", register, otherwise: 0 };
    if (moved) this.#program.push(moved);
    const end = this.#program.push({ op: "jump", to: start });
    if (moved) moved.otherwise = end;
    this.#join(split, mode);
  }

  #split(): Extract<Op, { op: "split" }> {
    const split: Op = { op: "split", first: 0, second: 0 };
    split.first = this.#program.push(split);
    return split;
  }

  /** Sets the targets of a split: the instruction after it, and this place, in the order that its mode says. */
  #join(split: Extract<Op, { op: "split" }>, mode: RepeatNode["mode"]): void {
    split.second = this.#program.length;
    if (mode === "lazy") [split.first, split.second] = [split.second, split.first];
  }
}

/** The characters of ASCII that a node matches. */
function tableOf(node: CharNode): Uint8Array {
  const chars = charsOf(node, "ascii");
  return Uint8Array.from({ length: 128 }, (_, code) => (includes(chars, code) ? 1 : 0));
}
