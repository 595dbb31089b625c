import { toJson } from "../shared/invisible.ts";
import { CommandError, type JsonFields, readCount, readList, readObject, readString } from "./json-fields.ts";

/**
 * The text between f2b-tail and f2b-stream: lines of several sources in one stream, each after a header that says whose they are.
 *
 *     \x1e<token> f2b-tail 1
 *     \x1e<token> {"sources":[{"name":"/var/log/auth.log","kind":"file"}]}
 *     \x1e<token> {"source":"/var/log/auth.log","place":"8:2:1311","offset":4096}
 *     Nov 21 19:40:02 mail1 sshd[4021]: Failed password for root from 192.0.2.7 port 38926 ssh2
 *     …
 *
 * The lines after a header are its source's, as they were written, up to the next header. The token is 128 random bits that only
 * f2b-tail and its reader know, so no author of a log line can write a header. A header may follow an unfinished line: its writer was
 * killed, and writes that line again, whole, when it is started again.
 */
export type TaggedHeader = SourceList | LinesOf;

/** All sources, from now on. */
interface SourceList {
  readonly sources: readonly Source[];
}

/** Whose lines follow. */
export interface LinesOf {
  readonly source: string;
  /**
   * Which bytes they are: those from `offset` on of what `place` names, such as one generation of a file. Two headers with the same
   * source, place and offset are followed by the same bytes, so a reader knows those that it has read before. Both are absent where
   * nothing can be read twice.
   */
  readonly place?: string;
  readonly offset?: number;
}

export interface Source {
  /** A file's absolute path; `journal`, or `journal MATCH…`; `-` for stdin. */
  readonly name: string;
  readonly kind: SourceKind;
}

/** `journal`: each line is an entry of `journalctl -o json`, whatever it looks like. */
export type SourceKind = "file" | "fifo" | "stdin" | "journal";

const KINDS: readonly string[] = ["file", "fifo", "stdin", "journal"] satisfies readonly SourceKind[];

/** The version of this text. */
const VERSION = 1;
/** What begins each header: the record separator of ASCII. */
export const RECORD_SEPARATOR = 0x1e;
/** Length of a token, in hexadecimal digits. */
export const TOKEN_LENGTH = 32;
/** No header is longer, in bytes. */
export const LONGEST_HEADER = 1_048_576;
/** Longest name of a source, in characters. */
const LONGEST_NAME = 4096;

const GREETING = /^.([0-9a-f]{32}) f2b-tail ([1-9]\d{0,3})\n/;

/** Length of the greeting of version 1, in bytes. */
export const GREETING_LENGTH = formatGreeting("0".repeat(TOKEN_LENGTH)).length;

/** The first line of a tagged stream, with its newline. */
export function formatGreeting(token: string): string {
  return `\x1e${token} f2b-tail ${VERSION}\n`;
}

/** A header, with its newline. */
export function formatTaggedHeader(token: string, header: TaggedHeader): string {
  return `\x1e${token} ${toJson(header)}\n`;
}

/**
 * The token of a stream that begins with these bytes; undefined: it is no tagged stream.
 *
 * @throws CommandError for a version that is not known here
 */
export function readGreeting(text: string): string | undefined {
  if (text.charCodeAt(0) !== RECORD_SEPARATOR) return undefined;
  const [, token, version] = GREETING.exec(text) ?? [];
  if (version !== undefined && Number(version) !== VERSION)
    throw new CommandError(`a stream of f2b-tail in version ${version}: expected version ${VERSION}`);
  return token;
}

/**
 * Reads a header's JSON, what follows `\x1e<token> `.
 *
 * @throws CommandError
 */
export function readTaggedHeader(json: string): TaggedHeader {
  const fields = readObject(json);
  const sources = readList(fields, "sources", readSource);
  if (sources !== undefined) return { sources };
  const source = readName(fields.source, "source");
  const place = fields.place === undefined ? undefined : readName(fields.place, "place");
  const offset = readCount(fields, "offset");
  return { source, ...(place !== undefined && offset !== undefined && { place, offset }) };
}

function readSource(value: unknown, key: string): Source {
  const fields: JsonFields = typeof value === "object" && value !== null ? { ...value } : {};
  const kind = readString(fields.kind, `${key}: kind`);
  if (!KINDS.includes(kind)) throw new CommandError(`${key}: unknown kind ${JSON.stringify(kind)}`);
  return { name: readName(fields.name, `${key}: name`), kind: kind as SourceKind };
}

function readName(value: unknown, key: string): string {
  const name = readString(value, key);
  if (name.length > LONGEST_NAME) throw new CommandError(`${key}: longer than ${LONGEST_NAME} characters`);
  return name;
}
