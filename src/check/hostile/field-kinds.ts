import { type CharSet, charSet, includes, intersect, isSubset, sizeOf, union } from "../../python/charset.ts";
import { type Alphabet, charsOf } from "../../python/classes.ts";
import { uncaptured } from "../../python/loops.ts";
import { compileTree } from "../../python/search/compile-pattern.ts";
import { childrenOf, type GroupNode, type Node, type RepeatNode, walk } from "../../python/tree.ts";
import { widthOf } from "../../python/width.ts";
import type { Pattern } from "../../rules/rule.ts";

/**
 * Whether a text can stand in a field. `yes`: the pattern's class matches it. `no`: the pattern implies that the service never writes it.
 * `perhaps`: the class does not match it, but that proves nothing: `\S+` for a user's name is what names usually look like.
 */
export type Acceptance = "yes" | "perhaps" | "no";

/** A place in a rule's pattern. */
export interface PatternPlace {
  readonly pattern: Pattern;
  /** In the pattern as written, in UTF-16 units. */
  readonly offset: number;
  /** `prefregex`, `failregex 1`. */
  readonly name: string;
}

/** A place in a pattern where text that a client chooses can stand. */
export interface FieldKind {
  takes(text: string): Acceptance;
}

/** A loop with a lower maximum has no room for an address. */
const LONG = 17;

const PRINTABLE = charSet([[0x20, 0x7e]]);
const VISIBLE = charSet([[0x21, 0x7e]]);
const LETTERS = charSet([[0x61, 0x7a]]);

/** A class of fewer printable characters is for something special (a host name, a number), not for free text. */
const WIDE = 80;

/** The field of a loop over a wide class; over iterations such as `(?:[^"\\]|\\.)*`; or, where a name stands, over letters. Undefined: none. */
export function loopField(node: RepeatNode, isName: boolean): FieldKind | undefined {
  const { min, max, body } = node;
  if (max < LONG) return undefined;
  const ascii = charsIn(body, "ascii");
  const isWide = isWideSet(ascii);
  if (!isWide && !(isName && isSubset(LETTERS, ascii))) return undefined;
  const { min: least, max: most } = widthOf(body, () => ({ min: 0, max: 0 }));
  if (least === 1 && most === 1) {
    const otherwise = isName && !namesAnEnd(ascii) ? "perhaps" : "no";
    return { takes: ofChars(charsIn(body, "unicode"), min, max, otherwise) };
  }
  return isWide && !longLoopsIn(body).some(isWideLoop) ? { takes: exactly(node) } : undefined;
}

/** The field of a group for a user's name; undefined if it only matches a few words. */
export function userField(node: GroupNode): FieldKind | undefined {
  const loops = longLoopsIn(node.body);
  if (loops.length === 0) return undefined;
  const takes = exactly(node);
  const hasEnd = loops.some(({ body }) => namesAnEnd(charsIn(body, "ascii")));
  return { takes: (text) => (takes(text) === "yes" ? "yes" : hasEnd || text === "" ? "no" : "perhaps") };
}

/** What follows a pattern that does not end at the end of the line. */
export const TAIL: FieldKind = { takes: (text) => (/^(?:\s|$)/.test(text) ? "yes" : "no") };

/** Whether a node contains a loop that can match a word. */
export function isOpen(node: Node): boolean {
  return longLoopsIn(node).length > 0;
}

/** The characters that a node consumes. */
function charsIn(node: Node, alphabet: Alphabet): CharSet {
  if (node.type === "char") return charsOf(node, alphabet);
  if (node.type === "look") return [];
  return union(...childrenOf(node).map((child) => charsIn(child, alphabet)));
}

function isWideSet(chars: CharSet): boolean {
  return sizeOf(intersect(chars, PRINTABLE)) >= WIDE;
}

/** A wide class that excludes a visible character: the field ends there, and the service never writes that character in it. */
function namesAnEnd(chars: CharSet): boolean {
  return isWideSet(chars) && !isSubset(VISIBLE, chars);
}

function longLoopsIn(node: Node): readonly RepeatNode[] {
  return [...walk(node)].filter((inner) => inner.type === "repeat" && inner.max >= LONG) as RepeatNode[];
}

function isWideLoop({ body }: RepeatNode): boolean {
  return isWideSet(charsIn(body, "ascii"));
}

function ofChars(chars: CharSet, min: number, max: number, otherwise: Acceptance): FieldKind["takes"] {
  return (text) => {
    const codes = [...text].map((char) => char.codePointAt(0) ?? 0);
    if (codes.length < min || codes.length > max) return "no";
    return codes.every((code) => includes(chars, code)) ? "yes" : otherwise;
  };
}

/** Accepts what the node matches without its lookarounds, which say nothing about what the service writes. */
function exactly(node: Node): FieldKind["takes"] {
  const { offset } = node;
  const body = uncaptured(node, (inner) =>
    inner.type === "look" ? { type: "sequence", offset, items: [] } : undefined,
  );
  if ([...walk(body)].some(({ type }) => type === "reference" || type === "conditional")) return () => "no";
  const pattern = compileTree("field", { root: wholly(body), groupCount: 0, names: new Map() });
  return (text) => (pattern.search(text) ? "yes" : "no");
}

/** A node from the beginning of a text to its end. */
export function wholly(node: Node): Node {
  const { offset } = node;
  const at = (place: "textStart" | "textEnd"): Node => ({ type: "place", offset, at: place, ascii: false });
  return { type: "sequence", offset, items: [at("textStart"), node, at("textEnd")] };
}
