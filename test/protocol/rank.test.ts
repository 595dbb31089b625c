import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RANK, type Rank, RankedHeap, rankOf, yieldingTo } from "../../src/protocol/rank.ts";

const ban = { cmd: "ban", until: 1 } as const;
const RANKS = [
  { name: "a first ban", of: ban, rank: "once" },
  { name: "a first ban that says so", of: { ...ban, bancount: 1 }, rank: "once" },
  { name: "a second ban", of: { ...ban, bancount: 2 }, rank: "again" },
  { name: "an address that goes on", of: { ...ban, repeat: true }, rank: "again" },
  { name: "a ban without an end", of: { ...ban, until: null, bancount: 3 }, rank: "forEver" },
  { name: "a ban by hand", of: { ...ban, until: null, manual: true }, rank: "manual" },
  {
    name: "a ban by hand of a jail that watches",
    of: { ...ban, cmd: "would-ban", manual: true },
    rank: "watched",
  },
] as const;

for (const { name, of, rank } of RANKS)
  test(`rankOf ${name} is ${rank}`, () => assert.equal(rankOf(of), RANK[rank]));

const YIELDING = [
  ["watched", "watched"],
  ["once", "again"],
  ["again", "again"],
  ["forEver", "forEver"],
  ["manual", "forEver"],
] as const;
for (const [rank, highest] of YIELDING)
  test(`yieldingTo: up to ${highest} for ${rank}`, () => assert.equal(yieldingTo(RANK[rank]), RANK[highest]));

test("RankedHeap agrees with sorted lists, whatever is taken out in between", () => {
  const rank = fc.constantFrom<Rank>(0, 1, 2, 3, 4);
  const at = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.POSITIVE_INFINITY));
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ verb: fc.constant("add" as const), at, rank }) },
    fc.record({ verb: fc.constant("due" as const), at: fc.integer({ min: 0, max: 9 }), rank }),
    fc.record({ verb: fc.constant("lowest" as const), at, rank }),
    fc.record({ verb: fc.constant("compact" as const), at, rank }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new RankedHeap<number>();
      let list: { at: number; rank: Rank; item: number }[] = [];
      const take = (wanted: (typeof list)[number] | undefined) => {
        list = list.filter((each) => each !== wanted);
        return wanted?.item;
      };
      for (const [item, { verb, at, rank }] of steps.entries()) {
        if (verb === "add") {
          heap.add(at, item, rank);
          list.push({ at, rank, item });
        } else if (verb === "due") {
          const [first] = list.toSorted((a, b) => (a.at === b.at ? a.item - b.item : a.at - b.at));
          assert.equal(heap.takeDue(at), first && first.at <= at ? take(first) : undefined);
        } else if (verb === "lowest") {
          list = list.filter(
            (each) => each.rank > rank || each.item % 3 !== 0 || !isBefore(list, each, rank),
          );
          const order = list
            .filter((each) => each.rank <= rank && each.item % 3 !== 0)
            .toSorted((a, b) => a.rank - b.rank || (a.at === b.at ? a.item - b.item : a.at - b.at));
          assert.equal(
            heap.takeLowest(rank, (one) => one % 3 !== 0),
            take(order[0]),
          );
        } else {
          heap.compact((one) => one % 5 !== 0);
          list = list.filter((each) => each.item % 5 !== 0);
        }
        assert.equal(heap.size, list.length);
        const next = Math.min(...list.map((each) => each.at));
        assert.equal(heap.next, next === Number.POSITIVE_INFINITY ? undefined : next);
      }
    }),
  );
});

/** Whether an item that is not valid comes before the first that is. */
function isBefore(
  list: readonly { at: number; rank: Rank; item: number }[],
  each: { at: number; rank: Rank; item: number },
  highest: Rank,
): boolean {
  const valid = list.filter(({ rank, item }) => rank <= highest && item % 3 !== 0);
  return valid.every(
    (other) =>
      each.rank < other.rank ||
      (each.rank === other.rank && (each.at < other.at || (each.at === other.at && each.item < other.item))),
  );
}
