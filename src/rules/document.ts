import * as yaml from "yaml";
import { JAIL_NAME } from "../command.ts";
import type { JailSettings, Layer, Settings } from "./merge.ts";
import { patternsInScalar, type ScalarText } from "./place.ts";
import { type Pattern, type Place, RuleError, type RuleErrorCode } from "./rule.ts";
import { checkSettings, isIssues, shown, type ValueIssue } from "./schema.ts";

/** A rules file as far as it could be read, and all mistakes in it. */
export interface RuleDocument {
  readonly layer: Layer;
  readonly errors: readonly RuleError[];
  readonly warnings: readonly RuleError[];
}

/** No anchor is used more often than this, those inside it counted: a small text can't stand for a huge one. */
const MAX_ALIASES = 100;

type Path = readonly PropertyKey[];

/** Reads the YAML text of a rules file. `file` is its name in places. */
export function readRules(text: string, file: string): RuleDocument {
  const source = new Source(text, file);
  const empty = { defaults: {}, jails: new Map() };
  if (source.errors.length > 0) return { layer: empty, errors: source.errors, warnings: [] };
  const errors: RuleError[] = [];
  const layer = readLayer(source, errors);
  return { layer, errors: errors.sort(byPlace), warnings: source.warnings };
}

/**
 * Reads one value from the command line, as YAML, for the key at `path` of a jail. `file` stands for its place.
 *
 * @throws RuleError[] never: mistakes are returned
 */
export function readSetting(path: readonly string[], text: string, file: string): Settings | RuleError[] {
  const source = new Source(text, file, path);
  if (source.errors.length > 0) return [...source.errors];
  const errors: RuleError[] = [];
  const value = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), source.value);
  const settings = readSettings(source, [], value, errors);
  return errors.length > 0 ? errors : settings;
}

function readLayer(source: Source, errors: RuleError[]): Layer {
  const jails = new Map<string, JailSettings>();
  let defaults: Settings = {};
  if (!isMapping(source.value)) {
    if (source.value !== null)
      errors.push(source.wrong([], `expected a mapping with jails, got ${shown(source.value)}`));
    return { defaults, jails };
  }
  for (const [key, value] of source.entries([], source.value)) {
    if (key === "defaults") defaults = readSettings(source, ["defaults"], value ?? {}, errors);
    else if (key === "jails") readJails(source, value ?? {}, jails, errors);
    else errors.push(unknownTopKey(source, key));
  }
  return { defaults, jails };
}

function readJails(
  source: Source,
  value: unknown,
  jails: Map<string, JailSettings>,
  errors: RuleError[],
): void {
  if (!isMapping(value)) {
    errors.push(source.wrong(["jails"], `jails: expected a mapping, got ${shown(value)}`));
    return;
  }
  for (const [name, keys] of source.entries(["jails"], value)) {
    const place = source.keyPlace(["jails"], name);
    if (!JAIL_NAME.test(name)) {
      const message = `jails: expected a name of 1 to 64 of A-Z a-z 0-9 . _ -, got ${shown(name)}`;
      errors.push(new RuleError("ERR_RULE_VALUE", place, message));
    }
    jails.set(name, { place, settings: readSettings(source, ["jails", name], keys ?? {}, errors) });
  }
}

function unknownTopKey(source: Source, key: string): RuleError {
  const hint = JAIL_NAME.test(key)
    ? "a file has the keys defaults and jails; jails stand under jails"
    : undefined;
  return new RuleError("ERR_RULE_KEY", source.keyPlace([], key), `unknown key ${shown(key)}`, hint);
}

function readSettings(source: Source, path: Path, value: unknown, errors: RuleError[]): Settings {
  const checked = checkSettings(value);
  if (isIssues(checked)) {
    errors.push(...checked.map((issue) => toRuleError(source, path, issue)));
    return {};
  }
  const { prefregex, failregex, ignoreregex, datepattern, success, tests, ...rest } = checked;
  const patterns = (key: string, texts: string | readonly string[]) => source.patterns([...path, key], texts);
  return {
    ...rest,
    ...(prefregex !== undefined && { prefregex: patterns("prefregex", prefregex) }),
    ...(failregex !== undefined && { failregex: patterns("failregex", failregex) }),
    ...(ignoreregex !== undefined && { ignoreregex: patterns("ignoreregex", ignoreregex) }),
    ...(datepattern !== undefined && { datepattern: joinLines(patterns("datepattern", datepattern)) }),
    ...(success !== undefined && { success: patterns("success", success) }),
    ...(tests !== undefined && {
      tests: tests.map(({ line, match }, i) => ({
        lines: line,
        match,
        place: source.place([...path, "tests", i]),
      })),
    }),
  };
}

function byPlace({ place: a }: RuleError, { place: b }: RuleError): number {
  return a.line - b.line || a.column - b.column;
}

/** Date patterns of several lines are tried in order, but are one value. */
function joinLines(lines: readonly Pattern[]): readonly Pattern[] {
  const [first] = lines;
  if (first === undefined || lines.length === 1) return lines;
  return [{ source: lines.map(({ source }) => source).join("\n"), place: first.place }];
}

