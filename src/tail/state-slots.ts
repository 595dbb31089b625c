import { createHash } from "node:crypto";

/** What each slot of a state begins with. */
export const MAGIC = "f2b-tail-state 1 ";
/** The smallest slot, in bytes; larger ones are twice as large as the next smaller one. */
const SMALLEST = 4096;
/** The largest state, in bytes. */
export const LARGEST = 64 * 1024 * 1024;
const HEADER = /^f2b-tail-state 1 (\d{1,15}) (\d{1,9}) ([0-9a-f]{32})\n/;
const LONGEST_HEADER = 80;

/** A slot that is whole. */
export interface Slot {
  readonly offset: number;
  /** How often the state has been written. */
  readonly count: number;
  readonly json: string;
}

/**
 * A state's file has two slots, the first at its beginning, the second at a power of two, and each write goes into the older one: a
 * write that was cut leaves the other. This formats one.
 */
export function formatSlot(count: number, json: string): Buffer {
  const body = Buffer.from(json);
  return Buffer.concat([Buffer.from(`${MAGIC}${count} ${body.length} ${checksum(count, body)}\n`), body]);
}

/** The latest whole slot; undefined: there is none. */
export function readSlots(bytes: Buffer): Slot | undefined {
  const slots: Slot[] = [];
  for (let offset = 0; offset < bytes.length; offset = Math.max(2 * offset, SMALLEST)) {
    const slot = readSlot(bytes, offset);
    if (slot) slots.push(slot);
  }
  return slots.sort((a, b) => b.count - a.count)[0];
}

/** Where the next slot goes: never over the last one. `size`: of the file, whose second slot may be farther than it need be. */
export function nextOffset(last: number | undefined, lastLength: number, length: number): number {
  if (last === undefined) return 0;
  if (last > 0 && length <= last) return 0;
  let offset = SMALLEST;
  while (offset < length || offset < last + lastLength) offset *= 2;
  return offset;
}

function readSlot(bytes: Buffer, offset: number): Slot | undefined {
  const header = HEADER.exec(bytes.toString("latin1", offset, offset + LONGEST_HEADER));
  if (!header) return undefined;
  const [whole, count, length, hash] = header;
  const start = offset + whole.length;
  const body = bytes.subarray(start, start + Number(length));
  if (body.length !== Number(length) || checksum(Number(count), body) !== hash) return undefined;
  return { offset, count: Number(count), json: body.toString("utf8") };
}

function checksum(count: number, body: Buffer): string {
  return createHash("sha256").update(`${count} `).update(body).digest("hex").slice(0, 32);
}
