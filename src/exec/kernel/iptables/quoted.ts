/**
 * What tools print of the kernel holds texts that others chose: the comment of a rule, a set or an element. They stand in
 * double quotes, and may have line feeds in them that begin what looks like another rule.
 */

/** Longest comment that a kernel keeps, in line feeds. */
const MAX_FEEDS = 256;

const QUOTED = { plain: /"[^"]*"/g, escaped: /"(?:[^"\\]|\\.)*"/gs } as const;

/**
 * The lines of a text, of which a line feed in quotes ends none. `escaped`: a backslash takes what is special from the next
 * character (iptables); `plain`: quoted text has no quotes (ipset).
 */
export function linesOf(text: string, quoting: keyof typeof QUOTED): readonly string[] {
  const pieces = text.split("\n");
  if (!text.includes('"')) return pieces;
  const lines: string[] = [];
  for (let at = 0; at < pieces.length; at++) {
    let line = pieces[at] ?? "";
    const last = Math.min(at + MAX_FEEDS, pieces.length - 1);
    while (at < last && isOpen(line, QUOTED[quoting])) line += `\n${pieces[++at]}`;
    lines.push(line);
  }
  return lines;
}

/** The text with nothing in its quotes but what we write there: when a ban ends. */
export function withoutForeign(text: string): string {
  return text.replace(QUOTED.plain, (quoted) => (OURS.test(quoted) ? quoted : '""'));
}

const OURS = /^"until:[0-9TZ:+.-]+"$/;

function isOpen(line: string, quoted: RegExp): boolean {
  return line.includes('"') && line.replace(quoted, "").includes('"');
}
