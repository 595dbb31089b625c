import { runWithin } from "../time-limit.ts";
import { childrenOf, type Node, type RepeatNode, type Tree } from "../tree.ts";
import { accepts, FAVOURITES, sampleChar } from "./matching-text.ts";

/** The parts of a text that repeats a loop of a pattern as often as wanted, and then makes the match fail. */
export interface AttackString {
  /** Where the loop stands in the pattern. */
  readonly offset: number;
  /** What the pattern matches before the loop. */
  readonly prefix: string;
  /** What one iteration matches, or what several loops can match. */
  readonly pump: string;
  /** Characters that few patterns match, one of them after a newline, which dots do not match. */
  readonly suffix: string;
}

/** Most time that a fast pattern takes for all its attack strings, in milliseconds. */
const FAST = 50;

/** Loops with a lower maximum make no long text. */
const LONG_LOOP = 17;

/** Most characters of the text after a loop that are tried as a pump. */
const MAX_NEXT = 64;

/** Whether `search` takes less than 50 ms for all attack strings of a pattern together, each of this length. */
export function isFastOnAttacks(tree: Tree, length: number, search: (text: string) => unknown): boolean {
  const texts = attackStrings(tree).map((text) => attackText(text, length));
  return runWithin(FAST, () => texts.forEach(search)) !== undefined;
}

/** The text, its pumps together at least `length` characters long. */
export function attackText({ prefix, pump, suffix }: AttackString, length: number): string {
  return `${prefix}${pump.repeat(Math.ceil(length / pump.length))}${suffix}`;
}

/** Attack strings for each loop of a pattern, several for each. */
export function attackStrings(tree: Tree): AttackString[] {
  const texts = new Map<string, AttackString>();
  for (const text of pumpedIn(tree.root, "", ""))
    texts.set(JSON.stringify([text.prefix, text.pump, text.suffix]), text);
  return [...texts.values()];
}

/** Walks down to every loop. The pattern matches `prefix` before the node, and `next` after it. */
function* pumpedIn(node: Node, prefix: string, next: string): Generator<AttackString> {
  if (node.type === "sequence") {
    yield* pumpedItems(node.items, prefix, next);
    return;
  }
  if (node.type === "repeat" && node.max >= LONG_LOOP) {
    for (const pump of pumpsOf(node, prefix, next)) {
      for (const suffix of ["\x01\n", "\n\x01\n"]) yield { offset: node.offset, prefix, pump, suffix };
    }
  }
  for (const child of childrenOf(node)) yield* pumpedIn(child, prefix, next);
}

function* pumpedItems(items: readonly Node[], prefix: string, next: string): Generator<AttackString> {
  let path = prefix;
  for (const [i, item] of items.entries()) {
    const rest = items.slice(i + 1).map((other) => sample(other));
    yield* pumpedIn(item, path, `${rest.join("")}${next}`.slice(0, MAX_NEXT));
    path += sample(item);
  }
}

/**
 * The pumps of a loop: its own sample, single characters that it matches, and the text after the loop, with the text before it or
 * without, if the loop matches that.
 */
function pumpsOf({ body }: RepeatNode, prefix: string, next: string): Set<string> {
  const own = [undefined, ...FAVOURITES].map((favourite) => sample(body, favourite));
  const words = [
    next,
    next.slice(0, 1),
    next.slice(0, 4),
    `${next}${sample(body)}`,
    `${prefix}${next}`.slice(-MAX_NEXT),
  ];
  const taken = words.filter(
    (word) => body.type === "char" && [...word].every((char) => accepts(body, char)),
  );
  return new Set([...own, ...taken].filter((pump) => pump !== ""));
}

/** A short text that a node matches, as far as that is known without a search; `favourite` is used where it fits. */
function sample(node: Node, favourite?: string): string {
  switch (node.type) {
    case "char":
      return sampleChar(node, favourite);
    case "group":
    case "atomic":
      return sample(node.body, favourite);
    case "repeat":
      return sample(node.body, favourite).repeat(Math.max(1, Math.min(node.min, 64)));
    case "sequence":
      return node.items.map((item) => sample(item, favourite)).join("");
    case "alternation":
      return node.branches.map((branch) => sample(branch, favourite)).find((text) => text !== "") ?? "";
    case "conditional":
      return sample(node.no, favourite);
    default:
      return "";
  }
}
