import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  contains,
  formatNetwork,
  ipv4Number,
  isSingle,
  type Network,
  parseNetwork,
  unmap,
  widen,
} from "../../src/shared/address.ts";

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

const canonical: readonly (readonly [written: string, text: string])[] = [
  ["192.0.2.1", "192.0.2.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["192.0.2.77/24", "192.0.2.0/24"],
  ["192.0.2.1/32", "192.0.2.1"],
  ["192.0.2.1/0", "0.0.0.0/0"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:db8::ff:1/64", "2001:db8::/64"],
  ["2001:db8::1/128", "2001:db8::1"],
  ["::ffff:192.0.2.1", "::ffff:c000:201"],
  ["64:ff9b::192.0.2.255", "64:ff9b::c000:2ff"],
];

for (const [written, text] of canonical) {
  test(`parseNetwork reads ${written} as ${text}`, () => {
    assert.equal(formatNetwork(network(written)), text);
  });
}

const refused = [
  "",
  " 192.0.2.1",
  "192.0.2.1 ",
  "192.0.2.1\n",
  "192.0.2.01",
  "192.0.2.256",
  "192.0.2",
  "3221225985",
  "0xc0000201",
  "192.0.2.1/",
  "192.0.2.1/33",
  "192.0.2.1/024",
  "192.0.2.1/+8",
  "192.0.2.1/8/8",
  "192.0.2.1/255.255.255.0",
  "2001:db8::1/129",
  "2001:db8:::1",
  "2001:db8::1::1",
  "1:2:3:4:5:6:7:8:9",
  "fe80::1%eth0",
  "[2001:db8::1]",
  "::ffff:192.0.2.256",
  "１92.0.2.1",
  "example.org",
];

for (const text of refused) {
  test(`parseNetwork refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseNetwork(text), undefined);
  });
}

test("parseNetwork reads what formatNetwork writes", () => {
  const any = fc.oneof(
    fc.record({ family: fc.constant(4 as const), value: fc.bigInt(0n, 2n ** 32n - 1n), prefix: fc.nat(32) }),
    fc.record({
      family: fc.constant(6 as const),
      value: fc.bigInt(0n, 2n ** 128n - 1n),
      prefix: fc.nat(128),
    }),
  );
  fc.assert(
    fc.property(any, ({ family, value, prefix }) => {
      const bits = family === 4 ? 32 : 128;
      const cut = widen({ family, value, prefix: bits }, prefix);
      assert.equal(cut.prefix, prefix);
      assert.deepEqual(parseNetwork(formatNetwork(cut)), cut);
      assert.ok(contains(cut, { family, value, prefix: bits }));
    }),
  );
});

test("parseNetwork accepts any text without throwing", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abcdef.:/%[] ") }), (text) => {
      parseNetwork(text);
    }),
  );
});

test("parseNetwork accepts the addresses that Node accepts, without zone", () => {
  const group = fc.oneof(
    { weight: 6, arbitrary: fc.nat(0xffff).map((number) => number.toString(16)) },
    fc.constantFrom("", "0", "00", "12345", "g", "FFFF", "192.0.2.1", "192.0.2.256", "1.2.3"),
  );
  const ipv6 = fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(":"));
  const byte = fc.oneof(
    { weight: 6, arbitrary: fc.nat(300).map(String) },
    fc.constantFrom("", "00", "01", "x"),
  );
  const ipv4 = fc.array(byte, { minLength: 3, maxLength: 5 }).map((bytes) => bytes.join("."));
  fc.assert(
    fc.property(fc.oneof(ipv6, ipv4), (text) => {
      assert.equal(parseNetwork(text)?.family, isIPv4(text) ? 4 : isIPv6(text) ? 6 : undefined, text);
    }),
    { numRuns: 5000 },
  );
});

test("ipv4Number reads what parseNetwork reads, and returns -1 for anything else", () => {
  assert.equal(ipv4Number("192.0.2.1"), 0xc0000201);
  assert.equal(ipv4Number("255.255.255.255"), 0xffffffff);
  assert.equal(ipv4Number("0.0.0.0"), 0);
  for (const text of [...refused, "192.0.2.1/32", "2001:db8::1"]) assert.equal(ipv4Number(text), -1, text);
});

const containing: readonly (readonly [outer: string, inner: string, expected: boolean])[] = [
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.3.0", false],
  ["192.0.2.0/24", "192.0.2.0/24", true],
  ["192.0.2.0/25", "192.0.2.0/24", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["::/0", "192.0.2.1", false],
];

for (const [outer, inner, expected] of containing) {
  test(`contains: ${outer} ${expected ? "holds" : "does not hold"} ${inner}`, () => {
    assert.equal(contains(network(outer), network(inner)), expected);
  });
}

test("widen keeps a network that is already as wide", () => {
  assert.equal(formatNetwork(widen(network("192.0.2.0/24"), 28)), "192.0.2.0/24");
  assert.equal(formatNetwork(widen(network("2001:db8:1:2:3::1"), 64)), "2001:db8:1:2::/64");
});

test("isSingle tells an address from a network", () => {
  assert.equal(isSingle(network("192.0.2.1")), true);
  assert.equal(isSingle(network("192.0.2.0/31")), false);
  assert.equal(isSingle(network("2001:db8::")), true);
  assert.equal(isSingle(network("2001:db8::/32")), false);
});

const mapped: readonly (readonly [written: string, inside: string])[] = [
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.0/120", "192.0.2.0/24"],
  ["64:ff9b::192.0.2.1", "192.0.2.1"],
  ["::ffff:0:0/95", "::fffe:0:0/95"],
  ["::192.0.2.1", "::c000:201"],
  ["64:ff9b:1::192.0.2.1", "64:ff9b:1::c000:201"],
  ["192.0.2.1", "192.0.2.1"],
];

for (const [written, inside] of mapped) {
  test(`unmap makes ${written} ${inside}`, () => {
    assert.equal(formatNetwork(unmap(network(written))), inside);
  });
}
