import { formatNetwork, parseNetwork, unmap } from "../shared/address.ts";
import { toJson } from "../shared/invisible.ts";
import { LAST_TIME } from "../shared/time.ts";

/**
 * The text between f2b-stream and f2b-exec: newline-delimited JSON, one command a line, each complete in itself.
 *
 * What a reader may rely on: within a run each ban is followed by at most one unban of the same jail and address, an
 * unban never comes without its ban, and a command said twice does no harm.
 */
export type Command = Ban | Unban | Sync;

/** Whom a ban is about: an address or network in canonical text, or another failure id. */
export type Subject = { readonly ip: string } | { readonly id: string };

/** A subject in its jail. Exactly one of ip and id. */
interface Target {
  readonly jail: string;
  readonly ip?: string;
  readonly id?: string;
}

/** Times are epoch milliseconds here and ISO 8601 UTC in the text. */
export interface Ban extends Target {
  readonly cmd: "ban" | "would-ban";
  /** When the failure came that completed the ban. */
  readonly time: number;
  /** When it ends; null: never. */
  readonly until: number | null;
  /** Numbers, or ranges `"10000:10100"`. Absent: as the jail has them already; for a new jail all ports. */
  readonly port?: readonly (number | string)[];
  readonly protocol?: readonly string[];
  readonly failures?: number;
  /** Which ban of this address in this jail it is, from 1. */
  readonly bancount?: number;
  /** Log lines that show why; written by whoever wrote the log. */
  readonly matches?: readonly string[];
  /** Known from before a restart. */
  readonly restored?: true;
  /** Said before and unchanged. */
  readonly repeat?: true;
  /** Asked for by hand, whatever was counted. */
  readonly manual?: true;
}

export interface Unban extends Target {
  readonly cmd: "unban" | "would-unban";
  readonly time: number;
  readonly reason?: UnbanReason;
}

/** `evicted`: it made room for another, since there were too many bans. */
const UNBAN_REASONS = ["expired", "manual", "reload", "ignored", "evicted"] as const;

export type UnbanReason = (typeof UNBAN_REASONS)[number];

/** `begin` names the jails that the writer answers for; the bans in force follow; `end` closes them. */
export interface Sync {
  readonly cmd: "sync";
  readonly time: number;
  readonly phase: "begin" | "end";
  readonly jails?: readonly string[];
}

/** A line that is no command. `ERR_COMMAND_UNKNOWN`: a well-formed object whose `cmd` is none of ours. */
export class CommandError extends SyntaxError {
  readonly code: "ERR_COMMAND_INVALID" | "ERR_COMMAND_UNKNOWN";

