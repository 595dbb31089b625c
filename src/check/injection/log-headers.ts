import type { Jail } from "../../rules/rule.ts";
import { isField, isId, type Template, type TemplatePart } from "../hostile/template.ts";

/** One time, as services write it. */
const STAMPS = [
  "Nov 21 19:40:02",
  "2026-11-21 19:40:02",
  "2026-11-21T19:40:02+00:00",
  "2026/11/21 19:40:02",
  "21/Nov/2026:19:40:02 +0000",
  "Sat Nov 21 19:40:02 2026",
  "2026-11-21 19:40:02,123",
  "21-11-2026 19:40:02",
  "1795290002.123",
];

/** The header of a line of syslog. */
export function header(identifier: string): string {
  return `${STAMPS[0]} host ${identifier}[4711]: `;
}

/**
 * Lines as they could stand in the log, for the part that a jail's patterns see: after a syslog header for a jail that sees messages; else
 * with a date where one may have been cut out. The likeliest first, the last one without a date.
 */
export function framesOf(seen: Template, { identifier }: Jail): readonly Template[] {
  if (identifier?.[0] !== undefined) return [{ ...seen, parts: [header(identifier[0]), ...seen.parts] }];
  return [...STAMPS.flatMap((stamp) => dated(seen, stamp)), seen];
}

function dated({ parts, fields }: Template, stamp: string): readonly Template[] {
  const replaced = (at: number, part: string) => parts.map((each, i) => (i === at ? part : each));
  const inBrackets = parts.flatMap((part, at): TemplatePart[][] => {
    if (typeof part === "string") {
      const empty = EMPTY.exec(part);
      return empty
        ? [
            replaced(
              at,
              part.replace(EMPTY, () => empty[0][0] + stamp + empty[0][1]),
            ),
          ]
        : [];
    }
    return isField(part) && isBracketed(parts, at) ? [replaced(at, stamp)] : [];
  });
  const inFields = parts.flatMap((part, at) =>
    isField(part) && at < Math.min(4, parts.length - 1) ? [replaced(at, `- - [${stamp}] `)] : [],
  );
  const inFront = [behind(stamp, parts), behind(`${stamp} `, parts)];
  const isOneLine = !parts.some((part) => typeof part === "string" && part.includes("\n"));
  const inside = isOneLine ? [...inBrackets, ...inFields] : [];
  const all = beginsWithId(parts) ? [...inside, ...inFront] : [...inFront, ...inside];
  return all.map((each) => ({ parts: each, fields }));
}

/** Each line after a stamp. */
function behind(stamp: string, parts: readonly TemplatePart[]): readonly TemplatePart[] {
  const stamped = (part: TemplatePart) =>
    typeof part === "string" ? part.replaceAll("\n", `\n${stamp}`) : part;
  return [stamp, ...parts.map(stamped)];
}

/** True where at most a host name stands before the id, as in access logs of web servers, whose date comes later. */
function beginsWithId(parts: readonly TemplatePart[]): boolean {
  const before = parts.slice(0, parts.findIndex(isId));
  return parts.some(isId) && before.every((part) => typeof part === "string" && !/\w{3}/.test(part));
}

/** Where a date was cut out of brackets: `[]`, `audit(:`. */
const EMPTY = /\[\]|\(:/;

function isBracketed(parts: readonly TemplatePart[], at: number): boolean {
  const [before, after] = [parts[at - 1], parts[at + 1]];
  return (
    typeof before === "string" && before.endsWith("[") && typeof after === "string" && after.startsWith("]")
  );
}
