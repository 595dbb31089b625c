/** Whether a path matches a shell pattern with `*`, `?` and `[…]`, none of which takes a slash; glob(7). */
export function globMatches(glob: string, path: string): boolean {
  return new RegExp(`^${translate(glob)}$`, "su").test(path);
}

function translate(glob: string): string {
  return glob.replace(/\*+|\?|\[[!^]?\]?[^\]/]*\]|[\\^$.*+?()[\]{}|/]/gu, (part) => {
    if (part.startsWith("*")) return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 1) return bracket(part);
    return `\\${part}`;
  });
}

function bracket(part: string): string {
  const [, not = "", members = ""] = /^\[([!^]?)(.*)\]$/s.exec(part) ?? [];
  const inOrder = members.replace(/(.)-(.)/gsu, (range, from, to) => (isAfter(from, to) ? "" : range));
  return `(?!/)[${not && "^"}${inOrder.replace(/[\\\]^[]/g, "\\$&")}]`;
}

/** Whether a range ends before it begins: it is empty, and a RegExp refuses it. */
function isAfter(from: string, to: string): boolean {
  return (from.codePointAt(0) ?? 0) > (to.codePointAt(0) ?? 0);
}
