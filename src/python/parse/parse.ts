import type { PatternFlags } from "../pattern.ts";
import type { CharNode, ClassItem, Node, PlaceNode, RepeatNode, Tree } from "../tree.ts";
import { type Width, widthOf } from "../width.ts";
import { categoryOf, classOctal, escapedCodePoint, octalOrGroup } from "./escapes.ts";
import { type Flags, NO_FLAGS, readFlags } from "./flags.ts";
import { Scanner } from "./scanner.ts";

/** Python's MAXREPEAT: a count must be below. */
const MAX_REPEAT = 4294967295;

/** Groups inside groups; more would end in a stack overflow. */
const MAX_DEPTH = 200;

/**
 * Parses a pattern as Python 3.11's `re` does: the same syntax, the same refusals.
 *
 * In addition, as in fail2ban: a group that begins with a flag, `((?i)x)` or `(?:(?i)x)`, is read as `(?i:x)`.
 *
 * @throws PatternError with the offset of the mistake
 */
export function parsePattern(source: string, flags: PatternFlags = {}): Tree {
  return new Parser(source, { ...NO_FLAGS, ...flags }).parse();
}

class Parser {
  readonly #scanner: Scanner;
  #flags: Flags;
  #depth = 0;
  /** Widths by group number; undefined while the group is open. */
  readonly #groups: (Width | undefined)[] = [{ min: 0, max: 0 }];
  readonly #numbers = new Map<string, number>();
  /** In a lookbehind: how many groups there were before it. Only those can be referred to. */
  #groupsBeforeLook: number | undefined;
  /** Conditionals on a number may come before the group. */
  readonly #conditions: { readonly index: number; readonly offset: number }[] = [];

  constructor(source: string, flags: Flags) {
    this.#scanner = new Scanner(source);
    this.#flags = flags;
  }

