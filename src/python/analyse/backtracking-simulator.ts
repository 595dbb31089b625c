import { includes } from "../charset.ts";
import { charsOf } from "../classes.ts";
import { type CharNode, type Node, type PlaceNode, type RepeatNode, type Tree, walk } from "../tree.ts";
import { widthOf } from "../width.ts";
import { isNullable } from "./nullability.ts";

/** An instruction of a backtracking engine. */
type Op =
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

/** The result of a search. */
export interface CountedSearch {
  readonly steps: number;
  /** Where the match ends; undefined: no match, or too many steps. */
  readonly end: number | undefined;
}

/** A counted loop is unrolled up to this many times; one with a higher count is treated as endless. */
const MAX_COPIES = 64;

/**
 * Searches texts of ASCII as a backtracking engine does and counts the steps: the cost of a pattern, the same on every machine. A real
 * engine may take fewer (V8 knows when a loop can't match what follows), but not more by more than a constant factor.
 */
export class BacktrackingSimulator {
  readonly #program: Op[] = [];
  /** The first of two registers for each group that a reference or a conditional reads. */
  readonly #groups = new Map<number, number>();
  #registerCount = 0;
  #registers = new Int32Array(0);
  /**
   * Triples: the instruction to continue at, the position, and the lowest position that a greedy loop can give back to. Or, where the
   * first is below 0, a register and its old value.
   */
  readonly #stack: number[] = [];
  #text = "";
  #steps = 0;
  #most = 0;

  constructor({ root }: Tree) {
    for (const node of walk(root)) {
      if (node.type !== "reference" && node.type !== "conditional") continue;
      if (!this.#groups.has(node.index)) this.#groups.set(node.index, this.#newRegisters(2));
    }
    this.#compile(root);
    this.#program.push({ op: "match" });
  }

  /** Searches, and gives up after `most` steps. */
  search(text: string, most: number): CountedSearch {
    this.#text = text;
    this.#steps = 0;
    this.#most = most;
    let end: number | undefined;
    for (let start = 0; start <= text.length && end === undefined && this.#steps <= most; start++) {
      this.#registers = new Int32Array(this.#registerCount).fill(-1);
      this.#stack.length = 0;
      end = this.#run(0, start);
    }
    return { steps: this.#steps, end };
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

  /** Where the match that begins at `from` ends; undefined: no match, or too many steps. */
  #run(entry: number, from: number): number | undefined {
    const [text, stack, program] = [this.#text, this.#stack, this.#program];
    const bottom = stack.length;
    let at = entry;
    let pos = from;
    while (this.#steps++ < this.#most) {
      const op = program[at] as Op;
      let isFine = true;
      at++;
      switch (op.op) {
        case "match":
          this.#forgetChoices(bottom);
          return pos;
        case "char":
          isFine = takes(op.takes, text, pos);
          if (isFine) pos++;
          break;
        case "run": {
          const low = pos + op.min;
          const high = Math.min(text.length, pos + op.max);
          while (pos < high && takes(op.takes, text, pos)) pos++;
          this.#steps += pos - low + op.min;
          isFine = pos >= low;
          if (isFine && pos > low) stack.push(at, pos - 1, low);
          break;
        }
        case "split":
          stack.push(op.second, pos, pos);
          at = op.first;
          break;
        case "jump":
          at = op.to;
          break;
        case "place":
          isFine = isPlace(op.at, text, pos);
          break;
        case "mark":
          stack.push(-1 - op.register, this.#registers[op.register] ?? -1, 0);
          this.#registers[op.register] = pos;
          break;
        case "moved":
          if (this.#registers[op.register] === pos) at = op.otherwise;
          break;
        case "isSet":
          if (this.#registers[op.register] === -1) at = op.otherwise;
          break;
        case "back":
          pos -= op.width;
          isFine = pos >= 0;
          break;
        case "reference": {
          const [start = -1, end = -1] = [this.#registers[op.start], this.#registers[op.end]];
          const wanted = text.slice(start, end);
          this.#steps += wanted.length;
          isFine = start >= 0 && end >= start && text.startsWith(wanted, pos);
          if (isFine) pos += wanted.length;
          break;
        }
        case "alone": {
          const end = this.#run(at, pos);
          isFine = (end === undefined) === (op.kind === "notLook");
          if (isFine && op.kind === "atomic") pos = end ?? pos;
          at = op.next;
          break;
        }
      }
      if (isFine) continue;
      // Backtrack to the last choice.
      do {
        if (stack.length === bottom) return undefined;
        const low = stack.pop() ?? 0;
        pos = stack.pop() ?? 0;
        at = stack.pop() ?? 0;
        if (at < 0) this.#registers[-1 - at] = pos;
        else if (pos > low) stack.push(at, pos - 1, low);
      } while (at < 0);
    }
    return undefined;
  }

  /** Removes all choices above a place in the stack; old values of registers stay. */
  #forgetChoices(bottom: number): void {
    const stack = this.#stack;
    let top = bottom;
    for (let i = bottom; i < stack.length; i += 3) {
      if ((stack[i] ?? 0) >= 0) continue;
      stack[top++] = stack[i] ?? 0;
      stack[top++] = stack[i + 1] ?? 0;
      stack[top++] = 0;
    }
    stack.length = top;
  }
}

/** The characters of ASCII that a node matches. */
function tableOf(node: CharNode): Uint8Array {
  const chars = charsOf(node, "ascii");
  return Uint8Array.from({ length: 128 }, (_, code) => (includes(chars, code) ? 1 : 0));
}

function takes(table: Uint8Array, text: string, pos: number): boolean {
  return pos < text.length && table[text.charCodeAt(pos)] === 1;
}

function isPlace(at: PlaceNode["at"], text: string, pos: number): boolean {
  switch (at) {
    case "textStart":
      return pos === 0;
    case "textEnd":
      return pos === text.length;
    case "end":
      return pos === text.length || (pos === text.length - 1 && text[pos] === "\n");
    case "lineStart":
      return pos === 0 || text[pos - 1] === "\n";
    case "lineEnd":
      return pos === text.length || text[pos] === "\n";
    case "word":
      return isWord(text, pos - 1) !== isWord(text, pos);
    case "notWord":
      // Python finds no \B in an empty text.
      return text !== "" && isWord(text, pos - 1) === isWord(text, pos);
  }
}

function isWord(text: string, pos: number): boolean {
  return /^\w$/.test(text.charAt(pos));
}
