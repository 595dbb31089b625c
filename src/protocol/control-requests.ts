import { readJail, readSubject, type Subject } from "./command.ts";
import { CommandError, type JsonFields, readObject } from "./json-fields.ts";

/**
 * The text between f2b-client and a running f2b-stream: newline-delimited JSON over a Unix socket. A request is one line; its
 * answer is any number of lines, the last of which has the key `ok`. Requests may be sent without waiting, and are answered in
 * order.
 */
const PROTOCOL_VERSION = 1;

/** The socket of f2b-client without `--socket`. */
export const DEFAULT_SOCKET = "/run/f2b-stream/control";

/** The longest request, in bytes, its newline not counted. */
export const MAX_REQUEST_BYTES = 65536;

/** What a client can request. */
export type Request =
  | { readonly do: "ping" | "banned" | "reload" }
  | { readonly do: "status"; readonly jail: string | undefined }
  | {
      readonly do: "ban";
      readonly jail: string;
      readonly subject: Subject;
      /** Milliseconds; null: for ever; undefined: as the jail has it. */
      readonly bantime: number | null | undefined;
    }
  | { readonly do: "unban"; readonly subject: Subject | "all" }
  | { readonly do: "explain"; readonly subject: Subject };

/** A request that is refused or fails. The message may quote the request: print it with `printable`. */
export class ControlError extends Error {
  readonly code: ControlErrorCode;
  /** Of `ERR_CONTROL_RULES`. */
  readonly mistakes: readonly Mistake[];

  constructor(code: ControlErrorCode, message: string, mistakes: readonly Mistake[] = []) {
    super(message);
    this.name = "ControlError";
    this.code = code;
    this.mistakes = mistakes;
  }
}

export const CONTROL_ERROR_CODES = [
  /** The line is not a request, or lacks a field. */
  "ERR_CONTROL_REQUEST",
  /** The client speaks another version. */
  "ERR_CONTROL_VERSION",
  /** There is no such jail. */
  "ERR_CONTROL_JAIL",
  /** The address must not be banned. */
  "ERR_CONTROL_REFUSED",
  /** The rules have mistakes; the previous ones stay in force. */
  "ERR_CONTROL_RULES",
  /** Too many connections, or too many commands wait for the reader of stdout. */
  "ERR_CONTROL_BUSY",
  /** A bug of f2b-stream, reported on its stderr. */
  "ERR_CONTROL_INTERNAL",
] as const;

export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number];

/** A mistake in rules. */
export interface Mistake {
  readonly code: string;
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The line that ends an answer. */
export type End =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: ControlErrorCode;
      readonly message: string;
      readonly mistakes?: readonly Mistake[];
    };

/** The last line of an answer that refuses. */
export function endOf({ code, message, mistakes }: ControlError): End {
  return { ok: false, code, message, ...(mistakes.length > 0 && { mistakes }) };
}

/** Longest ban with an end that may be requested, in seconds; longer than there are years in a date. */
const MAX_BANTIME = 1e12;

/** The request as one line with its newline. */
export function encodeRequest(request: Request): string {
  return `${JSON.stringify({ v: PROTOCOL_VERSION, ...fieldsOf(request) })}\n`;
}

/** All keys that a request may have; `bantime` in seconds, -1 for ever. */
function fieldsOf(request: Request): object {
  switch (request.do) {
    case "ban": {
      const { subject, bantime, ...rest } = request;
      return { ...rest, ...subject, bantime: bantime === null ? -1 : bantime && bantime / 1000 };
    }
    case "unban":
      return { do: request.do, ...(request.subject === "all" ? { all: true } : request.subject) };
    case "explain":
      return { do: request.do, ...request.subject };
    default:
      return request;
  }
}

/**
 * Reads a request.
 *
 * @throws ControlError when the line is not a request; its message quotes only names from the line, shortened
 */
export function decodeRequest(line: string): Request {
  try {
    const fields = readObject(line);
    checkVersion(fields);
    const request = readRequest(fields);
    const allowed = new Set(["v", ...Object.keys(fieldsOf(request))]);
    const unknown = Object.keys(fields).find((key) => !allowed.has(key));
    if (unknown !== undefined) throw new CommandError(`unknown key ${JSON.stringify(unknown.slice(0, 40))}`);
    return request;
  } catch (error) {
    if (error instanceof CommandError) throw new ControlError("ERR_CONTROL_REQUEST", error.message);
    throw error;
  }
}

function checkVersion({ v }: JsonFields): void {
  if (v === undefined || v === PROTOCOL_VERSION) return;
  const message = `v: this f2b-stream speaks version ${PROTOCOL_VERSION} of the protocol alone`;
  throw new ControlError("ERR_CONTROL_VERSION", message);
}

function readRequest(fields: JsonFields): Request {
  switch (fields.do) {
    case "ping":
    case "banned":
    case "reload":
      return { do: fields.do };
    case "status":
      return { do: "status", jail: fields.jail === undefined ? undefined : readJail(fields.jail, "jail") };
    case "ban": {
      const jail = readJail(fields.jail, "jail");
      return { do: "ban", jail, subject: readSubject(fields), bantime: readBantime(fields.bantime) };
    }
    case "unban":
      return { do: "unban", subject: fields.all === true ? "all" : readSubject(fields) };
    case "explain":
      return { do: "explain", subject: readSubject(fields) };
    default:
      throw new CommandError("do: expected ping, status, banned, ban, unban, explain or reload");
  }
}

function readBantime(value: unknown): number | null | undefined {
  if (value === undefined) return undefined;
  if (value === -1) return null;
  if (typeof value === "number" && value >= 0.001 && value <= MAX_BANTIME) return Math.round(value * 1000);
  throw new CommandError(`bantime: expected seconds up to ${MAX_BANTIME}, or -1 for ever`);
}
