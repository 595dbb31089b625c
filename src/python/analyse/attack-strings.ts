import { runWithin } from "../time-limit.ts";
import { childrenOf, type Node, type RepeatNode, type Tree } from "../tree.ts";
import { accepts, FAVOURITES, sampleChar } from "./matching-text.ts";

/** A text that makes a loop of a pattern run as long as one likes, and then spoils the match. */
export interface AttackString {
  /** Where the loop stands in the pattern. */
  readonly offset: number;
  /** What leads to the loop. */
  readonly head: string;
  /** One turn, or what several loops around can fight over. */
  readonly turn: string;
  /** What spoils the match: characters that few patterns expect, one behind a newline for those with dots. */
  readonly tail: string;
}

/** What a tame pattern takes for all its hostile texts, in milliseconds. */
const TAME = 50;

/** Loops of fewer turns don't make a long text. */
const LONG_LOOP = 17;

/** So much of what follows a loop is tried as a turn. */
const MAX_NEXT = 64;

/** Whether `search` takes less than 50 ms for all texts of this length that are hostile to a pattern, one after another. */
export function isFastOnAttacks(tree: Tree, length: number, search: (text: string) => unknown): boolean {
  const texts = attackStrings(tree).map((text) => attackText(text, length));
  return runWithin(TAME, () => texts.forEach(search)) !== undefined;
}

/** The text with so many turns that they reach a length. */
export function attackText({ head, turn, tail }: AttackString, length: number): string {
  return `${head}${turn.repeat(Math.ceil(length / turn.length))}${tail}`;
}

/** Texts that pump each loop of a pattern, in several ways each. */
export function attackStrings(tree: Tree): AttackString[] {
  const texts = new Map<string, AttackString>();
  for (const text of pumpedIn(tree.root, "", ""))
    texts.set(JSON.stringify([text.head, text.turn, text.tail]), text);
  return [...texts.values()];
}

/** Goes down to every loop; `head` leads to the node, `next` is what follows it. */
function* pumpedIn(node: Node, head: string, next: string): Generator<AttackString> {
  if (node.type === "sequence") {
    yield* pumpedItems(node.items, head, next);
    return;
  }
  if (node.type === "repeat" && node.max >= LONG_LOOP) {
    for (const turn of turnsOf(node, head, next)) {
      for (const tail of ["\x01\n", "\n\x01\n"]) yield { offset: node.offset, head, turn, tail };
    }
  }
  for (const child of childrenOf(node)) yield* pumpedIn(child, head, next);
}

function* pumpedItems(items: readonly Node[], head: string, next: string): Generator<AttackString> {
  let path = head;
  for (const [i, item] of items.entries()) {
    const rest = items.slice(i + 1).map((other) => sample(other));
    yield* pumpedIn(item, path, `${rest.join("")}${next}`.slice(0, MAX_NEXT));
    path += sample(item);
  }
}

/**
 * What one turn of a loop can be: its own sample, single characters it takes, and what follows it, with what leads to it or without,
 * if it takes that.
 */
function turnsOf({ body }: RepeatNode, head: string, next: string): Set<string> {
  const own = [undefined, ...FAVOURITES].map((favourite) => sample(body, favourite));
  const words = [
    next,
    next.slice(0, 1),
    next.slice(0, 4),
    `${next}${sample(body)}`,
    `${head}${next}`.slice(-MAX_NEXT),
  ];
  const taken = words.filter(
    (word) => body.type === "char" && [...word].every((char) => accepts(body, char)),
  );
  return new Set([...own, ...taken].filter((turn) => turn !== ""));
}

/** A short text that a node matches, as far as that can be told without searching; `favourite` is used where it fits. */
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
