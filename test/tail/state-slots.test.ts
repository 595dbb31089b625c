import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSlot, nextOffset, readSlots } from "../../src/tail/state-slots.ts";

/** A state's file in memory. */
class Slots {
  bytes = Buffer.alloc(0);
  #last: number | undefined;
  #length = 0;
  #count = 0;

  /** Writes only the first bytes of a slot, if `most` says so, and forgets that it tried, as a process does that is killed. */
  write(json: string, most = Number.POSITIVE_INFINITY): void {
    const slot = formatSlot(this.#count + 1, json);
    const offset = nextOffset(this.#last, this.#length, slot.length);
    const written = slot.subarray(0, most);
    const size = Math.max(this.bytes.length, offset + written.length);
    this.bytes = Buffer.concat([this.bytes], size);
    written.copy(this.bytes, offset);
    if (written.length < slot.length) this.#read();
    else {
      this.#last = offset;
      this.#length = slot.length;
      this.#count++;
    }
  }

  #read(): void {
    const slot = readSlots(this.bytes);
    this.#last = slot?.offset;
    this.#length = slot ? formatSlot(slot.count, slot.json).length : 0;
    this.#count = slot?.count ?? 0;
  }
}

test("a state's slots hold the last one that was written whole, wherever a write is cut", () => {
  const write = fc.record({
    length: fc.oneof(
      fc.integer({ max: 100, min: 0 }),
      fc.integer({ min: 3_900, max: 4_200 }),
      fc.integer({ min: 0, max: 40_000 }),
    ),
    cut: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), (writes) => {
      const slots = new Slots();
      let last: string | undefined;
      for (const [index, { length, cut }] of writes.entries()) {
        const json = `${index}:${String.fromCharCode(97 + (index % 26)).repeat(length)}`;
        const isWhole = cut === undefined || cut >= formatSlot(1, json).length + 10;
        slots.write(json, isWhole ? undefined : Math.min(cut, json.length));
        if (isWhole) last = json;
        assert.equal(readSlots(slots.bytes)?.json, last);
      }
    }),
  );
});

test("readSlots takes no slot that was changed", () => {
  const slot = formatSlot(1, '{"token":"a"}');
  for (let at = 0; at < slot.length; at++) {
    const changed = Buffer.from(slot);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(readSlots(changed), undefined);
  }
});