  parse(): Tree {
    this.#leadingFlags();
    const root = this.#alternation();
    const scanner: Scanner = this.#scanner;
    if (scanner.peek() !== "") scanner.fail(scanner.offset, "unexpected ): no group is open");
    for (const { index, offset } of this.#conditions) {
      if (index >= this.#groups.length) scanner.fail(offset, `there is no group ${index}`);
    }
    const names = new Map([...this.#numbers].map(([name, index]) => [index, name]));
    return { root, groupCount: this.#groups.length - 1, names };
  }

  /** `(?i)` and the like hold for the whole pattern and stand only at its start. */
  #leadingFlags(): void {
    const scanner: Scanner = this.#scanner;
    for (;;) {
      this.#skipBlanks();
      const start = scanner.offset;
      if (scanner.source.startsWith("(?#", start)) {
        this.#comment(start);
        continue;
      }
      const flags = this.#bareFlags(start);
      if (flags === undefined) return;
      this.#flags = flags;
    }
  }

  /** The flags after `(?flags)` at `start`, which is then taken; undefined if something else stands there. */
  #bareFlags(start: number): Flags | undefined {
    const scanner: Scanner = this.#scanner;
    if (!/^\(\?[a-zA-Z]+\)/.test(scanner.source.slice(start, start + 20))) return undefined;
    scanner.seek(start + 2);
    const { flags } = readFlags(scanner, this.#flags);
    return flags;
  }

  #alternation(): Node {
    const { offset } = this.#scanner;
    if (++this.#depth > MAX_DEPTH)
      this.#scanner.fail(offset, `groups are nested more than ${MAX_DEPTH} deep`);
    const branches = [this.#sequence()];
    while (this.#scanner.accept("|")) branches.push(this.#sequence());
    this.#depth--;
    return branches.length === 1 && branches[0] ? branches[0] : { type: "alternation", offset, branches };
  }

  #sequence(): Node {
    const { offset } = this.#scanner;
    const items: Node[] = [];
    for (;;) {
      this.#skipBlanks();
      const token = this.#scanner.peek();
      if (token === "" || token === "|" || token === ")") break;
      const start = this.#scanner.offset;
      this.#scanner.next();
      const repeat = this.#repeat(token, start, items.at(-1));
      if (repeat) items[items.length - 1] = repeat;
      else this.#pushAtom(token, start, items);
    }
    return items.length === 1 && items[0] ? items[0] : { type: "sequence", offset, items };
  }

  /** In verbose patterns blanks and comments between items mean nothing. */
  #skipBlanks(): void {
    if (!this.#flags.verbose) return;
    for (;;) {
      this.#scanner.takeWhile(/[ \t\n\r\v\f]/);
      if (!this.#scanner.accept("#")) return;
      this.#scanner.takeWhile(/[^\n]/);
    }
  }

  #pushAtom(token: string, start: number, items: Node[]): void {
    const atom = token === "(" ? this.#group(start) : this.#single(token, start);
    if (atom) items.push(atom);
  }

  #single(token: string, offset: number): Node {
    switch (token) {
      case ".":
        return this.#char(offset, this.#flags.dotall ? [] : [{ low: 10, high: 10 }], true);
      case "^":
        return this.#place(offset, this.#flags.multiline ? "lineStart" : "textStart");
      case "$":
        return this.#place(offset, this.#flags.multiline ? "lineEnd" : "end");
      case "[":
        return this.#class(offset);
      default:
        return token.startsWith("\\")
          ? this.#escape(token, offset)
          : this.#literal(offset, token.codePointAt(0) ?? 0);
    }
  }

  #escape(token: string, offset: number): Node {
    const category = categoryOf(token);
    if (category) return this.#char(offset, [category], false);
    const at = PLACES[token];
    if (at) return this.#place(offset, at);
    const number = octalOrGroup(this.#scanner, token);
    if (number && "group" in number) return this.#reference(offset, number.group);
    return this.#literal(offset, number?.code ?? escapedCodePoint(this.#scanner, token));
  }

  #reference(offset: number, index: number): Node {
    if (index >= this.#groups.length)
      this.#scanner.fail(offset, `there is no group ${index} before this place`);
    if (this.#groups[index] === undefined) this.#scanner.fail(offset, "a group cannot refer to itself");
    this.#checkLookbehind(offset, index);
    return { type: "reference", offset, index, case: this.#case() };
  }

  #checkLookbehind(offset: number, index: number): void {
    if (this.#groupsBeforeLook === undefined) return;
    if (this.#groups[index] === undefined || index >= this.#groupsBeforeLook) {
      this.#scanner.fail(offset, "a lookbehind cannot refer to a group that is inside it or open");
    }
  }

  #char(offset: number, items: readonly ClassItem[], negated: boolean): CharNode {
    return { type: "char", offset, items, negated, case: this.#case(), ascii: this.#flags.ascii };
  }

  #literal(offset: number, code: number): CharNode {
    return this.#char(offset, [{ low: code, high: code }], false);
  }

  #place(offset: number, at: PlaceNode["at"]): PlaceNode {
    return { type: "place", offset, at, ascii: this.#flags.ascii };
  }

  #case(): CharNode["case"] {
    if (!this.#flags.ignorecase) return "exact";
    return this.#flags.ascii ? "ascii" : "unicode";
  }

  /** A class, after its `[`. A `]` that comes first is a member. */
  #class(offset: number): CharNode {
    const scanner: Scanner = this.#scanner;
    const negated = scanner.accept("^");
    const items: ClassItem[] = [];
    while (items.length === 0 || !scanner.accept("]")) {
      const start = scanner.offset;
      const item = this.#classItem(offset);
      if (!scanner.accept("-")) {
        items.push(item);
      } else if (scanner.accept("]")) {
        items.push(item, { low: 0x2d, high: 0x2d });
        break;
      } else {
        items.push(this.#range(start, item, this.#classItem(offset)));
      }
    }
    return this.#char(offset, items, negated);
  }

  #classItem(classStart: number): ClassItem {
    const scanner: Scanner = this.#scanner;
    const token = scanner.next();
    if (token === "") scanner.fail(classStart, "expected a ] that ends the character class");
    if (!token.startsWith("\\")) return single(token.codePointAt(0) ?? 0);
    if (token === "\\b") return single(8);
    return categoryOf(token) ?? single(classOctal(scanner, token) ?? escapedCodePoint(scanner, token));
  }

  #range(offset: number, from: ClassItem, to: ClassItem): ClassItem {
    const scanner: Scanner = this.#scanner;
    if ("kind" in from || "kind" in to) scanner.fail(offset, "a range goes from character to character");
    if (to.low < from.low) scanner.fail(offset, "a range goes from the lower to the higher character");
    return { low: from.low, high: to.low };
  }

  /** `body` repeated as `token` says; undefined if that is not a quantifier (a `{` without counts is text). */
  #repeat(token: string, offset: number, body: Node | undefined): RepeatNode | undefined {
    const bounds = this.#bounds(token, offset);
    if (!bounds) return undefined;
    const scanner: Scanner = this.#scanner;
    if (!body || body.type === "place") scanner.fail(offset, "nothing to repeat");
    if (body.type === "repeat") scanner.fail(offset, "a repeat of a repeat: put the first into a group");
    const mode = scanner.accept("?") ? "lazy" : scanner.accept("+") ? "possessive" : "greedy";
    return { type: "repeat", offset: body.offset, ...bounds, mode, body };
  }

  #bounds(token: string, offset: number): { min: number; max: number } | undefined {
    if (token === "?") return { min: 0, max: 1 };
    if (token === "*") return { min: 0, max: Number.POSITIVE_INFINITY };
    if (token === "+") return { min: 1, max: Number.POSITIVE_INFINITY };
    if (token !== "{") return undefined;
    const scanner: Scanner = this.#scanner;
    const counts = /^(?!\})(\d*)(,?)(\d*)\}/.exec(scanner.source.slice(offset + 1));
    if (!counts) return undefined;
    const [text, low = "", comma, high = ""] = counts;
    scanner.seek(offset + 1 + text.length);
    const min = Number(low);
    const max = high !== "" ? Number(high) : comma || low === "" ? Number.POSITIVE_INFINITY : min;
    if (min >= MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max >= MAX_REPEAT)) {
      scanner.fail(offset, "the count of a repeat is too large");
    }
    if (max < min) scanner.fail(offset, "the minimum of a repeat is greater than its maximum");
    return { min, max };
  }

  /** A group, after its `(`. Undefined for a comment. */
  #group(start: number): Node | undefined {
    const scanner: Scanner = this.#scanner;
    const wrapped = this.#groupFlags(start);
    if (wrapped) return this.#plainGroup(start, wrapped);
    if (!scanner.accept("?")) return this.#capture(start, undefined);
    const kind = scanner.next();
    switch (kind) {
      case "P":
        return this.#namedGroup(start);
      case ":":
        return this.#plainGroup(start, this.#flags);
      case "#":
        return this.#comment(start);
      case "=":
      case "!":
        return { type: "look", offset: start, behind: false, negated: kind === "!", body: this.#body(start) };
      case "<":
        return this.#lookbehind(start);
      case "(":
        return this.#conditional(start);
      case ">":
        return { type: "atomic", offset: start, body: this.#body(start) };
      default:
        return this.#flagGroup(start, kind);
    }
  }

  /** fail2ban: the flags of a group that begins with a flag, `((?i)` or `(?:(?i)`. */
  #groupFlags(start: number): Flags | undefined {
    const { source } = this.#scanner;
    if (source.startsWith("((?", start)) return this.#bareFlags(start + 1);
    return source.startsWith("(?:(?", start) ? this.#bareFlags(start + 3) : undefined;
  }

  #flagGroup(start: number, kind: string): Node {
    const scanner: Scanner = this.#scanner;
    if (!/^[-a-zA-Z]$/.test(kind)) scanner.fail(start, `unknown kind of group "(?${kind}"`);
    scanner.seek(start + 2);
    const { flags, end } = readFlags(scanner, this.#flags);
    if (end === ")") scanner.fail(start, "flags for the whole pattern must be at its start");
    return this.#plainGroup(start, flags);
  }

  #plainGroup(start: number, flags: Flags): Node {
    const outer = this.#flags;
    this.#flags = flags;
    const body = this.#body(start);
    this.#flags = outer;
    return { type: "group", offset: start, index: undefined, name: undefined, body };
  }

  #capture(start: number, name: string | undefined): Node {
    const index = this.#groups.length;
    if (name !== undefined) {
      if (this.#numbers.has(name)) this.#scanner.fail(start, `there is another group named "${name}"`);
      this.#numbers.set(name, index);
    }
    this.#groups.push(undefined);
    const outer = this.#flags;
    const body = this.#body(start);
    this.#flags = outer;
    this.#groups[index] = this.#width(body);
    return { type: "group", offset: start, index, name, body };
  }

  /** An alternation and the `)` after it. */
  #body(start: number): Node {
    const body = this.#alternation();
    if (!this.#scanner.accept(")")) this.#scanner.fail(start, "expected a ) that ends this group");
    return body;
  }

  #width(node: Node): Width {
    return widthOf(node, (index) => this.#groups[index] ?? { min: 0, max: Number.POSITIVE_INFINITY });
  }

  #namedGroup(start: number): Node {
    const scanner: Scanner = this.#scanner;
    if (scanner.accept("<")) return this.#capture(start, this.#name(">"));
    if (!scanner.accept("=")) scanner.fail(start, 'expected "(?P<" or "(?P="');
    const name = this.#name(")");
    const index = this.#numbers.get(name);
    if (index === undefined) scanner.fail(start, `there is no group named "${name}" before this place`);
    return this.#reference(start, index);
  }

  #name(end: string): string {
    const scanner: Scanner = this.#scanner;
    const { offset } = scanner;
    const name = scanner.takeUntil(end, "the name of a group");
    if (!IDENTIFIER.test(name)) scanner.fail(offset, `"${name}" is not a valid group name`);
    return name;
  }

  #comment(start: number): undefined {
    const scanner: Scanner = this.#scanner;
    scanner.seek(start);
    for (let token = scanner.next(); token !== ")"; token = scanner.next()) {
      if (token === "") scanner.fail(start, "expected a ) that ends the comment");
    }
  }

  #lookbehind(start: number): Node {
    const scanner: Scanner = this.#scanner;
    const sign = scanner.next();
    if (sign !== "=" && sign !== "!")
      scanner.fail(start, 'expected "(?<=" or "(?<!"; a named group is "(?P<"');
    const outer = this.#groupsBeforeLook;
    this.#groupsBeforeLook ??= this.#groups.length;
    const body = this.#body(start);
    this.#groupsBeforeLook = outer;
    const { min, max } = this.#width(body);
    if (min !== max) scanner.fail(start, "a lookbehind must have a fixed width");
    return { type: "look", offset: start, behind: true, negated: sign === "!", body };
  }

  #conditional(start: number): Node {
    const scanner: Scanner = this.#scanner;
    const index = this.#condition();
    const yes = this.#sequence();
    const no: Node = scanner.accept("|")
      ? this.#sequence()
      : { type: "sequence", offset: scanner.offset, items: [] };
    if (scanner.peek() === "|") scanner.fail(scanner.offset, "a conditional has two branches at most");
    if (!scanner.accept(")")) scanner.fail(start, "expected a ) that ends this group");
    return { type: "conditional", offset: start, index, yes, no };
  }

  /** The group that a conditional reads: a name from before, or a number. */
  #condition(): number {
    const scanner: Scanner = this.#scanner;
    const { offset } = scanner;
    const text = scanner.takeUntil(")", "the name of a group");
    const index = IDENTIFIER.test(text) ? this.#numbers.get(text) : groupNumber(text);
    if (index === undefined) scanner.fail(offset, `there is no group named "${text}" before this place`);
    if (!(index > 0)) scanner.fail(offset, `"${text}" is neither the name nor the number of a group`);
    this.#conditions.push({ index, offset });
    this.#checkLookbehind(offset, index);
    return index;
  }
}

/** What Python's `str.isidentifier` accepts. */
const IDENTIFIER = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;

const PLACES: Readonly<Record<string, PlaceNode["at"]>> = {
  "\\A": "textStart",
  "\\Z": "textEnd",
  "\\b": "word",
  "\\B": "notWord",
};

function single(code: number): ClassItem {
  return { low: code, high: code };
}

/** A number as Python's `int` reads it; NaN for any other text. */
function groupNumber(text: string): number {
  return /^\s*\+?\d(?:_?\d)*\s*$/.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
}
