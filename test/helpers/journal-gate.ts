import { decodeText } from "../../src/shared/text.ts";
import type { GatePlan, LineBytes } from "../../src/stream/gate/candidates.ts";
import { Gate } from "../../src/stream/gate/gate.ts";
import { MARK } from "../../src/stream/gate/journal-scan.ts";
import type { Entry } from "../../src/stream/input/entry.ts";
import { JournalEntry, readJournal, text as textOf } from "../../src/stream/input/journal.ts";

const ASKED_FIELDS = ["_UID", "_COMM", "MESSAGE", "SYSLOG_IDENTIFIER", "X", "constructor"];
const ASKED_VALUES = ["", "1", "a", '"', "\\", "}", "é😀"];

/** Lets every line pass, and has these fields asked for. */
export const OPEN: GatePlan = {
  isJournal: true,
  fields: ["_UID", "_COMM", "MESSAGE"],
  filters: 1,
  needles: [],
  further: [],
  always: [0],
  follow: new Map(),
  foreign: [],
};

/** Lets a line pass that holds one of some texts, or is left to JSON.parse, and, if `foreign`, one beyond ASCII. */
export function seeking(texts: readonly string[], foreign = false): GatePlan {
  const opens = [{ filter: 0, patterns: 1 }];
  const needles = [MARK, ...new Set(texts)].map((text) => ({ text, ignorecase: false, opens }));
  return { ...OPEN, always: [], needles, foreign: foreign ? opens : [] };
}

export interface ToldEntry {
  /** What a jail sees; undefined: nothing. */
  readonly says: ReturnType<typeof saidBy>;
  readonly offset: number;
  readonly offsetEnd: number;
  /** Whether the gate cut it out of its JSON. */
  readonly isCut: boolean;
}

export function saidBy(entry: Entry | undefined) {
  if (entry === undefined) return undefined;
  const { line, text, time, identifier, message, isCut, fields, process } = entry;
  return { line, text, time, identifier, process, message, isCut, fields, answers: answersOf(entry) };
}

/** What a journalmatch is told of fields, those that the gate was not asked for included. */
function answersOf(entry: Entry) {
  const has = (field: string, values: ReadonlySet<string>) => {
    if (entry.has) return entry.has(field, values);
    const value = textOf(entry.fields?.[field]);
    return value !== undefined && values.has(value);
  };
  const said = ASKED_FIELDS.map((field) => [field, textOf(entry.fields?.[field])] as const);
  return [
    ...said.map(([field, value]) => has(field, new Set([value ?? "?"]))),
    ...ASKED_FIELDS.flatMap((field) =>
      [...ASKED_VALUES, ...said.map(([, value]) => value ?? "?")].map((value) =>
        has(field, new Set([value, "0"])),
      ),
    ),
  ];
}

/** The entries of a journal as they come through the gate. */
export function entriesThroughGate(
  chunks: readonly Buffer[],
  maxLine: number,
  plan = OPEN,
): readonly ToldEntry[] {
  const lines: ToldEntry[] = [];
  const gate = new Gate({ maxLine, onOverflow: () => undefined });
  const take = (line: LineBytes) => {
    const { entry, offset, offsetEnd } = line;
    const read = entry ? new JournalEntry(line, entry, line.ascii ?? false) : readJournal(decodeText(line));
    lines.push({ says: saidBy(read), offset, offsetEnd, isCut: entry !== undefined });
  };
  gate.arm(plan);
  for (const chunk of chunks) gate.push(chunk, take);
  gate.end(take);
  return lines;
}

/** The same by the obvious way: each line read by JSON.parse. */
export function entriesByJson(bytes: Buffer, maxLine: number): readonly Omit<ToldEntry, "isCut">[] {
  const lines: Omit<ToldEntry, "isCut">[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const says = saidBy(readJournal(decodeText({ bytes, start, end })));
    if (end - start <= maxLine) lines.push({ says, offset: start, offsetEnd: end });
    start = end + 1;
  }
  return lines;
}
