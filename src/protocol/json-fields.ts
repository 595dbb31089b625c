import { LAST_TIME } from "../shared/time.ts";

/** A line that is no command. `ERR_COMMAND_UNKNOWN`: a well-formed object whose `cmd` is not known here. */
export class CommandError extends SyntaxError {
  readonly code: "ERR_COMMAND_INVALID" | "ERR_COMMAND_UNKNOWN";

  constructor(message: string, code: CommandError["code"] = "ERR_COMMAND_INVALID") {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/** A JSON object whose fields are not checked yet. The readers below throw a CommandError for a value of the wrong kind. */
export type JsonFields = Readonly<Record<string, unknown>>;

/** Earliest time that ISO 8601 writes with a year of four digits. */
const FIRST_TIME = Date.parse("0000-01-01T00:00:00.000Z");

/**
 * Reads a line as a JSON object.
 *
 * @throws CommandError
 */
export function readObject(line: string): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new CommandError("expected a JSON object on one line");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CommandError("expected a JSON object on one line");
  }
  return value as JsonFields;
}

/** A text that is not empty. */
export function readString(value: unknown, key: string): string {
  if (typeof value !== "string" || value === "") throw new CommandError(`${key}: expected a string`);
  return value;
}

/** A log line, which may be empty. */
export function readLine(value: unknown, key: string): string {
  return value === "" ? "" : readString(value, key);
}

/** ISO 8601 with a zone, as epoch milliseconds; undefined: the field is absent. */
export function readTime(fields: JsonFields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const isIso =
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(value);
  const time = isIso ? Date.parse(value) : Number.NaN;
  if (!(time >= FIRST_TIME && time <= LAST_TIME))
    throw new CommandError(`${key}: expected a time such as "2026-11-21T19:40:00.000Z"`);
  return time;
}

/** A whole number from 0; undefined: the field is absent. */
export function readCount(fields: JsonFields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommandError(`${key}: expected a whole number`);
}

/** An absent field is false. */
export function readFlag(fields: JsonFields, key: string): boolean {
  const value = fields[key];
  if (value === undefined || typeof value === "boolean") return value === true;
  throw new CommandError(`${key}: expected true or false`);
}

/** A list, each item read by `read`; undefined: the field is absent. */
export function readList<T>(
  fields: JsonFields,
  key: string,
  read: (value: unknown, key: string) => T,
): readonly T[] | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new CommandError(`${key}: expected a list`);
  return value.map((item) => read(item, key));
}
