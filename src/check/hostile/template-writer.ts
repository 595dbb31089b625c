import { sampleChar } from "../../python/analyse/matching-text.ts";
import { uncaptured } from "../../python/loops.ts";
import { compileTree } from "../../python/search/compile-pattern.ts";
import { childrenOf, type GroupNode, type Node, type Tree } from "../../python/tree.ts";
import { wholly } from "./field-kinds.ts";
import type { HostilePattern } from "./hostile-pattern.ts";
import { IDS } from "./pattern-fields.ts";
import { type Field, fitted, joined, shifted, type Template, type TemplatePart } from "./template.ts";

/** Texts for some groups, by their names, instead of text that their pattern matches. */
export interface GroupTexts {
  readonly ip4: string;
  readonly ip6: string;
  readonly dns: string;
  /** The session. */
  readonly mlfid?: string;
  /** What the failregexes see after a prefregex. */
  readonly content?: Template;
}

/** Most paths through one pattern. */
const MOST_WAYS = 24;

/**
 * Generates lines that a pattern should match, one for each path through it; lookarounds and places are ignored. First the shortest line
 * and the one with everything optional, then one for each option and each branch.
 *
 * @param isBare true: without optional nodes before the text of the service
 */
export function templatesOf(
  pattern: HostilePattern,
  texts: GroupTexts,
  { most = MOST_WAYS, isBare = false }: { readonly most?: number; readonly isBare?: boolean } = {},
): readonly Template[] {
  const found = new Map<string, Template>();
  for (const way of waysThrough(pattern, isBare)) {
    const template = natural(new TemplateWriter(pattern, texts, way).write(pattern.tree.root));
    const key = JSON.stringify([template.parts, template.fields.map(({ text }) => text)]);
    if (!found.has(key)) found.set(key, template);
    if (found.size >= most) break;
  }
  return [...found.values()];
}

/** A path through a pattern. */
interface PatternPath {
  /** The index of a branch, or the number of iterations of a loop. */
  choose(node: Node): number;
  /** Texts for fields; the first that fits is used. */
  readonly words: readonly string[];
}

const WORDS = ["x", "0"];
const SPACED = [" x ", ...WORDS];

const leastTurns = (node: Node) => (node.type === "repeat" ? node.min : 0);
const mostTurns = (node: Node) => (node.type === "repeat" ? Math.min(node.max, Math.max(node.min, 1)) : 0);

function* waysThrough({ tree, header }: HostilePattern, isBare: boolean): Generator<PatternPath> {
  const plain = isBare ? leastTurns : (node: Node) => (header.has(node) ? mostTurns(node) : leastTurns(node));
  yield { choose: plain, words: WORDS };
  yield { choose: mostTurns, words: WORDS };
  yield { choose: mostTurns, words: SPACED };
  for (const forced of turnings(tree.root, new Map(), tree.names)) {
    yield { choose: (node) => forced.get(node) ?? plain(node), words: WORDS };
  }
}

/** The choices that lead to each branch but the first, and to each optional node. */
function* turnings(
  node: Node,
  path: ReadonlyMap<Node, number>,
  names: Tree["names"],
): Generator<ReadonlyMap<Node, number>> {
  switch (node.type) {
    case "look":
      return;
    case "group":
      if (!IDS.includes(names.get(node.index ?? 0) ?? "")) yield* turnings(node.body, path, names);
      return;
    case "repeat": {
      const taken = new Map([...path, [node, Math.max(node.min, 1)] as const]);
      if (node.min === 0 && node.max > 0) yield taken;
      yield* turnings(node.body, taken, names);
      return;
    }
    case "alternation":
      for (const [index, branch] of node.branches.entries()) {
        const taken = new Map([...path, [node, index] as const]);
        if (index > 0) yield taken;
        yield* turnings(branch, taken, names);
      }
      return;
    default:
      for (const child of childrenOf(node)) yield* turnings(child, path, names);
  }
}

/** The template with blanks between its fields and the id. */
function natural(template: Template): Template {
  const fields = template.fields.map((field, index) => {
    const text = fitted(template, index, field.text)?.text;
    return text === undefined ? field : { ...field, text };
  });
  return { ...template, fields };
}