function toRuleError(source: Source, above: Path, { path, key, message, hint }: ValueIssue): RuleError {
  const whole = [...above, ...path];
  const names = path.filter((part) => typeof part === "string").join(".");
  const told = names === "" ? message : `${names}: ${message}`;
  if (key === undefined) return source.wrong(whole, told, hint);
  return new RuleError("ERR_RULE_KEY", source.keyPlace(whole, key), told, hint);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const PATTERN_KEYS: ReadonlySet<string> = new Set([
  "prefregex",
  "failregex",
  "ignoreregex",
  "datepattern",
  "success",
]);

/**
 * Takes a pattern with `: ` in it, written without quotes as it stands in a fail2ban filter, for the text that it is:
 * YAML reads a mapping there, or complains of one, but no mapping can be meant. The pattern ends with its line, or at
 * ` #` as any plain text does.
 */
function mendPatterns(document: yaml.Document.Parsed, text: string): void {
  const mend = (node: unknown) => mendPattern(document, text, node);
  yaml.visit(document, {
    Pair: (_, pair, ancestors) => {
      if (!isSetting(ancestors) || !PATTERN_KEYS.has(String(pair.key))) return;
      if (yaml.isSeq(pair.value)) pair.value.items = pair.value.items.map(mend);
      else pair.value = mend(pair.value);
    },
  });
}

/** True for what stands in `defaults`, or in a jail: document, mapping, pair, mapping, and another pair and mapping. */
function isSetting(ancestors: readonly unknown[]): boolean {
  const top = yaml.isPair(ancestors[2]) ? String(ancestors[2].key) : "";
  return (top === "defaults" && ancestors.length === 4) || (top === "jails" && ancestors.length === 6);
}

function mendPattern(document: yaml.Document.Parsed, text: string, node: unknown): unknown {
  if (!yaml.isMap(node) || node.flow || !node.range) return node;
  const first = node.items[0]?.key;
  if (!yaml.isScalar(first) || first.type !== yaml.Scalar.PLAIN) return node;
  const [start, end] = node.range;
  if (text.slice(start, end).trimEnd().includes("\n")) return node;
  const line = text.slice(start, end).trimEnd();
  document.errors = document.errors.filter(({ pos }) => pos[0] < start || pos[0] > start + line.length);
  const pattern = new yaml.Scalar(line.split(/\s#/, 1)[0]?.trimEnd());
  pattern.type = yaml.Scalar.PLAIN;
  pattern.range = [start, start + String(pattern.value).length, end];
  return pattern;
}

/** A YAML text, its value, and where everything in it stands. */
class Source {
  readonly errors: readonly RuleError[];
  readonly warnings: RuleError[];
  readonly value: unknown;
  readonly #text: string;
  readonly #file: string;
  /** Path of the text's root, when it is the value of one key from elsewhere: then places are the file as a whole. */
  readonly #root: Path | undefined;
  readonly #lines = new yaml.LineCounter();
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

  /** The keys of a mapping in the file's order: an object would put numbers first. */
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

  /** Where the value at `path` begins: the nearest that stands in the file, since a list of one may be written without its list. */
  place(path: Path): Place {
    const node = this.#find(path);
    return this.#placeAt(node?.range?.[0] ?? 0);
  }

  keyPlace(path: Path, key: string): Place {
    const node = this.#find(path);
    const pair = yaml.isMap(node) ? node.items.find((item) => String(item.key) === key) : undefined;
    return yaml.isNode(pair?.key) ? this.#placeAt(pair.key.range?.[0] ?? 0) : this.place(path);
  }

  patterns(path: Path, texts: string | readonly string[]): readonly Pattern[] {
    if (typeof texts !== "string")
      return texts.flatMap((text, index) => this.patterns([...path, index], text));
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
      mendPatterns(document, this.#text);
      if (document.errors.length > 0) {
        return { value: null, errors: document.errors.map((error) => this.#syntaxError(error)) };
      }
      return { document, value: document.toJS({ maxAliasCount: MAX_ALIASES }), errors: [] };
    } catch (error) {
      if (error instanceof ReferenceError) return failed(`more than ${MAX_ALIASES} uses of one anchor`);
      if (error instanceof RangeError) return failed("nested too deep");
      throw error;
    }
  }

  #syntaxError({ code, message, pos }: yaml.YAMLError): RuleError {
    const told = message.split("\n")[0] ?? "";
    const lower = /^[A-Z][a-z]/.test(told) ? told.slice(0, 1).toLowerCase() + told.slice(1) : told;
    const hint = code === "BLOCK_AS_IMPLICIT_KEY" ? 'put quotes around text that holds ": "' : undefined;
    return new RuleError("ERR_RULE_SYNTAX", this.#placeAt(pos[0]), lower, hint);
  }

  #placeAt(offset: number): Place {
    if (this.#root !== undefined) return { file: this.#file, line: 0, column: 0 };
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #scalar(path: Path): ScalarText {
    const node = this.#find(path);
    const [start, end] = node?.range ?? [0, 0];
    return {
      text: this.#text.slice(start, end),
      style: yaml.isScalar(node) ? styleOf(node) : "plain",
      place: (offset) => this.#placeAt(start + offset),
    };
  }

  /** The node at `path` or, where there is none, the nearest above it; behind aliases. */
  #find(path: Path): yaml.Node | undefined {
    const below = this.#root === undefined ? path : path.slice(this.#root.length);
    let node = this.#resolve(this.#document?.contents);
    for (const part of below) {
      const inner = yaml.isCollection(node) ? this.#resolve(node.get(part, true)) : undefined;
      if (inner === undefined) break;
      node = inner;
    }
    return node;
  }

  #resolve(node: unknown): yaml.Node | undefined {
    if (yaml.isAlias(node) && this.#document) return node.resolve(this.#document);
    return yaml.isNode(node) ? node : undefined;
  }
}

function styleOf({ type }: yaml.Scalar): ScalarText["style"] {
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
