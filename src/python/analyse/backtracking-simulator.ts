import type { PlaceNode, Tree } from "../tree.ts";
import {
  ATOMIC,
  assemble,
  BACK,
  CHAR,
  IS_SET,
  JUMP,
  MARK,
  MATCH,
  type Machine,
  MOVED,
  NOT_LOOK,
  PLACE,
  PLACES,
  REFERENCE,
  RUN,
  SPLIT,
  WIDTH,
  WORDS,
} from "./backtracking-machine.ts";
import { programOf } from "./backtracking-program.ts";

/** The result of a search. */
export interface CountedSearch {
  readonly steps: number;
  /** Where the match ends; undefined: no match, or too many steps. */
  readonly end: number | undefined;
}

/**
 * Searches texts of ASCII as a backtracking engine does and counts the steps: the cost of a pattern, the same on every machine. A real
 * engine may take fewer (V8 knows when a loop can't match what follows), but not more by more than a constant factor.
 */
export class BacktrackingSimulator {
  readonly #machine: Machine;
  readonly #registers: Int32Array;
  /**
   * Triples: the instruction to continue at, the position, and the lowest position that a greedy loop can give back to. Or, where the
   * first is below 0, a register and its old value.
   */
  #stack: Int32Array = new Int32Array(3 * 1024);
  #top = 0;
  #text = "";
  #codes: Uint8Array = new Uint8Array(0);
  #steps = 0;
  #most = 0;

  constructor(tree: Tree) {
    const { ops, registers } = programOf(tree);
    this.#machine = assemble(ops);
    this.#registers = new Int32Array(registers);
  }

  /** Searches, and gives up after `most` steps. */
  search(text: string, most: number): CountedSearch {
    this.#text = text;
    this.#codes = codesOf(text);
    this.#steps = 0;
    this.#most = most;
    const { code } = this.#machine;
    const place = code[0] === PLACE ? PLACES[code[1] as number] : undefined;
    let end = -1;
    for (let start = 0; start <= text.length && end < 0 && this.#steps <= most; start++) {
      if (place !== undefined && !isPlace(place, text, start)) {
        this.#steps++;
        continue;
      }
      this.#registers.fill(-1);
      this.#top = 0;
      end = this.#run(0, start);
    }
    return { steps: this.#steps, end: end < 0 ? undefined : end };
  }

  /** Where the match that begins at `from` ends; -1: no match, or too many steps. */
  #run(entry: number, from: number): number {
    const { code, tables } = this.#machine;
    const text = this.#codes;
    const most = this.#most;
    const bottom = this.#top;
    let stack = this.#stack;
    let top = bottom;
    let steps = this.#steps;
    let at = entry;
    let pos = from;
    while (steps++ < most) {
      const op = at * WORDS;
      const first = code[op + 1] as number;
      const second = code[op + 2] as number;
      let isFine = true;
      at++;
      if (top + 3 > stack.length) stack = this.#grow();
      switch (code[op]) {
        case MATCH:
          this.#steps = steps;
          this.#forgetChoices(bottom, top);
          return pos;
        case CHAR:
          isFine = pos < text.length && tables[first + (text[pos] as number)] === 1;
          if (isFine) pos++;
          break;
        case RUN: {
          const low = pos + second;
          const high = Math.min(text.length, pos + (code[op + 3] as number));
          while (pos < high && tables[first + (text[pos] as number)] === 1) pos++;
          steps += pos - low + second;
          isFine = pos >= low;
          if (isFine && pos > low) {
            stack[top++] = at;
            stack[top++] = pos - 1;
            stack[top++] = low;
          }
          break;
        }
        case SPLIT:
          stack[top++] = second;
          stack[top++] = pos;
          stack[top++] = pos;
          at = first;
          break;
        case JUMP:
          at = first;
          break;
        case PLACE:
          isFine = isPlace(PLACES[first] as PlaceNode["at"], this.#text, pos);
          break;
        case MARK:
          stack[top++] = -1 - first;
          stack[top++] = this.#registers[first] as number;
          stack[top++] = 0;
          this.#registers[first] = pos;
          break;
        case MOVED:
          if (this.#registers[first] === pos) at = second;
          break;
        case IS_SET:
          if (this.#registers[first] === -1) at = second;
          break;
        case BACK:
          pos -= first;
          isFine = pos >= 0;
          break;
        case REFERENCE: {
          const [start = -1, end = -1] = [this.#registers[first], this.#registers[second]];
          const wanted = this.#text.slice(start, end);
          steps += wanted.length;
          isFine = start >= 0 && end >= start && this.#text.startsWith(wanted, pos);
          if (isFine) pos += wanted.length;
          break;
        }
        default: {
          // ATOMIC, LOOK, NOT_LOOK
          this.#steps = steps;
          this.#top = top;
          const end = this.#run(at, pos);
          steps = this.#steps;
          top = this.#top;
          stack = this.#stack;
          isFine = end < 0 === (code[op] === NOT_LOOK);
          if (isFine && code[op] === ATOMIC) pos = end < 0 ? pos : end;
          at = first;
        }
      }
      if (isFine) continue;
      // Backtrack to the last choice.
      do {
        if (top === bottom) {
          this.#steps = steps;
          this.#top = bottom;
          return -1;
        }
        const low = stack[--top] as number;
        pos = stack[--top] as number;
        at = stack[--top] as number;
        if (at < 0) this.#registers[-1 - at] = pos;
        else if (pos > low) {
          stack[top++] = at;
          stack[top++] = pos - 1;
          stack[top++] = low;
        }
      } while (at < 0);
    }
    this.#steps = steps;
    this.#top = top;
    return -1;
  }

  #grow(): Int32Array {
    const larger = new Int32Array(2 * this.#stack.length);
    larger.set(this.#stack);
    this.#stack = larger;
    return larger;
  }

  /** Removes all choices above a place in the stack; old values of registers stay. */
  #forgetChoices(bottom: number, top: number): void {
    const stack = this.#stack;
    let kept = bottom;
    for (let i = bottom; i < top; i += 3) {
      if ((stack[i] as number) >= 0) continue;
      stack[kept++] = stack[i] as number;
      stack[kept++] = stack[i + 1] as number;
      stack[kept++] = 0;
    }
    this.#top = kept;
  }
}

function codesOf(text: string): Uint8Array {
  const codes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) codes[i] = Math.min(text.charCodeAt(i), WIDTH - 1);
  return codes;
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
