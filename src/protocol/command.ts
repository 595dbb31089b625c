import { formatNetwork, parseNetwork, unmap } from "../shared/address.ts";
import { toJson } from "../shared/invisible.ts";
import {
  CommandError,
  type JsonFields,
  readCount,
  readFlag,
  readLine,
  readList,
  readObject,
  readString,
  readTime,
} from "./json-fields.ts";

/**
 * The text between f2b-stream and f2b-exec: newline-delimited JSON, one command a line, each complete in itself.
 *
 * What a reader may rely on: within a run each ban is followed by at most one unban of the same jail and address, an
 * unban never comes without its ban, and a command that is repeated does no harm.
 */
export type Command = Ban | Unban | Sync;

/** A ban as f2b-stream decides it. Its jail says whether it is enforced. */
export type Ban = EnforcedBan | WouldBan;

export type Unban = EnforcedUnban | WouldUnban;

/** What f2b-exec applies. */
export type EnforcedDecision = EnforcedBan | EnforcedUnban;

/** A ban that f2b-exec applies. */
export interface EnforcedBan extends BanFields {
  readonly cmd: "ban";
}

/** A ban of a jail in shadow mode: f2b-exec leaves it alone. */
interface WouldBan extends BanFields {
  readonly cmd: "would-ban";
}

/** The end of an enforced ban. */
export interface EnforcedUnban extends UnbanFields {
  readonly cmd: "unban";
}

/** The end of a ban that was not enforced. */
interface WouldUnban extends UnbanFields {
  readonly cmd: "would-unban";
}

/** What is banned: an address or network in canonical text, or another failure id. */
export type Subject = { readonly ip: string } | { readonly id: string };

/** A subject in its jail. Exactly one of ip and id. */
export interface Target {
  readonly jail: string;
  readonly ip?: string;
  readonly id?: string;
}

/** Times are epoch milliseconds here and ISO 8601 UTC in the text. */
interface BanFields extends Target {
  /** When the failure came that completed the ban. */
  readonly time: number;
  /** When the ban ends; null: never. */
  readonly until: number | null;
  /** Numbers, or ranges `"10000:10100"`. Absent: as the jail has them already; for a new jail all ports. */
  readonly port?: readonly (number | string)[];
  readonly protocol?: readonly string[];
  readonly failures?: number;
  /** Which ban of this address in this jail it is, from 1. */
  readonly bancount?: number;
  /** The log that the last of these lines came from, as f2b-tail names it. */
  readonly source?: string;
  /** Log lines that show why; written by whoever wrote the log. */
  readonly matches?: readonly string[];
  /** Taken from the state after a restart. */
  readonly restored?: true;
  /** Written before and unchanged. */
  readonly repeat?: true;
  /** Requested by hand, whatever was counted. */
  readonly manual?: true;
}

interface UnbanFields extends Target {
  readonly time: number;
  readonly reason?: UnbanReason;
}

/** `evicted`: the ban made room for another, since there were too many. */
const UNBAN_REASONS = ["expired", "manual", "reload", "ignored", "evicted"] as const;

export type UnbanReason = (typeof UNBAN_REASONS)[number];

/** `begin` names the jails that the writer serves; their bans in force follow, and `end` closes the list. */
export interface Sync {
  readonly cmd: "sync";
  readonly time: number;
  readonly phase: "begin" | "end";
  readonly jails?: readonly string[];
}

/** The longest line, in bytes, its newline included. */
export const MAX_COMMAND_BYTES = 65536;

/** Widest networks that may be banned, as prefix lengths: a /15 is a mistake or an attack on us. */
export const WIDEST_BAN = { 4: 16, 6: 32 } as const;

/** What a jail's name may be: it becomes part of chain and set names. */
export const JAIL_NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The same for messages. */
export const JAIL_NAME_FORM = "1 to 64 of A-Z a-z 0-9 . _ -";

/** Whether a command is a ban, enforced or not. */
export function isBan(command: Command): command is Ban {
  return command.cmd === "ban" || command.cmd === "would-ban";
}

/** The jail and subject of a command, without the rest of it. */
export function targetOf({ jail, ip, id }: Target): Target {
  return ip === undefined ? { jail, id: id ?? "" } : { jail, ip };
}

/** One text for each target, as a key of maps and sets; nothing reads it back. Jails and addresses hold no blanks. */
export function targetKey({ jail, ip, id }: Target): string {
  return ip === undefined ? `${jail} id ${id}` : `${jail} ${ip}`;
}

