import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, type Network, widen } from "../../../src/shared/address.ts";
import { NetworkSet } from "../../../src/stream/jail/networks.ts";

/** Networks near one another at both ends of a family. */
const ipv4 = fc.record({
  value: fc.constantFrom(0, 2 ** 32 - 64),
  near: fc.nat(63),
  prefix: fc.integer({ min: 24, max: 32 }),
});
const ipv6 = fc.record({ near: fc.nat(63), prefix: fc.integer({ min: 0, max: 128 }), isHigh: fc.boolean() });
const network: fc.Arbitrary<Network> = fc.oneof(
  ipv4.map(({ value, near, prefix }) =>
    widen({ family: 4, value: BigInt(value + near), prefix: 32 }, prefix),
  ),
  ipv6.map(({ near, prefix, isHigh }) => {
    const value = BigInt(near) + (isHigh ? 2n ** 128n - 64n : 0n);
    return widen({ family: 6, value, prefix: 128 }, prefix);
  }),
);

test("NetworkSet touches what one of its networks contains or lies in", () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 8 }), network, (networks, asked) => {
      const set = new NetworkSet(networks);
      const isTouched = networks.some((each) => contains(each, asked) || contains(asked, each));
      assert.equal(set.touches(asked), isTouched);
      if (asked.family === 4 && asked.prefix === 32)
        assert.equal(set.holdsIPv4(Number(asked.value)), isTouched);
    }),
    { numRuns: 3000 },
  );
});
