import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ipsetCommands,
  parseIpsetHeaders,
  parseIpsets,
} from "../../../../src/exec/kernel/ipset/ipset-text.ts";

const NOW = Date.parse("2026-11-21T20:00:00.000Z");

test("ipsetCommands creates a set, rounds times up and caps them at the kernel's longest", () => {
  const lines = ipsetCommands(
    ...(["f2bs-smtp-4", 4, true] as const),
    [
      { ip: "192.0.2.7", until: NOW + 1 },
      { ip: "192.0.2.8", until: null },
      { ip: "192.0.2.0/24", until: NOW + 2_147_483_001 },
      { ip: "192.0.2.9", until: undefined },
    ],
    NOW,
  );
  assert.deepEqual(lines, [
    "create f2bs-smtp-4 hash:net family inet maxelem 10000000 timeout 0 comment",
    "add f2bs-smtp-4 192.0.2.7 timeout 1",
    "add f2bs-smtp-4 192.0.2.8 timeout 0",
    'add f2bs-smtp-4 192.0.2.0/24 timeout 2147483 comment "until:2026-12-16T16:31:24Z"',
    "del f2bs-smtp-4 192.0.2.9",
  ]);
});

test("parseIpsets reads members back, the end in a comment before the time left", () => {
  const sets = parseIpsets(
    `create f2bs-smtp-6 hash:net family inet6 hashsize 1024 maxelem 10000000 timeout 0 comment
add f2bs-smtp-6 2001:db8::7 timeout 0
add f2bs-smtp-6 2001:db8:1::/64 timeout 90
add f2bs-smtp-6 64:ff9b:1::192.0.2.1 timeout 2147482 comment "until:2027-12-21T23:59:00Z"
create other hash:ip family inet
add other 192.0.2.1
`,
    NOW,
  );
  assert.deepEqual(Object.fromEntries(sets.get("f2bs-smtp-6") ?? []), {
    "2001:db8::7": null,
    "2001:db8:1::/64": NOW + 90_000,
    "64:ff9b:1::c000:201": Date.parse("2027-12-21T23:59:00Z"),
  });
});

test("parseIpsets reads no ban in members or comments of others", () => {
  const sets = parseIpsets(
    `create f2bs-smtp-4 hash:net family inet hashsize 1024 maxelem 65536 timeout 0 comment
add f2bs-smtp-4 192.0.2.7 timeout 90 comment "a
add f2bs-smtp-4 192.0.2.99 timeout 0\x1b[31m"
add f2bs-smtp-4 192.0.2.8 comment "timeout 7"
add f2bs-smtp-4 192.0.2.9 timeout 0 nomatch
add f2bs-smtp-4 192.0.2.10 timeout 5 packets 3 bytes 99 comment "back\\"
add f2bs-smtp-4 192.0.2.11 timeout 5 comment "until:12"
`,
    NOW,
  );
  assert.deepEqual(Object.fromEntries(sets.get("f2bs-smtp-4") ?? []), {
    "192.0.2.7": NOW + 90_000,
    "192.0.2.8": null,
    "192.0.2.10": NOW + 5000,
    "192.0.2.11": NOW + 5000,
  });
});

test("parseIpsetHeaders counts the members of each set", () => {
  const text = "Name: a\nType: hash:net\nNumber of entries: 3\nName: b\nNumber of entries: 0\n";
  assert.deepEqual(
    [...parseIpsetHeaders(text)],
    [
      ["a", 3],
      ["b", 0],
    ],
  );
});
