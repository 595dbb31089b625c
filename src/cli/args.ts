import minimist from "minimist";

/** What a program's command line may hold. Names come without dashes. */
export interface ArgsSpec {
  readonly flags: readonly string[];
  /** Flags that are on unless `--no-NAME` says otherwise. */
  readonly negatable?: readonly string[];
  /** Options with a value. */
  readonly strings: readonly string[];
  /** Options with a value that may be repeated. */
  readonly lists?: readonly string[];
  /** Options that may be repeated and have a value only after `=`: without one it is empty. */
  readonly optional?: readonly string[];
  /** Short name to long name. */
  readonly alias?: Readonly<Record<string, string>>;
}

/** What was typed, not yet what it means. */
export interface Typed {
  has(flag: string): boolean;
  /** The value of an option, undefined when it was not given. */
  value(name: string): string | undefined;
  /** All values of an option that may be repeated. */
  values(name: string): readonly string[];
  readonly operands: readonly string[];
}

/** A command line that the program does not accept. The message says what is wrong with it. */
export class UsageError extends Error {
  readonly code = "ERR_USAGE";

  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/**
 * Reads `argv` (without node and script).
 *
 * @throws UsageError for an unknown option, a missing or unexpected value, or an option that is given twice and may not be
 */
export function readArgs(argv: readonly string[], spec: ArgsSpec): Typed {
  const lists = spec.lists ?? [];
  const optional = spec.optional ?? [];
  const negatable = spec.negatable ?? [];
  const flags = [...spec.flags, ...negatable, "help", "version"];
  const typed = minimist(spellOut(argv, spec, flags), {
    boolean: flags,
    string: ["_", ...spec.strings, ...lists, ...optional],
    default: Object.fromEntries(negatable.map((name) => [name, true])),
  });
  const given = (name: string): string[] => [typed[name] ?? []].flat() as string[];
  for (const name of [...spec.strings, ...lists]) {
    const values = given(name);
    if (values.includes("")) throw new UsageError(`option --${name} needs a value`);
    if (values.length > 1 && !lists.includes(name)) throw new UsageError(`option --${name} was given twice`);
  }
  return {
    has: (flag) => typed[flag] === true,
    value: (name) => given(name)[0],
    values: given,
    operands: typed._,
  };
}

/**
 * The words with each option in the one form that minimist reads without surprises, `--name=value`. Otherwise it reads
 * `-r/etc/x` as `etc/x`, accepts values of flags and `--no-` before any name, and takes `--constructor` for a known option.
 */
function spellOut(argv: readonly string[], spec: ArgsSpec, flags: readonly string[]): string[] {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const short = new Map(Object.entries({ ...spec.alias, h: "help" }));
  const takesValue = (name: string) => spec.strings.includes(name) || spec.lists?.includes(name) === true;
  const words = argv.slice(0, end);
  const options: string[] = [];
  const operands: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (!isOption(word)) {
      operands.push(word);
      continue;
    }
    const spelt = word.startsWith("--") ? longOption(word) : shortOptions(word);
    const lacksValue = takesValue(spelt.at(-1)?.slice("--".length) ?? "");
    if (lacksValue && words[0] !== undefined && !isOption(words[0])) {
      spelt.push(`${spelt.pop()}=${words.shift()}`);
    }
    options.push(...spelt);
  }
  return [...options, "--", ...operands, ...argv.slice(end + 1)];

  function longOption(word: string): string[] {
    const [, name = "", value] = /^--([^=]*)(=.*)?$/s.exec(word) ?? [];
    if (takesValue(name)) return [word];
    if (spec.optional?.includes(name)) return [`--${name}${value ?? "="}`];
    const isOff = name.startsWith("no-") && spec.negatable?.includes(name.slice(3)) === true;
    if (!isOff && !flags.includes(name)) throw unknownOption(word);
    if (value !== undefined) throw new UsageError(`option --${name} takes no value`);
    return [isOff ? `--${name.slice(3)}=false` : `--${name}=true`];
  }

  /** `-q`, `-qv`, `-r VALUE`, `-rVALUE`, `-r=VALUE`. */
  function shortOptions(word: string): string[] {
    const options: string[] = [];
    for (const [index, letter] of [...word].entries()) {
      if (index === 0) continue;
      const name = short.get(letter) ?? "";
      if (takesValue(name)) {
        const value = word.slice(index + 1);
        return [...options, value === "" ? `--${name}` : `--${name}=${value.replace(/^=/, "")}`];
      }
      if (!flags.includes(name)) throw unknownOption(word);
      options.push(`--${name}=true`);
    }
    return options;
  }
}

/** `-` is an operand, and so is a negative number. */
function isOption(word: string): boolean {
  return word.startsWith("-") && !/^-\d*$/.test(word);
}

function unknownOption(word: string): UsageError {
  return new UsageError(`unknown option ${JSON.stringify(word.replace(/=.*/s, "="))}`);
}

/**
 * The value of an option that takes a whole number; undefined when it was not given.
 *
 * @throws UsageError when it is not a whole number between `min` and `max`
 */
export function wholeNumber(
  typed: Typed,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const text = typed.value(name);
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(
    `option --${name}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`,
  );
}

/**
 * Reads the value of an option such as `--now`: `@seconds` or ISO 8601, in the local zone unless it has its own. Returns epoch milliseconds.
 *
 * @throws UsageError
 */
export function readTime(text: string, name = "now"): number {
  const [, seconds] = /^@(\d{1,11}(?:\.\d{1,3})?)$/.exec(text) ?? [];
  const time = seconds === undefined ? readIso(text) : Math.round(Number(seconds) * 1000);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `option --${name}: expected a time such as "2026-11-21T19:40:00Z" or "@1795290000", got ${JSON.stringify(text)}`,
  );
}

function readIso(text: string): number {
  const [, date, time] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?))?$/.exec(text) ?? [];
  // Date.parse reads a date without a time as UTC.
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time ?? "00:00"}`);
}
