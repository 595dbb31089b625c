/**
 * A value as one line of JSON that is safe for a terminal: what JSON.stringify leaves raw (C1 controls, DEL, bidirectional
 * overrides, line separators) is escaped.
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `${[...Array(char.length).keys()].map((at) => escaped(char.charCodeAt(at))).join("")}`,
  );
}

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