  constructor(message: string, code: CommandError["code"] = "ERR_COMMAND_INVALID") {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/** The longest line, in bytes, its newline included. */
export const MAX_COMMAND_BYTES = 65536;

/** Widest networks that may be banned, as prefix lengths: a /15 is a mistake or an attack on us. */
export const WIDEST_BAN = { 4: 16, 6: 32 } as const;

/** What a jail's name may be: it becomes part of chain and set names. */
export const JAIL_NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The same for messages. */
export const JAIL_NAME_FORM = "1 to 64 of A-Z a-z 0-9 . _ -";

/**
 * The command as one line with its newline, at most MAX_COMMAND_BYTES: evidence goes, oldest first, until it fits. What is not
 * seen on a terminal, or acts on it, is escaped.
 */
export function encode(command: Command): string {
  const line = `${toJson(withIsoTimes(command))}\n`;
  if (line.length * 3 <= MAX_COMMAND_BYTES) return line;
  const excess = Buffer.byteLength(line) - MAX_COMMAND_BYTES;
  if (excess <= 0 || !("matches" in command) || command.matches.length === 0) return line;
  return encode({ ...command, matches: withoutOldest(command.matches, excess) });
}

/** The newest lines, when so many as take up `excess` bytes are left out. */
function withoutOldest(matches: readonly string[], excess: number): readonly string[] {
  let freed = 0;
  const first = matches.findIndex((line) => {
    if (freed >= excess) return true;
    freed += Buffer.byteLength(toJson([line])) - "[]".length + ",".length;
    return false;
  });
  return first < 0 ? [] : matches.slice(first);
}

/**
 * Reads one line. Absent fields take their defaults: jail `manual`, time `now` (epoch milliseconds), no end. Unknown
 * fields are ignored.
 *
 * @throws CommandError when the line is no command; its message quotes nothing of the line but names
 */
export function decode(line: string, now: number): Command {
  const fields = readObject(line);
  switch (fields.cmd) {
    case "ban":
    case "would-ban":
      return decodeBan(fields, fields.cmd, now);
    case "unban":
    case "would-unban":
      return decodeUnban(fields, fields.cmd, now);
    case "sync":
      return decodeSync(fields, now);
    case undefined:
      throw new CommandError("cmd: missing");
    default:
      if (typeof fields.cmd !== "string") throw new CommandError("cmd: expected a string");
      throw new CommandError(
        `cmd: unknown command ${JSON.stringify(fields.cmd.slice(0, 40))}`,
        "ERR_COMMAND_UNKNOWN",
      );
  }
}

/** A JSON object whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** The command with its times as text, its keys in their order. */
function withIsoTimes(command: Command): object {
  const time = new Date(command.time).toISOString();
  if (!("until" in command) || command.until === null) return { ...command, time };
  return { ...command, time, until: new Date(command.until).toISOString() };
}

/**
 * A line as a JSON object.
 *
 * @throws CommandError
 */
export function readObject(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new CommandError("expected a JSON object on one line");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CommandError("expected a JSON object on one line");
  }
  return value as Fields;
}

function decodeBan(fields: Fields, cmd: Ban["cmd"], now: number): Ban {
  const port = list(fields, "port", readPort);
  const protocol = list(fields, "protocol", readProtocol);
  const matches = list(fields, "matches", readLine);
  const failures = count(fields, "failures");
  const bancount = count(fields, "bancount");
  return {
    cmd,
    ...target(fields),
    time: readTime(fields, "time") ?? now,
    until: fields.until === null ? null : (readTime(fields, "until") ?? null),
    ...(port && { port }),
    ...(protocol && { protocol }),
    ...(failures !== undefined && { failures }),
    ...(bancount !== undefined && { bancount }),
    ...(matches && { matches }),
    ...(flag(fields, "restored") && { restored: true }),
    ...(flag(fields, "repeat") && { repeat: true }),
    ...(flag(fields, "manual") && { manual: true }),
  };
}

function decodeUnban(fields: Fields, cmd: Unban["cmd"], now: number): Unban {
  const reason = fields.reason;
  return {
    cmd,
    ...target(fields),
    time: readTime(fields, "time") ?? now,
    ...(isReason(reason) && { reason }),
  };
}

function decodeSync(fields: Fields, now: number): Sync {
  const phase = fields.phase;
  if (phase !== "begin" && phase !== "end") throw new CommandError('phase: expected "begin" or "end"');
  const jails = list(fields, "jails", readJail);
  if (phase === "begin" && jails === undefined) throw new CommandError("jails: missing");
  return { cmd: "sync", time: readTime(fields, "time") ?? now, phase, ...(jails && { jails }) };
}

function target(fields: Fields): Target {
  const jail = fields.jail === undefined ? "manual" : readJail(fields.jail, "jail");
  return { jail, ...readSubject(fields) };
}

/**
 * The `ip`, in canonical text, or the `id` of a JSON object.
 *
 * @throws CommandError
 */
export function readSubject({ ip, id }: Fields): Subject {
  if ((ip === undefined) === (id === undefined)) throw new CommandError("expected exactly one of ip and id");
  return id === undefined ? { ip: readIp(readString(ip, "ip")) } : { id: readString(id, "id") };
}

function readIp(text: string): string {
  const written = parseNetwork(text);
  const shown = JSON.stringify(text.slice(0, 60));
  if (written === undefined) throw new CommandError(`ip: expected an address or a network, got ${shown}`);
  const network = unmap(written);
  if (network.prefix === 0) throw new CommandError(`ip: ${shown} is everybody`);
  return formatNetwork(network);
}

/** @throws CommandError for what can be no jail's name; its message begins with `key` */
export function readJail(value: unknown, key: string): string {
  if (typeof value !== "string" || !JAIL_NAME.test(value)) {
    throw new CommandError(`${key}: expected ${JAIL_NAME_FORM}`);
  }
  return value;
}

function readString(value: unknown, key: string): string {
  if (typeof value !== "string" || value === "") throw new CommandError(`${key}: expected a string`);
  return value;
}

/** A log line: it may be empty. */
function readLine(value: unknown, key: string): string {
  return value === "" ? "" : readString(value, key);
}

function readPort(value: unknown): number | string {
  if (isPortNumber(value)) return value;
  const range = typeof value === "string" ? /^(\d{1,5}):(\d{1,5})$/.exec(value) : null;
  if (
    range &&
    isPortNumber(Number(range[1])) &&
    isPortNumber(Number(range[2])) &&
    Number(range[1]) <= Number(range[2])
  ) {
    return `${Number(range[1])}:${Number(range[2])}`;
  }
  throw new CommandError('port: expected numbers from 0 to 65535 or ranges such as "10000:10100"');
}

function isPortNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
}

function readProtocol(value: unknown): string {
  if (typeof value === "string" && /^[a-z][a-z0-9-]{0,15}$/.test(value)) return value;
  throw new CommandError('protocol: expected names such as "tcp"');
}

/** The earliest time that can be written again: years have four digits, in UTC too. */
const FIRST_TIME = Date.parse("0000-01-01T00:00:00.000Z");

/** ISO 8601 with a zone. */
function readTime(fields: Fields, key: string): number | undefined {
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

function count(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommandError(`${key}: expected a whole number`);
}

function flag(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (value === undefined || typeof value === "boolean") return value === true;
  throw new CommandError(`${key}: expected true or false`);
}

function list<T>(
  fields: Fields,
  key: string,
  read: (value: unknown, key: string) => T,
): readonly T[] | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new CommandError(`${key}: expected a list`);
  return value.map((item) => read(item, key));
}

function isReason(value: unknown): value is UnbanReason {
  return UNBAN_REASONS.some((reason) => reason === value);
}
