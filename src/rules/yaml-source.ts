import * as yaml from "yaml";
import { patternsInScalar, type YamlScalar } from "./pattern-place.ts";
import { type Pattern, type Place, RuleError, type RuleErrorCode } from "./rule.ts";
import { fixUnquotedPatterns } from "./unquoted-patterns.ts";

/** Messages in place of those that yaml has for programmers. */
const MESSAGES: Partial<Readonly<Record<yaml.ErrorCode, string>>> = {
  MULTIPLE_DOCS: "more than one document",
  RESOURCE_EXHAUSTION: "nested too deeply",
};

/** Keys and list indexes, from the root of a value to a part of it. */
export type Path = readonly PropertyKey[];

/** Most uses of one anchor, those inside it counted: a small text can't expand to a huge one. */
const MAX_ALIASES = 100;

/** A YAML text, its value, and the places of everything in it. */
export class YamlSource {
  readonly errors: readonly RuleError[];
  readonly warnings: RuleError[];
  readonly value: unknown;
  readonly #text: string;
  readonly #file: string;
  /** The path of the value when the text is that of one key, from `--set`: then each place is the file as a whole. */
  readonly #root: Path | undefined;
  readonly #lines = new yaml.LineCounter();
  readonly #index = new WeakMap<yaml.YAMLMap, ReadonlyMap<string, yaml.Pair>>();
  readonly #document: yaml.Document.Parsed | undefined;

  constructor(text: string, file: string, root?: Path) {
    this.#text = text;
    this.#file = file;
    this.#root = root;
    const parsed = this.#parse();
    this.#document = parsed.document;
    this.value = parsed.value;
    this.errors = parsed.errors;
    this.warnings = (parsed.document?.warnings ?? []).map((warning) => this.#syntaxError(warning));
  }

  /** The keys of a mapping in the order of the file; an object would put numbers first. */
  *entries(path: Path, value: Readonly<Record<string, unknown>>): Iterable<readonly [string, unknown]> {
    const node = this.#find(path);
    for (const { key } of yaml.isMap(node) ? node.items : []) {
      const name = yaml.isScalar(key) ? String(key.value) : "";
      yield [name, value[name]];
    }
  }

  wrong(path: Path, message: string, hint?: string, code: RuleErrorCode = "ERR_RULE_VALUE"): RuleError {
    return new RuleError(code, this.place(path), message, hint);
  }

  /** Where the value at `path` begins, or the nearest around it: a list of one may be written as its item. */
  place(path: Path): Place {
    const node = this.#find(path);
    return this.#placeAt(node?.range?.[0] ?? 0);
  }

  keyPlace(path: Path, key: string): Place {
    const node = this.#find(path);
    const pair = yaml.isMap(node) ? this.#pairs(node).get(key) : undefined;
    return yaml.isNode(pair?.key) ? this.#placeAt(pair.key.range?.[0] ?? 0) : this.place(path);
  }

  /** The patterns of one key. Warns of one with ` #`, where YAML begins a comment. */
  patterns(path: Path, texts: string | readonly string[]): readonly Pattern[] {
    if (typeof texts !== "string") {
      return texts.flatMap((text, index) => this.patterns([...path, index], text));
    }
    const node = this.#find(path);
    if (yaml.isScalar(node) && /^[^\s#]/.test(node.comment ?? "")) {
      const message = 'what follows " #" is a comment; put quotes around a pattern with " #" in it';
      this.warnings.push(this.wrong(path, message));
    }
    return patternsInScalar(texts, this.#scalar(path));
  }

  #parse(): { document?: yaml.Document.Parsed; value: unknown; errors: readonly RuleError[] } {
    const failed = (message: string, hint?: string) => ({
      value: null,
      errors: [new RuleError("ERR_RULE_SYNTAX", this.#placeAt(0), message, hint)],
    });
    try {
      const options = { lineCounter: this.#lines, prettyErrors: false, stringKeys: true };
      const document = yaml.parseDocument(this.#text, options) as yaml.Document.Parsed;
      fixUnquotedPatterns(document, this.#text);
      if (document.errors.length > 0) return { value: null, errors: this.#syntaxErrors(document.errors) };
      return { document, value: document.toJS({ maxAliasCount: MAX_ALIASES }), errors: [] };
    } catch (error) {
      if (error instanceof ReferenceError) return failed(`more than ${MAX_ALIASES} uses of one anchor`);
      if (error instanceof RangeError) return failed("nested too deeply");
      throw error;
    }
  }

  /** The first error of each line: others on the same line mostly follow from it. */
  #syntaxErrors(errors: readonly yaml.YAMLError[]): readonly RuleError[] {
    const exhausted = errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
    if (exhausted) return [this.#syntaxError(exhausted)];
    const byLine = new Map<number, yaml.YAMLError>();
    for (const error of errors) {
      const { line } = this.#lines.linePos(error.pos[0]);
      if (!byLine.has(line)) byLine.set(line, error);
    }
    return [...byLine.values()].map((error) => this.#syntaxError(error));
  }

  #syntaxError({ code, message, pos }: yaml.YAMLError): RuleError {
    const text = MESSAGES[code] ?? message.split("\n", 1)[0] ?? "";
    const lower = /^[A-Z][a-z]/.test(text) ? text.slice(0, 1).toLowerCase() + text.slice(1) : text;
    const hint = code === "BLOCK_AS_IMPLICIT_KEY" ? 'put quotes around text that contains ": "' : undefined;
    return new RuleError("ERR_RULE_SYNTAX", this.#placeAt(pos[0]), lower, hint);
  }

  #placeAt(offset: number): Place {
    if (this.#root !== undefined) return { file: this.#file, line: 0, column: 0 };
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #scalar(path: Path): YamlScalar {
    const node = this.#find(path);
    const [start, end] = node?.range ?? [0, 0];
    return {
      text: this.#text.slice(start, end),
      style: yaml.isScalar(node) ? styleOf(node) : "plain",
      place: (offset) => this.#placeAt(start + offset),
    };
  }

  /** The node at `path`, or the nearest above it; aliases are resolved. */
  #find(path: Path): yaml.Node | undefined {
    const below = this.#root === undefined ? path : path.slice(this.#root.length);
    let node = this.#resolve(this.#document?.contents);
    for (const part of below) {
      const inner = this.#resolve(this.#child(node, part));
      if (inner === undefined) break;
      node = inner;
    }
    return node;
  }

  #child(node: yaml.Node | undefined, part: PropertyKey): unknown {
    if (yaml.isMap(node)) return this.#pairs(node).get(String(part))?.value;
    return yaml.isSeq(node) ? node.items[Number(part)] : undefined;
  }

  /** A mapping's pairs by key: yaml itself scans all of them each time. */
  #pairs(map: yaml.YAMLMap): ReadonlyMap<string, yaml.Pair> {
    const known = this.#index.get(map);
    if (known) return known;
    const pairs = new Map(map.items.map((pair) => [String(pair.key), pair]));
    this.#index.set(map, pairs);
    return pairs;
  }

  #resolve(node: unknown): yaml.Node | undefined {
    if (yaml.isAlias(node) && this.#document) return node.resolve(this.#document);
    return yaml.isNode(node) ? node : undefined;
  }
}

function styleOf({ type }: yaml.Scalar): YamlScalar["style"] {
  switch (type) {
    case yaml.Scalar.QUOTE_SINGLE:
      return "single";
    case yaml.Scalar.QUOTE_DOUBLE:
      return "double";
    case yaml.Scalar.BLOCK_FOLDED:
    case yaml.Scalar.BLOCK_LITERAL:
      return "block";
    default:
      return "plain";
  }
}
