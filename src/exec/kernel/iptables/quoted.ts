/**
 * The output of tools holds untrusted text: comments of rules, sets and elements. They are in double quotes, and may hold line
 * feeds followed by what looks like another rule.
 */

/** Most line feeds in a comment that the kernel keeps. */
const MAX_FEEDS = 256;

const QUOTED = { plain: /"[^"]*"/g, escaped: /"(?:[^"\\]|\\.)*"/gs } as const;

/**
 * Splits a text into lines, but not at line feeds in quotes. `escaped`: a backslash escapes the next character (iptables);
 * `plain`: quoted text holds no quotes (ipset).
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

/** The text with all quoted texts emptied, except for the ends of bans that we write. */
export function withoutForeign(text: string): string {
  return text.replace(QUOTED.plain, (quoted) => (OURS.test(quoted) ? quoted : '""'));
}

const OURS = /^"until:[0-9TZ:+.-]+"$/;

function isOpen(line: string, quoted: RegExp): boolean {
  return line.includes('"') && line.replace(quoted, "").includes('"');
}
