import { includes, runsOf } from "../charset.ts";
import { charsOf } from "../classes.ts";
import type { CharNode } from "../tree.ts";

/** Characters that are tried first where a pattern takes several. */
export const FAVOURITES: readonly string[] = ["a", "0", " ", ":", ".", "-", "/", "=", '"', "[", "\n"];

/** A character that a node matches: the favourite if it does, else a common one. Empty if it matches none of ASCII. */
export function sampleChar(node: CharNode, favourite?: string): string {
  if (favourite !== undefined && accepts(node, favourite)) return favourite;
  const known = samples.get(node);
  if (known !== undefined) return known;
  const [first] = runsOf(charsOf(node, "ascii"));
  const common = FAVOURITES.find((char) => accepts(node, char));
  const sample = common ?? (first ? String.fromCharCode(first[0]) : "");
  samples.set(node, sample);
  return sample;
}

const samples = new WeakMap<CharNode, string>();

/** Whether a node matches this character of ASCII. */
export function accepts(node: CharNode, char: string): boolean {
  return includes(charsOf(node, "ascii"), char.charCodeAt(0));
}
