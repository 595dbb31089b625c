import type { Pattern, Place } from "./rule.ts";

/** A scalar as it is written in a YAML file, with its quotes. */
export interface YamlScalar {
  /** The scalar from its first character (a quote, the `|` of a block) to its last. */
  readonly text: string;
  readonly style: "plain" | "single" | "double" | "block";
  /** The place of the character at `offset` of `text`. */
  place(offset: number): Place;
}

/** Where patterns were written. Kept apart, so that a Pattern stays plain data. */
const origins = new WeakMap<Pattern, { readonly offsets: readonly number[]; readonly scalar: YamlScalar }>();

/**
 * The patterns in a scalar: one, as it is; or, when its value has line breaks, one for each line without the blanks around it, as in
 * fail2ban.
 */
export function patternsInScalar(value: string, scalar: YamlScalar): readonly Pattern[] {
  const offsets = textOffsets(scalar, value);
  const patternAt = (source: string, start: number): Pattern => {
    const pattern = { source, place: scalar.place(offsets?.[start] ?? 0) };
    if (offsets) origins.set(pattern, { offsets: offsets.slice(start, start + source.length + 1), scalar });
    return pattern;
  };
  if (!value.includes("\n")) return value === "" ? [] : [patternAt(value, 0)];
  return [...value.matchAll(/\S(?:.*\S)?/g)].map(({ 0: line, index }) => patternAt(line, index));
}

/**
 * The place of the character at `offset` of a pattern's source, counting its quotes, escapes, folded lines and indentation. For a pattern
 * that was not read from YAML, the place of the pattern.
 */
export function placeInPattern(pattern: Pattern, offset: number): Place {
  const origin = origins.get(pattern);
  const at = origin?.offsets[Math.min(offset, pattern.source.length)];
  return origin === undefined || at === undefined ? pattern.place : origin.scalar.place(at);
}

/** One or more characters of a value, and where they are written. */
interface WrittenChars {
  readonly text: string;
  readonly offset: number;
}

/** For each character of `value`, and for its end, its offset in the scalar's text; undefined when they don't agree. */
function textOffsets(scalar: YamlScalar, value: string): readonly number[] | undefined {
  const units = scalar.style === "block" ? blockUnits(scalar.text, value) : flowUnits(scalar);
  const offsets: number[] = [];
  let next = 0;
  for (const { text, offset } of units) {
    if (value.startsWith(text, next)) next += text.length;
    else if (text === "\n" && value[next] === " ") next += 1;
    else if (text === "\n") continue;
    else return undefined;
    while (offsets.length < next) offsets.push(offset);
  }
  const last = units.at(-1);
  offsets.push(last === undefined ? 0 : last.offset + 1);
  return next === value.length ? offsets : undefined;
}

/** Blanks around a line break, an escape of the style, or any one character. */
const FLOW_UNIT = {
  plain: /[ \t]*\r?\n\s*|[\s\S]/g,
  single: /[ \t]*\r?\n\s*|''|[\s\S]/g,
  double: /\\\r?\n[ \t]*|[ \t]*\r?\n\s*|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[\s\S])|[\s\S]/g,
} as const;

function flowUnits({ text, style }: YamlScalar): readonly WrittenChars[] {
  const quote = style === "plain" ? 0 : 1;
  const inside = text.slice(quote, text.length - quote);
  const units: WrittenChars[] = [];
  for (const { 0: written, index } of inside.matchAll(FLOW_UNIT[style === "block" ? "plain" : style])) {
    const offset = quote + index;
    if (/^\\\r?\n/.test(written)) continue;
    if (written === "''" && style === "single") units.push({ text: "'", offset });
    else if (written.startsWith("\\") && style === "double") units.push({ text: unescaped(written), offset });
    else if (written.includes("\n")) units.push(...lineBreaks(written, offset));
    else units.push({ text: written, offset });
  }
  return units;
}

/** A folded line break: a blank, or a newline for each empty line, at the place where the next line begins. */
function lineBreaks(written: string, offset: number): readonly WrittenChars[] {
  const breaks = written.split("\n").length - 1;
  return Array<WrittenChars>(breaks).fill({ text: "\n", offset: offset + written.length - 1 });
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ 0: "\0", a: "\x07", b: "\b", t: "\t", "\t": "\t", n: "\n", v: "\v", f: "\f", r: "\r", e: "\x1b" },
  ...{ N: "\x85", _: "\xa0", L: "\u2028", P: "\u2029" },
};

function unescaped(written: string): string {
  const hex = /^\\[xuU](.+)$/.exec(written)?.[1];
  if (hex !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff));
  const letter = written.slice(1);
  return ESCAPES[letter] ?? letter;
}

/** The lines below the header, without their indentation, by which the first line is longer than its value. */
function blockUnits(text: string, value: string): readonly WrittenChars[] {
  const header = text.indexOf("\n") + 1;
  const indent = leadingBlanks(text.slice(header)) - leadingBlanks(value);
  const units: WrittenChars[] = [];
  let offset = header;
  for (const line of text.slice(header).split("\n")) {
    for (let i = indent; i < line.length; i++) {
      if (line[i] !== "\r" || i < line.length - 1) units.push({ text: line[i] ?? "", offset: offset + i });
    }
    offset += line.length + 1;
    units.push({ text: "\n", offset: offset - 1 });
  }
  return units;
}

/** The number of blanks at the beginning of the first line that is not blank. */
function leadingBlanks(text: string): number {
  return /^(?: *\r?\n)*( *)/.exec(text)?.[1]?.length ?? 0;
}
