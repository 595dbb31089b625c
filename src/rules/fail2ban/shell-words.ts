/** The words of a command line, split as Python's shlex does. */
export interface ShellWords {
  readonly words: readonly string[];
  /** What needs a shell: an operator, an expansion, an unclosed quote. Undefined: nothing. */
  readonly needsShell: string | undefined;
}

/**
 * Splits at blanks, with `'…'`, `"…"` and `\` as in a POSIX shell. A tag such as `<ip>` is plain text. Runs and expands nothing.
 */
export function splitShell(text: string): ShellWords {
  const words: string[] = [];
  let needsShell: string | undefined;
  let word: string | undefined;
  const token =
    /(?<blank>\s+)|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\.)*)"|\\(?<escaped>.)|(?<tag><[\w/-]+>)|(?<plain>[^\s'"\\<]+|.)/gs;
  for (const { groups = {} } of text.matchAll(token)) {
    const { blank, single, double, escaped, tag, plain } = groups;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    needsShell ??= shellConstruct(double, plain);
    word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? tag ?? plain ?? "");
  }
  if (word !== undefined) words.push(word);
  return { words, needsShell };
}

/** First words for which a shell does more than run a program. */
const KEYWORDS = new Set(["if", "for", "while", "until", "case", "{", "!", "cd", "exec", "set", "export"]);

/** Why a command needs a shell; undefined when an argv is enough. */
export function shellNeed(split: ShellWords): string | undefined {
  const [first = ""] = split.words;
  if (split.needsShell !== undefined) return split.needsShell;
  // No argument can hold it, not even with a shell.
  if (split.words.some((word) => word.includes("\0"))) return "\0";
  return KEYWORDS.has(first) || /^\w+=/.test(first) ? first : undefined;
}

function shellConstruct(double: string | undefined, plain: string | undefined): string | undefined {
  if (double !== undefined) return /(?<!\\)[$`]/.exec(double)?.[0];
  return plain === undefined ? undefined : /[|&;<>()$`*?[\]{}~#!'"\\]/.exec(plain)?.[0];
}
