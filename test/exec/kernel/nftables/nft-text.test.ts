import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnforcedJail } from "../../../../src/exec/kernel/backend.ts";
import {
  elements,
  readTable,
  setOf,
  splitTables,
  structure,
} from "../../../../src/exec/kernel/nftables/nft-text.ts";

const NOW = Date.parse("2026-11-21T20:00:00.000Z");
const jail: EnforcedJail = { name: "smtp", ports: [], protocols: [], chains: ["INPUT"], blocktype: "reject" };

const SETS = [
  { ip: "192.0.2.7", set: "ipv4-32" },
  { ip: "192.0.2.0/24", set: "ipv4-24" },
  { ip: "2001:db8::7", set: "ipv6-128" },
  { ip: "2001:db8::/64", set: "ipv6-64" },
];
for (const { ip, set } of SETS) test(`setOf ${ip}`, () => assert.equal(setOf(ip), set));

test("structure: overlapping ports become one range; after a DNAT the original port counts", () => {
  const ports = { ports: ["20:30", "25", "465"], protocols: ["tcp"] };
  const statements = structure({ ...jail, ...ports }, ["ipv4-24"], ["input", "forward"], []);
  assert.deepEqual(statements, [
    "add table inet f2bs-smtp",
    "add set inet f2bs-smtp ipv4-24 { type ipv4_addr; flags timeout; size 10000000; }",
    "add chain inet f2bs-smtp banned",
    "flush chain inet f2bs-smtp banned",
    "add rule inet f2bs-smtp banned ip saddr & 255.255.255.0 @ipv4-24 reject",
    "add chain inet f2bs-smtp input { type filter hook input priority -10; policy accept; }",
    "flush chain inet f2bs-smtp input",
    "add rule inet f2bs-smtp input tcp dport { 20-30, 465 } jump banned",
    "add chain inet f2bs-smtp forward { type filter hook forward priority -10; policy accept; }",
    "flush chain inet f2bs-smtp forward",
    "add rule inet f2bs-smtp forward ct direction original meta l4proto tcp ct original proto-dst { 20-30, 465 } jump banned",
  ]);
});

test("structure empties a hook that is no longer jumped from", () => {
  const statements = structure(jail, [], ["input"], ["forward"]);
  assert.ok(statements.includes("flush chain inet f2bs-smtp forward"));
  assert.ok(!statements.some((statement) => statement.startsWith("add rule inet f2bs-smtp forward")));
});

const CHANGES = [
  {
    name: "a new ban is only added; its time is rounded up, never to 0",
    change: { ip: "192.0.2.7", until: NOW + 1 },
    statements: ["add element inet f2bs-smtp ipv4-32 { 192.0.2.7 timeout 1s }"],
  },
  {
    name: "a ban without end has no timeout",
    change: { ip: "192.0.2.0/24", until: null },
    statements: ["add element inet f2bs-smtp ipv4-24 { 192.0.2.0 }"],
  },
  {
    name: "one that may be there is taken out first",
    change: { ip: "192.0.2.7", until: NOW + 90_000_500, before: null },
    statements: [
      "add element inet f2bs-smtp ipv4-32 { 192.0.2.7 }",
      "delete element inet f2bs-smtp ipv4-32 { 192.0.2.7 }",
      "add element inet f2bs-smtp ipv4-32 { 192.0.2.7 timeout 1d3601s }",
    ],
  },
  {
    name: "a time beyond the kernel's is cut, and the end stands in a comment",
    change: { ip: "192.0.2.7", until: Date.parse("2226-01-01T00:00:00Z") },
    statements: [
      'add element inet f2bs-smtp ipv4-32 { 192.0.2.7 timeout 36500d comment "until:2226-01-01T00:00:00Z" }',
    ],
  },
  {
    name: "an unban never fails for want of a ban",
    change: { ip: "192.0.2.7", until: undefined },
    statements: [
      "add element inet f2bs-smtp ipv4-32 { 192.0.2.7 }",
      "delete element inet f2bs-smtp ipv4-32 { 192.0.2.7 }",
    ],
  },
];
for (const { name, change, statements } of CHANGES) {
  test(`elements: ${name}`, () => assert.deepEqual(elements(jail, [change], NOW), statements));
}

const LISTING = `table inet own {
	chain input {
		tcp dport 25 jump banned
	}
}
table inet f2bs-smtp {
	set ipv4-32 {
		type ipv4_addr
		size 10000000
		flags timeout
		elements = { 192.0.2.7 timeout 10m expires 9m59s996ms, 192.0.2.8,
			     192.0.2.9 timeout 36500d expires 36499d23h comment "until:2226-01-01T00:00:00Z" }
	}

	set ipv6-64 {
		type ipv6_addr
		flags timeout
		elements = { 2001:db8:: timeout 1h expires 1h500ms }
	}

	chain banned {
		ip saddr @ipv4-32 reject with icmp port-unreachable
	}

	chain input {
		type filter hook input priority filter - 10; policy accept;
		tcp dport { 25, 10000-10100 } jump banned
		udp dport 53 jump banned
	}

	chain forward {
		type filter hook forward priority filter - 10; policy accept;
	}
}
`;

test("splitTables and readTable read what nft lists", () => {
  const tables = splitTables(LISTING);
  assert.deepEqual([...tables.keys()], ["own", "f2bs-smtp"]);
  const { bans, ...rest } = readTable(tables.get("f2bs-smtp") ?? "", NOW);
  assert.deepEqual(Object.fromEntries(bans), {
    "192.0.2.7": NOW + 599_996,
    "192.0.2.8": null,
    "192.0.2.9": Date.parse("2226-01-01T00:00:00Z"),
    "2001:db8::/64": NOW + 3_600_500,
  });
  assert.deepEqual(rest, {
    ...{ sets: ["ipv4-32", "ipv6-64"], hooks: ["input"] },
    ...{ ports: ["25", "10000:10100", "53"], protocols: ["tcp", "udp"] },
  });
});

test("splitTables and readTable read no table, set, ban or port in a comment", () => {
  const tables = splitTables(`table inet f2bs-smtp {
	comment "elements = { 192.0.2.50 }"
	set ipv4-32 {
		type ipv4_addr
		flags timeout
		comment "
		elements = { 192.0.2.99 }
	}
}
table inet f2bs-evil {
	set ipv4-32 {
		elements = { 192.0.2.77 }
"
		elements = { 192.0.2.7 timeout 10m expires 9m comment "192.0.2.55, 192.0.2.66", 192.0.2.8 comment "until:2226-01-01T00:00:00Z" }
	}

	set names {
		type ipv4_addr
		elements = { 192.0.2.44 }
	}

	chain input {
		type filter hook input priority filter - 10; policy accept;
		tcp dport 25 jump banned comment "udp dport 53 jump banned"
	}
}
`);
  assert.deepEqual([...tables.keys()], ["f2bs-smtp"]);
  const { bans, ports, protocols } = readTable(tables.get("f2bs-smtp") ?? "", NOW);
  assert.deepEqual(Object.fromEntries(bans), {
    "192.0.2.7": NOW + 540_000,
    "192.0.2.8": Date.parse("2226-01-01T00:00:00Z"),
  });
  assert.deepEqual([ports, protocols], [["25"], ["tcp"]]);
});
