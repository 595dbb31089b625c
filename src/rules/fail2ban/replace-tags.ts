import { RuleError } from "../rule.ts";
import { type LocatedText, placeOf, type Replacement, replaceParts } from "./located-text.ts";

/** Most replacements of one tag in one value. */
const MAX_REPLACEMENTS = 25;
/** Most text that is built for all options together, in characters: each replacement builds a value anew. */
const MAX_BUILT = 1 << 26;

/**
 * Replaces each `<name>` in the options by the option of that name, else by the value that `lookup` gives, innermost tags first, until
 * nothing changes. An unknown tag stays: the filter language has its own. Names in `ignore` are not replaced.
 *
 * @throws RuleError for an option that contains itself
 */
export function replaceTags(
  options: ReadonlyMap<string, LocatedText>,
  ignore: ReadonlySet<string>,
  lookup: (name: string) => LocatedText | undefined,
): Map<string, LocatedText> {
  const result = new Map(options);
  const room = { left: MAX_BUILT };
  const find = (tag: string): LocatedText | undefined =>
    ignore.has(tag) ? undefined : (result.get(tag) ?? lookup(tag));
  for (const name of options.keys()) {
    if (!ignore.has(name)) result.set(name, replaceIn(name, result.get(name) as LocatedText, find, room));
  }
  return result;
}

function replaceIn(
  name: string,
  value: LocatedText,
  find: (tag: string) => LocatedText | undefined,
  room: { left: number },
): LocatedText {
  const counts = new Map<string, number>();
  let result = value;
  for (let before = ""; before !== result.text; ) {
    before = result.text;
    const tags = /<([^ <>]+)>/g;
    for (let tag = tags.exec(result.text); tag !== null; tag = tags.exec(result.text)) {
      const [text, inner = ""] = tag;
      const insert = find(inner);
      if (insert === undefined) continue;
      const count = (counts.get(inner) ?? 0) + 1;
      counts.set(inner, count);
      if (inner === name || count > MAX_REPLACEMENTS) throw endless(name, inner, value);
      result = replaceAll(result, text, insert);
      room.left -= result.text.length;
      if (room.left < 0)
        throw new RuleError("ERR_RULE_VALUE", placeOf(value), `${name}: too many tags to replace`);
      tags.lastIndex = tag.index;
    }
  }
  return result;
}

function replaceAll(value: LocatedText, text: string, insert: LocatedText): LocatedText {
  const replacements: Replacement[] = [];
  for (
    let start = value.text.indexOf(text);
    start >= 0;
    start = value.text.indexOf(text, start + text.length)
  ) {
    replacements.push({ start, end: start + text.length, insert });
  }
  return replaceParts(value, replacements);
}

function endless(name: string, tag: string, value: LocatedText): RuleError {
  return new RuleError("ERR_RULE_VALUE", placeOf(value), `${name}: <${tag}> contains itself`);
}