/**
 * The command as one line with its newline, at most MAX_COMMAND_BYTES long: evidence is left out, oldest line first, until it
 * fits. Characters that a terminal acts on or does not show are escaped.
 */
export function encode(command: Command): string {
  const line = `${toJson(withIsoTimes(command))}\n`;
  if (line.length * 3 <= MAX_COMMAND_BYTES) return line;
  const excess = Buffer.byteLength(line) - MAX_COMMAND_BYTES;
  if (excess <= 0 || !isBan(command) || !command.matches?.length) return line;
  return encode({ ...command, matches: withoutOldest(command.matches, excess) });
}

/** The newest lines: the oldest that take up `excess` bytes are left out. */
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
 * Reads one line. Absent fields get their defaults: jail `manual`, time `now` (epoch milliseconds), no end. Unknown fields are
 * ignored.
 *
 * @throws CommandError when the line is not a command; its message quotes only names from it
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

/** The command with its times as text, its keys in their order. */
function withIsoTimes(command: Command): object {
  const time = new Date(command.time).toISOString();
  if (!isBan(command) || command.until === null) return { ...command, time };
  return { ...command, time, until: new Date(command.until).toISOString() };
}

function decodeBan(fields: JsonFields, cmd: Ban["cmd"], now: number): Ban {
  const port = readList(fields, "port", readPort);
  const protocol = readList(fields, "protocol", readProtocol);
  const matches = readList(fields, "matches", readLine);
  const failures = readCount(fields, "failures");
  const bancount = readCount(fields, "bancount");
  const source = fields.source === undefined ? undefined : readString(fields.source, "source");
  return {
    cmd,
    ...readTarget(fields),
    time: readTime(fields, "time") ?? now,
    until: fields.until === null ? null : (readTime(fields, "until") ?? null),
    ...(port && { port }),
    ...(protocol && { protocol }),
    ...(failures !== undefined && { failures }),
    ...(bancount !== undefined && { bancount }),
    ...(source !== undefined && { source }),
    ...(matches && { matches }),
    ...(readFlag(fields, "restored") && { restored: true }),
    ...(readFlag(fields, "repeat") && { repeat: true }),
    ...(readFlag(fields, "manual") && { manual: true }),
  };
}

function decodeUnban(fields: JsonFields, cmd: Unban["cmd"], now: number): Unban {
  const reason = fields.reason;
  return {
    cmd,
    ...readTarget(fields),
    time: readTime(fields, "time") ?? now,
    ...(isReason(reason) && { reason }),
  };
}

function decodeSync(fields: JsonFields, now: number): Sync {
  const phase = fields.phase;
  if (phase !== "begin" && phase !== "end") throw new CommandError('phase: expected "begin" or "end"');
  const jails = readList(fields, "jails", readJail);
  if (phase === "begin" && jails === undefined) throw new CommandError("jails: missing");
  return { cmd: "sync", time: readTime(fields, "time") ?? now, phase, ...(jails && { jails }) };
}

function readTarget(fields: JsonFields): Target {
  const jail = fields.jail === undefined ? "manual" : readJail(fields.jail, "jail");
  return { jail, ...readSubject(fields) };
}

/**
 * The `ip`, in canonical text, or the `id` of a JSON object.
 *
 * @throws CommandError
 */
export function readSubject({ ip, id }: JsonFields): Subject {
  if ((ip === undefined) === (id === undefined)) throw new CommandError("expected exactly one of ip and id");
  return id === undefined ? { ip: readIp(readString(ip, "ip")) } : { id: readString(id, "id") };
}

function readIp(text: string): string {
  const written = parseNetwork(text);
  const shown = JSON.stringify(text.slice(0, 60));
  if (written === undefined) throw new CommandError(`ip: expected an address or a network, got ${shown}`);
  const network = unmap(written);
  if (network.prefix === 0) throw new CommandError(`ip: ${shown} holds all addresses`);
  return formatNetwork(network);
}

/** @throws CommandError when it is not a jail's name; its message begins with `key` */
export function readJail(value: unknown, key: string): string {
  if (typeof value !== "string" || !JAIL_NAME.test(value)) {
    throw new CommandError(`${key}: expected ${JAIL_NAME_FORM}`);
  }
  return value;
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

function isReason(value: unknown): value is UnbanReason {
  return UNBAN_REASONS.some((reason) => reason === value);
}
