import { pick, type Random, upTo } from "../random-pattern.ts";

/** Changes bytes in one place; `other` gives another input to take from. */
export type Damage = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer;

/** What is repeated gets no longer than this, in bytes. */
const LONGEST = 20_000;

/** Puts `by` in the place of `count` bytes, anywhere. */
export function spliced(bytes: Buffer, random: Random, count: number, by: Buffer): Buffer {
  const at = upTo(random, bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + count)]);
}

/** A piece again and again: what makes patterns backtrack, and parsers recurse. */
export function repeated(bytes: Buffer, random: Random): Buffer {
  const at = upTo(random, bytes.length + 1);
  const piece = bytes.subarray(at, at + 1 + upTo(random, 10));
  const times = upTo(random, pick(random, [3, 3, 3, 3, 30, 30, 300, 3000]));
  if (piece.length * times > LONGEST) return bytes;
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.alloc(piece.length * times, piece),
    bytes.subarray(at),
  ]);
}

/** What knows nothing of what the bytes mean. */
export const BYTE_DAMAGES: readonly Damage[] = [
  (bytes, random) => spliced(bytes, random, 0, Buffer.of(upTo(random, 256))),
  (bytes, random) => spliced(bytes, random, 1, Buffer.of(upTo(random, 256))),
  (bytes, random) => spliced(bytes, random, upTo(random, 20), Buffer.alloc(0)),
  (bytes, random) => flipped(bytes, random),
  (bytes, random, other) =>
    Buffer.concat([bytes.subarray(0, upTo(random, bytes.length + 1)), tail(other(), random)]),
  (bytes, random) => repeated(bytes, random),
];

function flipped(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = upTo(random, bytes.length);
  if (bytes.length > 0) copy[at] = (copy[at] as number) ^ (1 << upTo(random, 8));
  return copy;
}

function tail(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(upTo(random, bytes.length + 1));
}

/** Damages to lines: `change` is given one of them, others come twice, go, or change places. */
export function lineDamages(change: Damage): readonly Damage[] {
  const edit =
    (how: (lines: Buffer[], at: number, random: Random, other: () => Buffer) => void): Damage =>
    (bytes, random, other) => {
      const lines = splitLines(bytes);
      how(lines, upTo(random, lines.length), random, other);
      return joinLines(lines);
    };
  const changed = edit((lines, at, random, other) => {
    lines[at] = change(lines[at] as Buffer, random, () => pick(random, splitLines(other())));
  });
  return [
    ...[changed, changed, changed, changed],
    edit((lines, at) => lines.splice(at, 1)),
    edit((lines, at, random) => lines.splice(upTo(random, lines.length + 1), 0, lines[at] as Buffer)),
    edit((lines, at, random, other) => {
      const more = splitLines(other());
      const from = upTo(random, more.length);
      lines.splice(at, upTo(random, 2), ...more.slice(from, from + 1 + upTo(random, 10)));
    }),
    edit((lines, at, random) => {
      const to = upTo(random, lines.length);
      [lines[at], lines[to]] = [lines[to] as Buffer, lines[at] as Buffer];
    }),
    edit((lines, at, random) => lines.splice(at, 1 + upTo(random, 30))),
  ];
}

/** Lines without their newlines; one at least. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return start < bytes.length || lines.length === 0 ? [...lines, bytes.subarray(start)] : lines;
}

export function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
}

const NEWLINE = Buffer.from("\n");

/** The bytes in pieces, cut anywhere. */
export function cutAnywhere(bytes: Buffer, random: Random): readonly Buffer[] {
  const ends = Array.from({ length: upTo(random, 6) }, () => upTo(random, bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

/** Several damages, one on top of the other: mostly one or two. */
export function damagedBy(
  damages: readonly Damage[],
  input: Buffer,
  random: Random,
  other: () => Buffer,
): Buffer {
  let bytes = input;
  do bytes = pick(random, damages)(bytes, random, other);
  while (random() < 0.6);
  return bytes;
}