class TemplateWriter {
  readonly #pattern: HostilePattern;
  readonly #texts: GroupTexts;
  readonly #way: PatternPath;
  readonly #hasFields: boolean;
  readonly #parts: TemplatePart[] = [];
  readonly #fields: Field[] = [];
  /** The parts that each group matched, by its number. */
  readonly #groups = new Map<number, readonly TemplatePart[]>();

  constructor(pattern: HostilePattern, texts: GroupTexts, way: PatternPath, hasFields = true) {
    this.#pattern = pattern;
    this.#texts = texts;
    this.#way = way;
    this.#hasFields = hasFields;
  }

  write(node: Node): Template {
    this.#write(node);
    return { parts: joined(this.#parts), fields: this.#fields };
  }

  #write(node: Node): void {
    if (this.#hasFields && this.#pattern.fields.has(node)) {
      this.#field(node);
      return;
    }
    switch (node.type) {
      case "char":
        this.#parts.push(sampleChar(node));
        return;
      case "place":
      case "look":
        return;
      case "group":
        this.#group(node);
        return;
      case "atomic":
        this.#write(node.body);
        return;
      case "reference":
        this.#parts.push(...(this.#groups.get(node.index) ?? []));
        return;
      case "conditional":
        this.#write(this.#groups.has(node.index) ? node.yes : node.no);
        return;
      case "repeat":
        for (let turn = this.#way.choose(node); turn > 0; turn--) this.#write(node.body);
        return;
      case "sequence":
        for (const item of node.items) this.#write(item);
        return;
      case "alternation":
        this.#write(node.branches[this.#way.choose(node)] as Node);
        return;
    }
  }

  #field(node: Node): void {
    const start = this.#parts.length;
    this.#parts.push({ field: this.#fields.length });
    this.#fields.push(this.#pattern.field(node, (kind) => this.#textFor(node, kind)));
    if (node.type === "group") this.#capture(node, start);
  }

  /** A short text for a field. */
  #textFor(node: Node, takes: (text: string) => boolean): string {
    const turns = node.type === "repeat" ? Math.max(node.min, 1) : 1;
    const plain = this.#way.words.map((word) => word.repeat(turns)).find(takes);
    return plain ?? this.#plainTextOf(node.type === "repeat" ? node.body : node).repeat(turns);
  }

  #group(node: GroupNode): void {
    const start = this.#parts.length;
    const name = this.#pattern.tree.names.get(node.index ?? 0) ?? "";
    const { content, mlfid } = this.#texts;
    if (IDS.includes(name)) this.#parts.push({ id: this.#idFor(node, name) });
    else if (name === "content" && content) this.#insert(content);
    else if (name === "mlfid" && mlfid !== undefined) this.#parts.push(mlfid);
    else if (name === "cidr") this.#parts.push("32");
    else this.#write(node.body);
    this.#capture(node, start);
  }

  #capture({ index }: GroupNode, start: number): void {
    if (index !== undefined) this.#groups.set(index, this.#parts.slice(start));
  }

  #insert({ parts, fields }: Template): void {
    this.#parts.push(...shifted(parts, this.#fields.length));
    this.#fields.push(...fields);
  }

  /** An address, if the group matches one. */
  #idFor(node: GroupNode, name: string): string {
    const { ip4, ip6, dns } = this.#texts;
    if (name === "ip4") return ip4;
    if (name === "ip6") return ip6;
    const root = wholly(uncaptured(node.body));
    const pattern = compileTree("id", { root, groupCount: 0, names: new Map() });
    const wanted = name === "dns" ? [dns] : [ip4, ip6, dns];
    return wanted.find((text) => pattern.search(text)) ?? this.#plainTextOf(node.body);
  }

  /** A text that a node matches, without fields. */
  #plainTextOf(node: Node): string {
    const { parts } = new TemplateWriter(
      this.#pattern,
      this.#texts,
      { choose: mostTurns, words: WORDS },
      false,
    ).write(node);
    return parts.map((part) => (typeof part === "string" ? part : "id" in part ? part.id : "")).join("");
  }
}
