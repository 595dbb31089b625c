import { charSet, complement, intersect, runsOf, sizeOf } from "../../src/python/charset.ts";
import { charsOf } from "../../src/python/classes.ts";
import type { CharNode, Node, RepeatNode, Tree } from "../../src/python/tree.ts";
import { pick, type Random, upTo } from "./random-pattern.ts";

/** A text that a pattern was walked for, and what its groups hold. */
export interface Written {
  readonly text: string;
  /** By group number. */
  readonly groups: ReadonlyMap<number, string>;
}

/** Text for a group, by its name; undefined: whatever its pattern says. */
export type GroupText = (name: string) => string | undefined;

/**
 * Walks a pattern and writes down a random text on the way. Lookarounds and places are passed by, so it is not for sure that the
 * pattern matches it: nearly always.
 */
export function writeMatch(tree: Tree, random: Random, groupText: GroupText = () => undefined): Written {
  const writer = new Writer(tree, random, groupText);
  return { text: writer.write(tree.root), groups: writer.groups };
}

const WORDS = ["x", "root", "admin", "auth", "0", "7", "443", "mail.example.org", "a1b2", "user=x", "(none)"];

const PRINTABLE = charSet([[0x20, 0x7e]]);

class Writer {
  readonly groups = new Map<number, string>();
  readonly #tree: Tree;
  readonly #random: Random;
  readonly #groupText: GroupText;

  constructor(tree: Tree, random: Random, groupText: GroupText) {
    this.#tree = tree;
    this.#random = random;
    this.#groupText = groupText;
  }

  write(node: Node): string {
    switch (node.type) {
      case "char":
        return this.#char(node);
      case "place":
      case "look":
        return "";
      case "group":
        return node.index === undefined ? this.write(node.body) : this.#capture(node.index, node.body);
      case "atomic":
        return this.write(node.body);
      case "reference":
        return this.groups.get(node.index) ?? "";
      case "conditional":
        return this.write(this.groups.has(node.index) ? node.yes : node.no);
      case "repeat":
        return this.#repeat(node);
      case "sequence":
        return node.items.map((item) => this.write(item)).join("");
      case "alternation":
        return this.write(pick(this.#random, node.branches));
    }
  }

  #capture(index: number, body: Node): string {
    const text = this.#groupText(this.#tree.names.get(index) ?? "") ?? this.write(body);
    this.groups.set(index, text);
    return text;
  }

  #repeat({ min, max, body }: RepeatNode): string {
    if (body.type === "char" && max > 4) {
      const words = WORDS.filter((word) => word.length >= min && word.length <= max && fits(body, word));
      if (words.length > 0 && this.#random() < 0.7) return pick(this.#random, words);
    }
    const count = Math.min(max, min + pick(this.#random, [0, 0, 1, 1, 2]));
    return Array.from({ length: count }, () => this.write(body)).join("");
  }

  #char(node: CharNode): string {
    const all = charsOf(node, "ascii");
    const printable = intersect(all, PRINTABLE);
    const set = printable.length > 0 ? printable : all;
    let at = upTo(this.#random, sizeOf(set));
    for (const [first, last] of runsOf(set)) {
      if (at <= last - first) return String.fromCharCode(first + at);
      at -= last - first + 1;
    }
    return "";
  }
}

/** True when every character of an ASCII word is in the node's set. */
function fits(node: CharNode, word: string): boolean {
  const others = complement(charsOf(node, "ascii"), 0x7f);
  const used = charSet([...word].map((char) => [char.charCodeAt(0), char.charCodeAt(0)]));
  return intersect(used, others).length === 0;
}
