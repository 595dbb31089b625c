import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { expandTags, groupName } from "../../src/filter/filter-tags.ts";
import { compilePattern } from "../../src/python/search/compile-pattern.ts";

/** The named groups that took part, `whole` besides them. */
function mergeGroups(pattern: string, text: string): Record<string, string> | undefined {
  const match = compilePattern(expandTags(pattern).source).search(text);
  if (match === undefined) return undefined;
  const taken = Object.entries(match.groups).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(taken);
}

const found: readonly (readonly [
  pattern: string,
  text: string,
  groups: Record<string, string> | undefined,
])[] = [
  ["^<HOST>$", "192.0.2.1", { ip4: "192.0.2.1" }],
  ["^<HOST>$", "999.999.999.999", { ip4: "999.999.999.999" }],
  ["^<HOST>$", "[192.0.2.1]", { ip4: "192.0.2.1" }],
  ["^<HOST>$", "::ffff:192.0.2.1", { ip4: "192.0.2.1" }],
  ["^<HOST>$", "2001:db8::1", { ip6: "2001:db8::1" }],
  ["^<HOST>$", "[2001:DB8::]", { ip6: "2001:DB8::" }],
  ["^<HOST>$", "host_1.example.org", { dns: "host_1.example.org" }],
  ["^<HOST>$", "1.2.3.4.5", { dns: "1.2.3.4.5" }],
  ["^<HOST>$", "example.org.", undefined],
  ["^<ADDR>$", "2001:db8::1", { ip6: "2001:db8::1" }],
  ["^<ADDR>$", "example.org", undefined],
  ["^<F-ADDR/>$", "192.0.2.1", { ip4: "192.0.2.1" }],
  ["^<IP4>$", "192.0.2.1", { ip4: "192.0.2.1" }],
  ["^<IP4>$", "[192.0.2.1]", undefined],
  ["^<F-IP4/>$", "2001:db8::1", undefined],
  ["^<IP6>$", "::1", { ip6: "::1" }],
  ["^<F-IP6/>$", "::", { ip6: "::" }],
  ["^<DNS>$", "example.org", { dns: "example.org" }],
  ["^<F-DNS/>$", "192.0.2.1", { dns: "192.0.2.1" }],
  ["^<SUBNET>$", "192.0.2.0/24", { ip4: "192.0.2.0", cidr: "24" }],
  ["^<SUBNET>$", "[2001:db8::/32]", { ip6: "2001:db8::", cidr: "32" }],
  ["^<F-SUBNET/>$", "192.0.2.1", { ip4: "192.0.2.1" }],
  ["^<ADDR>/<CIDR>$", "192.0.2.0/24", { ip4: "192.0.2.0", cidr: "24" }],
  ["^<F-CIDR/>$", "24", { cidr: "24" }],
  ["^<F-ID/>$", "a:b", { fid: "a:b" }],
  ["^<F-ID>[^ ]* x</F-ID>$", "a x", { fid: "a x" }],
  ["^<F-PORT/>$", "ssh", { fport: "ssh" }],
  ["^<F-PORT>\\d+</F-PORT>$", "22", { fport: "22" }],
  ["^<F-USER>.*</F-USER> x$", "a b x", { user: "a b" }],
  ["^<F-USER/>$", "root", { user: "root" }],
  ["^<F-ALT_USER_2>a|b</F-ALT_USER_2>c$", "bc", { alt_user_2: "b" }],
  ["^<F-MLFID><F-ID>x</F-ID>y</F-MLFID>$", "xy", { mlfid: "xy", fid: "x" }],
  ["^<F-NOFAIL></F-NOFAIL>x", "x", { nofail: "" }],
  ["^</F-USER>$", "</F-USER>", {}],
  ["^<F-user>$", "<F-user>", {}],
  ["^<host>$", "<host>", {}],
  ["^<UNKNOWN>$", "<UNKNOWN>", {}],
  ["^<<HOST>>$", "<192.0.2.1>", { ip4: "192.0.2.1" }],
  ["^< HOST>$", "< HOST>", {}],
];

for (const [pattern, text, groups] of found) {
  test(`expandTags: ${pattern} ${groups ? "takes" : "does not take"} ${text}`, () => {
    assert.deepEqual(mergeGroups(pattern, text), groups);
  });
}

test("expandTags lets SKIPLINES skip any lines, each its own", () => {
  const groups = mergeGroups(
    "^a<SKIPLINES>b$<SKIPLINES>^c$".replaceAll("$", "").replaceAll("^c", "c"),
    "a\nx\ny\nb\nc\n",
  );
  assert.deepEqual(groups, { skiplines0: "x\ny\n", skiplines1: "" });
});

test("groupName names the id and the port", () => {
  assert.deepEqual(["ID", "PORT", "USER", "MLFID"].map(groupName), ["fid", "fport", "user", "mlfid"]);
});

const places: readonly (readonly [written: string, at: string])[] = [
  ["a(", "("],
  ["<HOST> (", "("],
  ["<HOST><F-USER>x</F-USER>(", "("],
  ["(?P<x>a)<IP4><SKIPLINES>b(", "("],
];

for (const [written, at] of places) {
  test(`expandTags finds the way back to ${JSON.stringify(at)} in ${written}`, () => {
    const { source, offsetOf } = expandTags(written);
    assert.equal(offsetOf(source.lastIndexOf(at)), written.lastIndexOf(at));
    assert.equal(offsetOf(0), 0);
    assert.equal(offsetOf(source.length), written.length);
  });
}

test("expandTags points at the tag for what stands within it", () => {
  const { source, offsetOf } = expandTags("ab<HOST>c");
  for (let offset = 2; offset < source.length - 1; offset++) assert.equal(offsetOf(offset), 2);
  assert.equal(offsetOf(source.length - 1), 8);
});

test("expandTags leaves text without tags as it is, every offset its own", () => {
  for (const offset of [0, 1, 2, 3, 4]) assert.equal(expandTags("a</F-I>b").offsetOf(offset), offset);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."aF-<>/\\(IP)") }), fc.nat(30), (written, offset) => {
      const { source, offsetOf } = expandTags(written);
      const at = offsetOf(Math.min(offset, source.length));
      assert.ok(at >= 0 && at <= written.length);
      if (source === written) assert.equal(at, Math.min(offset, source.length));
    }),
  );
});
