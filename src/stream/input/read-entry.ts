import type { Settle } from "../../shared/time.ts";
import { type ContainerLines, type ContainerPiece, readContainerLine } from "./containers.ts";
import type { Entry } from "./entry.ts";
import type { Format } from "./format.ts";
import { ambiguityOf, type HeaderShape, readHeader } from "./header-shapes.ts";
import { readJournal } from "./journal.ts";
import { processIn, type SyslogHeader } from "./syslog.ts";

/**
 * Reads one line of a known format. A line of another shape, in a journal too, is a plain one. It is never read in another format,
 * since a log daemon does not change its format from line to line, but an attacker might; nor is it dropped, since the first line,
 * which decided the format, may have been an attacker's.
 *
 * @param text the line with a newline at its end
 * @param now epoch milliseconds, for years that lines don't say
 * @param settle resolves times that stamps leave ambiguous
 * @param joiner joins the pieces of a container's long lines, if all lines are read; undefined: a piece is no line
 */
export function readEntry(
  text: string,
  format: Format,
  now: number,
  ascii?: boolean,
  settle?: Settle,
  joiner?: ContainerLines,
): Entry {
  switch (format) {
    case "journal":
      return readJournal(text) ?? { ...plainEntry(text, undefined, ascii), fields: NO_FIELDS };
    case "plain":
      return plainEntry(text, undefined, ascii);
    case "none":
      return plainEntry(text, now, ascii);
    case "json-file":
    case "cri":
      return containerEntry(text, readContainerLine(text.slice(0, -1), format), ascii, joiner);
    default:
      return new SyslogEntry(text, format, now, ascii, settle);
  }
}

/** So that no jail with a journalmatch sees a line that is not an entry. */
const NO_FIELDS: Entry["fields"] = {};

function plainEntry(text: string, time: number | undefined, ascii: boolean | undefined): Entry {
  const line = text.slice(0, -1);
  const isDateless = time !== undefined;
  return {
    line,
    text,
    time,
    identifier: undefined,
    process: undefined,
    message: text,
    isDateless,
    isCut: false,
    fields: undefined,
    ascii,
  };
}

function containerEntry(
  text: string,
  piece: ContainerPiece | undefined,
  ascii: boolean | undefined,
  joiner: ContainerLines | undefined,
): Entry {
  const entry = plainEntry(text, undefined, ascii);
  if (piece === undefined) return entry;
  const line = joiner ? joiner.add(piece) : piece.isEnd ? piece.text : undefined;
  return { ...entry, time: piece.time, contained: { text: line === undefined ? undefined : `${line}\n` } };
}

/** A line with a syslog header, which is parsed on demand: jails that see the raw line do not need it. */
class SyslogEntry implements Entry {
  readonly line: string;
  readonly text: string;
  readonly ascii: boolean | undefined;
  readonly isDateless = false;
  readonly isCut = false;
  readonly fields = undefined;
  readonly #shape: HeaderShape;
  readonly #now: number;
  readonly #settle: Settle | undefined;
  #header: SyslogHeader | undefined;

  constructor(
    text: string,
    shape: HeaderShape,
    now: number,
    ascii: boolean | undefined,
    settle: Settle | undefined,
  ) {
    this.line = text.slice(0, -1);
    this.text = text;
    this.ascii = ascii;
    this.#shape = shape;
    this.#now = now;
    this.#settle = settle;
  }

  get time(): number | undefined {
    const { time } = this.#read();
    const doubt = time === undefined || !this.#settle ? undefined : ambiguityOf(this.line, this.#shape);
    return time !== undefined && doubt && this.#settle ? this.#settle(time, doubt) : time;
  }

  get identifier(): string | undefined {
    return this.#read().identifier;
  }

  get process(): string | undefined {
    const header = this.#read();
    const { source, start } = header;
    if ("process" in header) return header.process;
    return processIn(this.text.slice(source, start), this.#shape === "rfc5424");
  }

  get message(): string {
    const { message, start } = this.#read();
    return message === undefined ? this.text.slice(start) : `${message}\n`;
  }

  #read(): SyslogHeader {
    this.#header ??= readHeader(this.line, this.#shape, this.#now) ?? {
      time: undefined,
      identifier: undefined,
      source: 0,
      start: 0,
    };
    return this.#header;
  }
}
