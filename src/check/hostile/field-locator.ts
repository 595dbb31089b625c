import type { PatternSpans, PythonPattern } from "../../python/pattern.ts";
import { compileTree } from "../../python/search/compile-pattern.ts";
import { type Node, rewrite } from "../../python/tree.ts";
import type { HostilePattern } from "./hostile-pattern.ts";
import { IDS } from "./pattern-fields.ts";
import { type Field, joined, shifted, type Template, type TemplatePart } from "./template.ts";

/** A matched text, in parts. */
export interface LocatedTemplate extends Template {
  /** The text after the match. */
  readonly rest: string;
}

/** What a group of the marked pattern marks. */
type MarkedGroup =
  | { readonly type: "id" }
  | { readonly type: "content" }
  | { readonly type: "field"; readonly node: Node }
  | { readonly type: "reference"; readonly group: number };

/** Finds the fields of a pattern in a sample line that it matches. */
export class FieldLocator {
  readonly #pattern: HostilePattern;
  /** The pattern with a group around each field and each back reference. */
  readonly #marked: PythonPattern;
  /** By the number of the group. */
  readonly #meanings = new Map<number, MarkedGroup>();

  /** @throws PatternError ERR_PATTERN_UNSUPPORTED for a pattern whose fields cannot be marked */
  constructor(pattern: HostilePattern) {
    this.#pattern = pattern;
    const { tree } = pattern;
    let count = tree.groupCount;
    const marked = (node: Node, body: Node, meaning: MarkedGroup): Node => {
      this.#meanings.set(++count, meaning);
      return { type: "group", offset: node.offset, index: count, name: undefined, body };
    };
    const root = rewrite(tree.root, (node, copy) => {
      if (node.type === "look") return node;
      if (node.type === "reference") return marked(node, node, { type: "reference", group: node.index });
      if (pattern.fields.has(node)) return marked(node, node, { type: "field", node });
      if (node.type !== "group") return undefined;
      const meaning = meaningOf(tree.names.get(node.index ?? 0) ?? "");
      return meaning && marked(node, { ...node, body: copy(node.body) }, meaning);
    });
    this.#marked = compileTree(pattern.compiled.source, { ...tree, root, groupCount: count });
  }

  /**
   * @param content finds the fields of the failregexes in the content of a prefregex
   * @returns undefined if the pattern does not match
   */
  locate(
    text: string,
    content: (text: string) => LocatedTemplate | undefined = () => undefined,
  ): LocatedTemplate | undefined {
    const found = this.#marked.searchSpans(`${text}\n`);
    return found && new TextCutter(text, found, this.#meanings, this.#pattern, content).cut();
  }
}

function meaningOf(name: string): MarkedGroup | undefined {
  if (name === "content") return { type: "content" };
  return IDS.includes(name) ? { type: "id" } : undefined;
}

/** Splits a text at the marked groups. */
class TextCutter {
  readonly #text: string;
  readonly #found: PatternSpans;
  readonly #pattern: HostilePattern;
  readonly #content: (text: string) => LocatedTemplate | undefined;
  readonly #marks: readonly { readonly start: number; readonly end: number; readonly meaning: MarkedGroup }[];
  readonly #fields: Field[] = [];
  /** The indices of fields in `#fields`. */
  readonly #indices = new Map<Node, number>();

  constructor(
    text: string,
    found: PatternSpans,
    meanings: ReadonlyMap<number, MarkedGroup>,
    pattern: HostilePattern,
    content: (text: string) => LocatedTemplate | undefined,
  ) {
    this.#text = text;
    this.#found = found;
    this.#pattern = pattern;
    this.#content = content;
    this.#marks = [...meanings]
      .flatMap(([group, meaning]) => {
        const [start, end] = found.spans[group] ?? [];
        return start === undefined || end === undefined ? [] : [{ start, end, meaning }];
      })
      .sort((a, b) => a.start - b.start || b.end - a.end);
  }

  cut(): LocatedTemplate {
    const parts = joined(this.#parts(0, this.#text.length));
    return { parts, fields: this.#fields, rest: this.#text.slice(this.#found.end) };
  }

  #parts(from: number, to: number): TemplatePart[] {
    const parts: TemplatePart[] = [];
    let at = from;
    for (const { start, end, meaning } of this.#marks) {
      if (start < at || end > to) continue;
      parts.push(this.#text.slice(at, start), ...this.#piece(start, end, meaning));
      at = end;
    }
    return [...parts, this.#text.slice(at, to)];
  }

  #piece(start: number, end: number, meaning: MarkedGroup): readonly TemplatePart[] {
    const text = this.#text.slice(start, end);
    switch (meaning.type) {
      case "id":
        return [{ id: text }];
      case "content":
        return this.#insert(this.#content(text), text);
      case "field":
        return [{ field: this.#fieldOf(meaning.node, text) }];
      case "reference": {
        const [first, last] = this.#found.spans[meaning.group] ?? [];
        return first === undefined || last === undefined ? [text] : this.#parts(first, last);
      }
    }
  }

  #insert(inner: LocatedTemplate | undefined, text: string): readonly TemplatePart[] {
    if (!inner) return [text];
    const parts = shifted(inner.parts, this.#fields.length);
    this.#fields.push(...inner.fields);
    return parts;
  }

  #fieldOf(node: Node, text: string): number {
    const index = this.#indices.get(node) ?? this.#fields.length;
    if (index === this.#fields.length) {
      this.#fields.push(this.#pattern.field(node, () => text));
      this.#indices.set(node, index);
    }
    return index;
  }
}
