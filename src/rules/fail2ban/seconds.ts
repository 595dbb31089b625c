const DAY = 86_400;
/** Longest text, in characters. */
const MAX_LENGTH = 1000;
const YEAR = (365 * 3 + 366) * (DAY / 4);

/** fail2ban's abbreviations (jail.conf(5), TIME ABBREVIATION FORMAT). */
const UNITS: readonly (readonly [pattern: RegExp, seconds: number])[] = [
  [/^(?:seconds?|sec?|ss?)$/, 1],
  [/^(?:minutes?|min?|mm?)$/, 60],
  [/^(?:hours?|hou?|hh?)$/, 3600],
  [/^(?:days?|da|dd?)$/, DAY],
  [/^(?:weeks?|wee?|ww?)$/, 7 * DAY],
  [/^(?:months?|mon?)$/, YEAR / 12],
  [/^(?:years?|yea?|yy?)$/, YEAR],
];

/**
 * Seconds from fail2ban's duration text: `600`, `10m`, `1d 12h`, `1year-6mo`, `3600*24`, `-1`. fail2ban evaluates it in Python
 * (MyTime.str2seconds), where `#` begins a comment; this parser reads numbers, units, `+ - * /` and parentheses, and runs nothing. Parts side by side are added.
 * Undefined for anything else.
 */
export function parseSeconds(text: string): number | undefined {
  const tokens =
    text.length > MAX_LENGTH ? undefined : tokenize(text.replace(/#.*/, "").trim().toLowerCase());
  if (tokens === undefined) return undefined;
  const value = new SecondsReader(tokens).whole();
  return Number.isFinite(value) ? value : undefined;
}

type Token = number | string;

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  let end = 0;
  for (const { 0: all, 1: number, 2: word, 3: sign, index } of text.matchAll(
    /\s*(?:(\d+(?:\.\d*)?|\.\d+)|([a-z]+)|([-+*/()]))/g,
  )) {
    if (index !== end) return undefined;
    end = index + all.length;
    if (word !== undefined) {
      const unit = UNITS.find(([pattern]) => pattern.test(word))?.[1];
      if (unit === undefined) return undefined;
      tokens.push("*", unit);
    } else tokens.push(number === undefined ? (sign as string) : Number(number));
  }
  return end === text.length && text !== "" ? tokens : undefined;
}

/** Recursive descent; NaN for a mistake. */
class SecondsReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): number {
    const value = this.#sum();
    return this.#at === this.#tokens.length ? value : Number.NaN;
  }

  #sum(): number {
    let value = this.#product();
    for (
      let next = this.#peek();
      next === "+" || next === "-" || typeof next === "number";
      next = this.#peek()
    ) {
      if (typeof next !== "number") this.#at++;
      value += next === "-" ? -this.#product() : this.#product();
    }
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let next = this.#peek(); next === "*" || next === "/"; next = this.#peek()) {
      this.#at++;
      const right = this.#factor();
      value = next === "*" ? value * right : value / right;
    }
    return value;
  }

  #factor(): number {
    const token = this.#tokens[this.#at++];
    if (typeof token === "number") return token;
    if (token === "-") return -this.#factor();
    if (token === "+") return this.#factor();
    if (token !== "(") return Number.NaN;
    const value = this.#sum();
    return this.#tokens[this.#at++] === ")" ? value : Number.NaN;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }
}
