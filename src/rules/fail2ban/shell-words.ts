/** A text split as Python's shlex does. */
export interface ShellWords {
  readonly words: readonly string[];
  /** What only a shell could do: an operator, an expansion, a quote without its end. Undefined: the words are all. */
  readonly needsShell: string | undefined;
}

/**
 * Splits at blanks, with `'…'`, `"…"` and `\` as a POSIX shell has them. A tag such as `<ip>` counts as plain text.
 * Nothing is run or expanded.
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

/** Words after which a shell does more than run a program. */
const KEYWORDS = new Set(["if", "for", "while", "until", "case", "{", "!", "cd", "exec", "set", "export"]);

/** Why an argv is not enough to run a command; undefined when it is. */
export function shellNeed(split: ShellWords): string | undefined {
  const [first = ""] = split.words;
  if (split.needsShell !== undefined) return split.needsShell;
  // Not even a shell can give a program that.
  if (split.words.some((word) => word.includes("\0"))) return "\0";
  return KEYWORDS.has(first) || /^\w+=/.test(first) ? first : undefined;
}

function shellConstruct(double: string | undefined, plain: string | undefined): string | undefined {
  if (double !== undefined) return /(?<!\\)[$`]/.exec(double)?.[0];
  return plain === undefined ? undefined : /[|&;<>()$`*?[\]{}~#!'"\\]/.exec(plain)?.[0];
}
