import { type Place, RuleError } from "../rule.ts";
import type { IniFile, Section } from "./ini.ts";
import { placeOf, type Sourced, sourced, splice } from "./sourced.ts";

/** How deep `%(name)s` may lead to another `%(name)s`, as in Python's ConfigParser. */
const MAX_DEPTH = 10;

/** Merged configuration files. Values are interpolated when they are asked for, so a later file changes what earlier ones built. */
export class Config {
  readonly files: readonly string[];
  readonly defaults: Section = new Map();
  readonly #sections = new Map<string, Section>();
  /** By section: values as they were before the file that changed them last. */
  readonly #previous = new Map<string, Section>();
  /** By section: values that `%(known/name)s` takes from the filter, final as they are. */
  readonly #known = new Map<string, ReadonlyMap<string, Sourced>>();

  constructor(files: readonly string[]) {
    this.files = files;
  }

  /** Lays a file over what is there. The keys of a section `[Init?family=inet6]` become `key?family=inet6` of `[Init]`. */
  merge({ defaults, sections }: IniFile): void {
    for (const [key, value] of defaults) this.defaults.set(key, value);
    for (const [heading, values] of sections) {
      const [, name = heading, condition = ""] = /^(\w+)(\?.+)$/.exec(heading) ?? [];
      const section = getOrAdd(this.#sections, name);
      for (const [plainKey, value] of values) {
        const key = plainKey + condition;
        const old = section.get(key);
        if (old !== undefined) getOrAdd(this.#previous, name).set(key, old);
        section.set(key, value);
      }
    }
  }

  /** Makes `%(known/name)s` in `section` the value that the section's filter has. */
  know(section: string, values: ReadonlyMap<string, Sourced>): void {
    this.#known.set(section, values);
  }

  sectionNames(): string[] {
    return [...this.#sections.keys()];
  }

  has(section: string, key: string): boolean {
    return this.#sections.get(section)?.has(key) ?? false;
  }

  /** Where the first key of a section stands. */
  place(section: string): Place | undefined {
    const [first] = this.#sections.get(section)?.values() ?? [];
    return first && placeOf(first);
  }

  /** The keys of a section, those of `[DEFAULT]` not among them. */
  keys(section: string): string[] {
    return [...(this.#sections.get(section)?.keys() ?? [])];
  }

  /**
   * An interpolated value: from `given`, else the section, else `[DEFAULT]`. Undefined when there is none, or no such section.
   *
   * @throws RuleError for a `%(name)s` that leads nowhere
   */
  get(section: string, key: string, given?: ReadonlyMap<string, Sourced>): Sourced | undefined {
    if (!this.#sections.has(section) && section !== "DEFAULT") return undefined;
    const lower = key.toLowerCase();
    const asked = { section, key: lower, given };
    const raw = this.#rawValue(asked, lower);
    return raw && this.#interpolate(raw, asked, 1);
  }

  /** What a tag `<name>` or `<section/name>` of a filter or action stands for. */
  getTag(section: string, tag: string, given?: ReadonlyMap<string, Sourced>): Sourced | undefined {
    const [, other = "", key = ""] = /^([\w-]+)\/([^\s>]+)$/.exec(tag) ?? [];
    const place = other.toLowerCase();
    if (place === "known") {
      const previous = this.#previous.get(section)?.get(key.toLowerCase());
      const value = previous && this.#interpolate(previous, { section, key, given: undefined }, 1);
      return value ?? this.get(section, key) ?? this.get(section, tag, given);
    }
    const found = other === "" ? undefined : this.get(place === "default" ? "DEFAULT" : other, key);
    return found ?? this.get(section, tag, given);
  }

  #interpolate(raw: Sourced, asked: Asked, depth: number): Sourced {
    if (!raw.text.includes("%")) return raw;
    if (depth > MAX_DEPTH) throw mistake(raw, asked, `%(…)s is nested more than ${MAX_DEPTH} deep`);
    let value = raw;
    const references = [...raw.text.matchAll(/%(?:%|\(([^)]+)\)s)?/g)];
    for (const { 0: text, 1: name, index } of references.reverse()) {
      if (text === "%") throw mistake(raw, asked, 'expected "%%" or "%(name)s" after a "%"');
      const place = placeOf(raw);
      const insert = name === undefined ? sourced("%", place) : this.#resolve(name, raw, asked, depth);
      value = splice(value, index, index + text.length, insert);
    }
    return value;
  }

  #resolve(name: string, raw: Sourced, asked: Asked, depth: number): Sourced {
    if (name === "__name__") return sourced(asked.section, placeOf(raw));
    const final = this.#known.get(asked.section)?.get(name.toLowerCase());
    if (final !== undefined) return final;
    const value = this.#rawValue(asked, name.toLowerCase()) ?? this.#rawElsewhere(asked.section, name);
    if (value === undefined) throw mistake(raw, asked, `nothing defines %(${name})s`);
    return this.#interpolate(value, asked, depth + 1);
  }

  #rawValue({ section, given }: Asked, key: string): Sourced | undefined {
    return given?.get(key) ?? this.#sections.get(section)?.get(key) ?? this.defaults.get(key);
  }

  /** `section/key`; `default/key` and `known/key` are looked up in their own ways, and fall back to `[DEFAULT]` too. */
  #rawElsewhere(section: string, name: string): Sourced | undefined {
    const [, other = "", written = ""] = /^([\w-]+)\/([^)]+)$/.exec(name) ?? [];
    const key = written.toLowerCase();
    const kind = other.toLowerCase();
    if (kind === "default") return this.defaults.get(key);
    if (kind === "known") return this.#previous.get(section)?.get(key) ?? this.defaults.get(key);
    const found = this.#sections.get(other);
    return found && (found.get(key) ?? this.defaults.get(key));
  }
}

/** The value that was asked for: what its references are resolved against. */
interface Asked {
  readonly section: string;
  readonly key: string;
  /** Options that win over the section. */
  readonly given: ReadonlyMap<string, Sourced> | undefined;
}

function mistake(raw: Sourced, { section, key }: Asked, what: string): RuleError {
  return new RuleError("ERR_RULE_VALUE", placeOf(raw), `[${section}] ${key}: ${what}`);
}

function getOrAdd(sections: Map<string, Section>, name: string): Section {
  const section = sections.get(name) ?? new Map();
  sections.set(name, section);
  return section;
}
