import { type Place, RuleError } from "../rule.ts";

/** A configuration value with the place of each of its lines, which replacements keep. */
export interface LocatedText {
  readonly text: string;
  /** One place for each line of `text`. */
  readonly places: readonly Place[];
}

/** A value whose lines were all written at one place. */
export function located(text: string, place: Place): LocatedText {
  return { text, places: text.split("\n").map(() => place) };
}

/** Where a value begins. */
export function placeOf({ places }: LocatedText): Place {
  return places[0] as Place;
}

/** The lines of a value, each with its place. */
export function linesOf({ text, places }: LocatedText): { text: string; place: Place }[] {
  return text.split("\n").map((line, i) => ({ text: line, place: places[i] as Place }));
}

/** Characters of a value, and their replacement. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly insert: LocatedText;
}

/** Longest value that replacements may build, in characters: values that contain each other would grow without end. */
const MAX_LENGTH = 1 << 18;

/**
 * Replaces parts of a value, given in order. The place of a line is that of its first character that is not blank.
 *
 * @throws RuleError when the value grows too long
 */
export function replaceParts(target: LocatedText, replacements: readonly Replacement[]): LocatedText {
  const joined = new JoinedText();
  let line = 0;
  let offset = 0;
  const copyTo = (end: number): void => {
    const text = target.text.slice(offset, end);
    joined.add(text, target.places.slice(line));
    line += lineBreaks(text);
    offset = end;
  };
  for (const { start, end, insert } of replacements) {
    copyTo(start);
    joined.add(insert.text, insert.places);
    line += lineBreaks(target.text.slice(start, end));
    offset = end;
    if (joined.text.length > MAX_LENGTH) {
      const message = `a value grows beyond ${MAX_LENGTH} characters: does it contain itself?`;
      throw new RuleError("ERR_RULE_VALUE", placeOf(target), message);
    }
  }
  copyTo(target.text.length);
  return joined;
}

class JoinedText implements LocatedText {
  text = "";
  readonly places: Place[] = [];
  /** True while the last line holds blanks only. */
  #blank = true;

  add(text: string, places: readonly Place[]): void {
    for (const [i, line] of text.split("\n").entries()) {
      const place = places[i] as Place;
      if (i > 0 || this.places.length === 0) {
        this.places.push(place);
        this.#blank = true;
      } else if (this.#blank && line !== "") this.places[this.places.length - 1] = place;
      this.#blank &&= line.trim() === "";
    }
    this.text += text;
  }
}

function lineBreaks(text: string): number {
  return text.split("\n").length - 1;
}
