import { type Place, RuleError } from "../rule.ts";
import type { LocatedText } from "./located-text.ts";

/** Keys, in lower case, with their values as written. */
export type Section = Map<string, LocatedText>;

/** One configuration file, not interpolated. */
export interface IniFile {
  readonly defaults: Section;
  readonly sections: ReadonlyMap<string, Section>;
}

/**
 * Reads the syntax of Python's ConfigParser with fail2ban's settings: `=` or `:` after a key, values that continue on lines
 * indented deeper than their key, blank lines and whole-line comments (`#`, `;`) among them, inline comments after a
 * blank and `;`.
 *
 * @throws RuleError for a line that is neither a section nor a key, and for a section or key that occurs twice
 */
export function parseIni(source: string, file: string): IniFile {
  const reader = new IniReader(file);
  for (const line of source.split(/\r\n|[\r\n]/)) reader.add(line);
  return reader.end();
}

interface OpenValue {
  readonly key: string;
  readonly lines: { readonly text: string; readonly place: Place }[];
}

class IniReader {
  readonly #file: string;
  readonly #defaults: Section = new Map();
  readonly #sections = new Map<string, Section>();
  /** `section\nkey` of each key so far: one that occurs twice is refused. */
  readonly #seen = new Set<string>();
  #line = 0;
  /** Indentation of the last key or section. */
  #indent = 0;
  #name: string | undefined;
  #section: Section | undefined;
  #value: OpenValue | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  add(line: string): void {
    this.#line++;
    const comment = commentStart(line);
    const text = line.slice(0, comment).trim();
    const column = line.search(/\S/) + 1;
    const place = { file: this.#file, line: this.#line, column: Math.max(column, 1) };
    if (text === "") {
      if (comment === undefined) this.#value?.lines.push({ text, place });
    } else if (this.#value !== undefined && column - 1 > this.#indent) {
      this.#value.lines.push({ text, place });
    } else {
      this.#indent = column - 1;
      this.#begin(text, place);
    }
  }

  end(): IniFile {
    this.#close();
    return { defaults: this.#defaults, sections: this.#sections };
  }

  #begin(text: string, place: Place): void {
    this.#close();
    const header = /^\[(.+)\]/s.exec(text)?.[1];
    if (header !== undefined) this.#open(header, place);
    else this.#key(text, place);
  }

  #open(name: string, place: Place): void {
    this.#name = name;
    if (name === "DEFAULT") {
      this.#section = this.#defaults;
      return;
    }
    if (this.#sections.has(name)) throw syntax(place, `section [${name}] is given twice`);
    this.#section = new Map();
    this.#sections.set(name, this.#section);
  }

  #key(text: string, place: Place): void {
    if (this.#section === undefined) throw syntax(place, "expected a [section] before the first key");
    const sign = text.search(/[=:]/);
    const name = text.slice(0, Math.max(sign, 0)).trimEnd();
    const value = text.slice(sign + 1).trimStart();
    if (name === "")
      throw syntax(place, `expected "key = value" or "[section]", got ${JSON.stringify(text)}`);
    const key = name.toLowerCase();
    const mark = `${this.#name}\n${key}`;
    if (this.#seen.has(mark)) throw syntax(place, `${key} is given twice in section [${this.#name}]`);
    this.#seen.add(mark);
    const column = place.column + text.length - value.length;
    this.#value = { key, lines: [{ text: value, place: value === "" ? place : { ...place, column } }] };
  }

  /** Stores the current value, without the blank lines at its end. */
  #close(): void {
    const value = this.#value;
    if (value === undefined) return;
    this.#value = undefined;
    while (value.lines.length > 1 && value.lines.at(-1)?.text === "") value.lines.pop();
    this.#section?.set(value.key, {
      text: value.lines.map(({ text }) => text).join("\n"),
      places: value.lines.map(({ place }) => place),
    });
  }
}

/** Where a comment begins: the first `;` after a blank, or the whole line. */
function commentStart(line: string): number | undefined {
  if (/^\s*[#;]/.test(line)) return 0;
  const inline = line.search(/\s;/);
  return inline < 0 ? undefined : inline + 1;
}

function syntax(place: Place, message: string): RuleError {
  return new RuleError("ERR_RULE_SYNTAX", place, message);
}
