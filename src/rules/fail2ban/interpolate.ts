import { type Place, RuleError } from "../rule.ts";
import type { IniFile, Section } from "./ini.ts";
import { type LocatedText, located, placeOf, type Replacement, replaceParts } from "./located-text.ts";

/** How deep `%(name)s` may be nested, as in Python's ConfigParser. */
const MAX_DEPTH = 10;
/** Most references that are replaced in one value: ten levels of ten references each would be ten thousand million. */
const MAX_REFERENCES = 10_000;

/** Merged configuration files. Values are interpolated when they are read, so a later file changes values of earlier ones. */
export class Config {
  readonly files: readonly string[];
  readonly defaults: Section = new Map();
  /** `KNOWN/x` holds the values of section x as they were before the file that changed them last. */
  readonly #sections = new Map<string, Section>();
  /** By section: the values of the filter for `%(known/name)s`, already interpolated. */
  readonly #known = new Map<string, ReadonlyMap<string, LocatedText>>();

  constructor(files: readonly string[]) {
    this.files = files;
  }

  /** Merges a file over the earlier ones. The keys of a section `[Init?family=inet6]` become `key?family=inet6` of `[Init]`. */
  merge({ defaults, sections }: IniFile): void {
    for (const [key, value] of defaults) this.defaults.set(key, value);
    for (const [heading, values] of sections) {
      const [, name = heading, condition = ""] = /^(\w+)(\?.+)$/.exec(heading) ?? [];
      const isFirst = !this.#sections.has(name);
      const section = getOrAdd(this.#sections, name);
      const known = isFirst ? new Map() : getOrAdd(this.#sections, `KNOWN/${name}`);
      for (const [plainKey, value] of values) {
        const key = plainKey + condition;
        const old = section.get(key);
        if (old !== undefined) known.set(key, old);
        section.set(key, value);
      }
    }
  }

  /** Sets the values of `%(known/name)s` in a section to those of its filter. */
  know(section: string, values: ReadonlyMap<string, LocatedText>): void {
    this.#known.set(section, values);
  }

  sectionNames(): string[] {
    return [...this.#sections.keys()].filter((name) => !name.startsWith("KNOWN/"));
  }

  has(section: string, key: string): boolean {
    return this.#sections.get(section)?.has(key) ?? false;
  }

  /** Where the first key of a section stands. */
  place(section: string): Place | undefined {
    const [first] = this.#sections.get(section)?.values() ?? [];
    return first && placeOf(first);
  }

  /** The keys of a section, without those of `[DEFAULT]`. */
  keys(section: string): string[] {
    return [...(this.#sections.get(section)?.keys() ?? [])];
  }

  /**
   * An interpolated value: from `given`, else the section, else `[DEFAULT]`. Undefined when there is no value, or no such section.
   *
   * @throws RuleError for an undefined `%(name)s`
   */
  get(section: string, key: string, given?: ReadonlyMap<string, LocatedText>): LocatedText | undefined {
    if (!this.#sections.has(section) && section !== "DEFAULT") return undefined;
    const lower = key.toLowerCase();
    const lookup = { section, key: lower, given, left: MAX_REFERENCES };
    const raw = this.#rawValue(lookup, lower);
    return raw && this.#interpolate(raw, lookup, 1);
  }

  /** The value of a tag `<name>` or `<section/name>` of a filter or action. */
  getTag(section: string, tag: string, given?: ReadonlyMap<string, LocatedText>): LocatedText | undefined {
    const [, other = "", key = ""] = /^([\w-]+)\/([^\s>]+)$/.exec(tag) ?? [];
    const kind = other.toLowerCase();
    const places =
      kind === "known" ? [`KNOWN/${section}`, section] : [kind === "default" ? "DEFAULT" : other];
    const found = places.map((place) => this.get(place, key)).find((value) => value !== undefined);
    return found ?? this.get(section, tag, given);
  }

  #interpolate(raw: LocatedText, lookup: ValueLookup, depth: number): LocatedText {
    if (!raw.text.includes("%")) return raw;
    if (depth > MAX_DEPTH) throw mistake(raw, lookup, `%(…)s is nested more than ${MAX_DEPTH} deep`);
    const replacements: Replacement[] = [];
    for (const { 0: text, 1: name, index } of raw.text.matchAll(/%(?:%|\(([^)]+)\)s)?/g)) {
      if (text === "%") throw mistake(raw, lookup, 'expected "%%" or "%(name)s" after a "%"');
      if (lookup.left-- === 0) throw mistake(raw, lookup, `more than ${MAX_REFERENCES} %(…)s to replace`);
      const insert =
        name === undefined ? located("%", placeOf(raw)) : this.#resolve(name, raw, lookup, depth);
      replacements.push({ start: index, end: index + text.length, insert });
    }
    return replaceParts(raw, replacements);
  }

  #resolve(name: string, raw: LocatedText, lookup: ValueLookup, depth: number): LocatedText {
    if (name === "__name__") return located(lookup.section, placeOf(raw));
    const final = this.#known.get(lookup.section)?.get(name.toLowerCase());
    if (final !== undefined) return final;
    const value = this.#rawValue(lookup, name.toLowerCase()) ?? this.#rawElsewhere(lookup.section, name);
    if (value === undefined) throw mistake(raw, lookup, `%(${name})s is not defined`);
    return this.#interpolate(value, lookup, depth + 1);
  }

  #rawValue({ section, given }: ValueLookup, key: string): LocatedText | undefined {
    return given?.get(key) ?? this.#sections.get(section)?.get(key) ?? this.defaults.get(key);
  }

  /** `section/key`; `default/key` and `known/key` have rules of their own, and fall back to `[DEFAULT]` too. */
  #rawElsewhere(section: string, name: string): LocatedText | undefined {
    const [, other = "", written = ""] = /^([\w-]+)\/([^)]+)$/.exec(name) ?? [];
    const key = written.toLowerCase();
    const kind = other.toLowerCase();
    if (kind === "default") return this.defaults.get(key);
    if (kind === "known") return this.#sections.get(`KNOWN/${section}`)?.get(key) ?? this.defaults.get(key);
    const found = this.#sections.get(other);
    return found && (found.get(key) ?? this.defaults.get(key));
  }
}

/** The value that is being read, and where its references are resolved. */
interface ValueLookup {
  readonly section: string;
  readonly key: string;
  /** Options that override the section. */
  readonly given: ReadonlyMap<string, LocatedText> | undefined;
  /** How many references may still be replaced. */
  left: number;
}

function mistake(raw: LocatedText, { section, key }: ValueLookup, what: string): RuleError {
  return new RuleError("ERR_RULE_VALUE", placeOf(raw), `[${section}] ${key}: ${what}`);
}

function getOrAdd(sections: Map<string, Section>, name: string): Section {
  const section = sections.get(name) ?? new Map();
  sections.set(name, section);
  return section;
}
