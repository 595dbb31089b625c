import type { Acceptance, FieldKind, PatternPlace } from "./field-kinds.ts";

/** A field of a line. */
export interface Field {
  readonly kind: FieldKind;
  /** Undefined: after the pattern. */
  readonly fieldPlace: PatternPlace | undefined;
  /** A harmless text. */
  readonly text: string;
}

/** A part of a line: text of the service; a field, by its index; or the id. A field may occur several times. */
export type TemplatePart = string | { readonly field: number } | { readonly id: string };

/** A line that a pattern matches, in parts; several lines for a multi-line pattern. */
export interface Template {
  readonly parts: readonly TemplatePart[];
  readonly fields: readonly Field[];
}

/** The text of a template. `texts` replace the texts of some fields, by their index. */
export function textOf({ parts, fields }: Template, texts: ReadonlyMap<number, string> = UNTOUCHED): string {
  return parts.map((part) => textOfPart(part, fields, texts)).join("");
}

/** The text of some of its parts, with another id. */
export function forged(parts: readonly TemplatePart[], { fields }: Template, id: string): string {
  return parts.map((part) => (isId(part) ? id : textOfPart(part, fields, UNTOUCHED))).join("");
}

const UNTOUCHED: ReadonlyMap<number, string> = new Map();

function textOfPart(
  part: TemplatePart,
  fields: readonly Field[],
  texts: ReadonlyMap<number, string>,
): string {
  if (typeof part === "string") return part;
  if (isId(part)) return part.id;
  return texts.get(part.field) ?? fields[part.field]?.text ?? "";
}

export function isId(part: TemplatePart): part is { readonly id: string } {
  return typeof part === "object" && "id" in part;
}

export function isField(part: TemplatePart | undefined): part is { readonly field: number } {
  return typeof part === "object" && "field" in part;
}

/** The parts of one template, for use in another one that already has `count` fields. */
export function shifted(parts: readonly TemplatePart[], count: number): TemplatePart[] {
  return parts.map((part) => (isField(part) ? { field: part.field + count } : part));
}

/** The parts, with neighbouring texts joined. */
export function joined(parts: readonly TemplatePart[]): TemplatePart[] {
  const result: TemplatePart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (typeof part === "string" && typeof last === "string") result[result.length - 1] = last + part;
    else if (part !== "") result.push(part);
  }
  return result;
}

/**
 * A text as it can stand in a field: with a blank where it would merge with the id or with a word of the service.
 *
 * @returns undefined if the service never writes it
 */
export function fitted(
  { parts, fields }: Template,
  index: number,
  text: string,
): { readonly text: string; readonly takes: Acceptance } | undefined {
  const at = parts.findIndex((part) => isField(part) && part.field === index);
  const left = growsTogether(parts[at - 1], "last", text) ? " " : "";
  const right = growsTogether(parts[at + 1], "first", text) ? " " : "";
  const put = `${left}${text}${right}`;
  const takes = takenBy(fields[index]?.kind, put);
  return takes === "no" ? undefined : { text: put, takes };
}

/** A class that only excludes the line feed, as `.` does, does not prove that a journal entry has none there. */
function takenBy(kind: FieldKind | undefined, text: string): Acceptance {
  const takes = kind?.takes(text) ?? "no";
  if (takes !== "no" || !text.includes("\n")) return takes;
  return kind?.takes(text.replaceAll("\n", " ")) === "yes" ? "perhaps" : "no";
}

/** Whether the end of a part and a text next to it would read as one word, or as one address. */
function growsTogether(part: TemplatePart | undefined, end: "first" | "last", text: string): boolean {
  if (part === undefined || isField(part) || text === "") return false;
  const touching = end === "last" ? text.slice(0, 1) : text.slice(-1);
  if (isId(part)) return /[\w.:-]/.test(touching);
  const touched = end === "last" ? part.slice(-1) : part.slice(0, 1);
  return IN_WORD.test(touching) && IN_WORD.test(touched);
}

const IN_WORD = /[\p{L}\p{N}_]/u;
