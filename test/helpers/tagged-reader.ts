import assert from "node:assert/strict";
import { readGreeting, readTaggedHeader } from "../../src/protocol/tagged.ts";
import { TaggedInput } from "../../src/stream/input/tagged-input.ts";

/** What a reader of a tagged stream has of one source. */
export interface ReadSource {
  readonly lines: string[];
  /** Up to where each place was read. */
  readonly places: Map<string, number>;
  /** Bytes that came again, and were left out. */
  repeated: number;
}

/** A slow, obvious reader of what f2b-tail writes, over its restarts: by source, the lines that count. */
export function readTagged(bytes: Buffer): ReadonlyMap<string, ReadSource> {
  const sources = new Map<string, ReadSource>();
  const token = readGreeting(bytes.toString("latin1", 0, 100));
  if (token === undefined) throw new Error("no greeting");
  const mark = Buffer.from(`\x1e${token} `);
  let current: ReadSource | undefined;
  let place: string | undefined;
  let offset = 0;
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.indexOf(mark, at);
    const end = next < 0 ? bytes.length : next;
    if (current && end > at) take(current, place, offset, bytes.subarray(at, end));
    if (next < 0) break;
    const start = next + mark.length;
    const newline = bytes.indexOf(10, start);
    const torn = bytes.indexOf(mark, start);
    if (newline < 0) break;
    if (torn >= 0 && torn < newline) {
      // Its writer was killed inside of a header.
      current = undefined;
      at = torn;
      continue;
    }
    const text = bytes.toString("utf8", start, newline);
    at = newline + 1;
    current = undefined;
    if (text.startsWith("f2b-tail ")) continue;
    const header = readTaggedHeader(text);
    if ("sources" in header) continue;
    current = sources.get(header.source) ?? { lines: [], places: new Map(), repeated: 0 };
    sources.set(header.source, current);
    place = header.place;
    offset = header.offset ?? 0;
  }
  return sources;
}

/** Adds whole lines; an unfinished one was cut, and comes again. */
function take(source: ReadSource, place: string | undefined, offset: number, bytes: Buffer): void {
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
  const has = place === undefined ? offset : (source.places.get(place) ?? offset);
  const known = Math.min(Math.max(has - offset, 0), whole.length);
  source.repeated += known;
  if (place !== undefined) source.places.set(place, Math.max(has, offset + whole.length));
  const lines = whole.toString("utf8", known).split("\n");
  lines.pop();
  for (const line of lines) source.lines.push(line);
}

/** What f2b-stream's own reader takes for the lines of a source. */
export function readByStream(bytes: Buffer, source: string): readonly string[] {
  let text = "";
  const input = new TaggedInput(
    {
      onTagged: () => undefined,
      onPlain: () => assert.fail("not tagged"),
      onSources: () => undefined,
      onLines: (name, lines) => {
        if (name === source) text += lines.toString("latin1");
      },
      onCut: (name) => {
        if (name === source) text = text.slice(0, text.lastIndexOf("\n") + 1);
      },
      onError: () => undefined,
    },
    true,
  );
  for (let at = 0; at < bytes.length; at += 65_536) input.push(bytes.subarray(at, at + 65_536));
  input.end();
  return text.split("\n").slice(0, -1);
}
