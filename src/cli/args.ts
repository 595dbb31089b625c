import minimist from "minimist";

/** What a program's command line may hold. Names are without dashes. */
export interface ArgsSpec {
  readonly flags: readonly string[];
  /** Flags that are on unless `--no-NAME` says otherwise. */
  readonly negatable?: readonly string[];
  /** Options with a value. */
  readonly strings: readonly string[];
  /** Options with a value that may be given several times. */
  readonly lists?: readonly string[];
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

/** A command line that the program does not understand. Its message says what and why. */
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
 * @throws UsageError for an unknown option, an option without its value, or one given twice that stands alone
 */
export function readArgs(argv: readonly string[], spec: ArgsSpec): Typed {
  const lists = spec.lists ?? [];
  const negatable = spec.negatable ?? [];
  const flags = [...spec.flags, ...negatable, "help", "version"];
  const typed = minimist([...argv], {
    boolean: flags,
    string: ["_", ...spec.strings, ...lists],
    default: Object.fromEntries(negatable.map((name) => [name, true])),
    alias: { ...spec.alias, h: "help" },
    unknown: (word) => {
      if (word === "-" || !word.startsWith("-")) return true;
      throw new UsageError(`unknown option ${JSON.stringify(word.replace(/=.*/s, "="))}`);
    },
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
 * A whole number from the command line.
 *
 * @throws UsageError when it is none, or not between `min` and `max`
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
 * The time that an option `--now` gives, in epoch milliseconds: `@seconds`, or ISO 8601; without a zone it is the local one's.
 *
 * @throws UsageError
 */
export function readTime(text: string): number {
  const [, seconds] = /^@(\d{1,11}(?:\.\d{1,3})?)$/.exec(text) ?? [];
  const time = seconds === undefined ? readIso(text) : Math.round(Number(seconds) * 1000);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `option --now: expected a time such as "2026-11-21T19:40:00Z" or "@1795290000", got ${JSON.stringify(text)}`,
  );
}

function readIso(text: string): number {
  return /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)
    ? Date.parse(text.replace(" ", "T"))
    : Number.NaN;
}
