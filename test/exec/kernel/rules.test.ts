import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnforcedJail } from "../../../src/exec/kernel/backend.ts";
import {
  banRule,
  chainTarget,
  jumpsOf,
  restoreText,
  returnRule,
  splitPorts,
} from "../../../src/exec/kernel/rules.ts";

const ports = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

const SPLITS = [
  { name: "one port", ports: ["25"], groups: ["25"] },
  { name: "fifteen ports", ports: ports(1, 15), groups: ["1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"] },
  { name: "a sixteenth port", ports: ports(1, 16), groups: ["1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "16"] },
  {
    name: "a range that counts as two",
    ports: [...ports(1, 14), "100:200", "300"],
    groups: ["1,2,3,4,5,6,7,8,9,10,11,12,13,14", "100:200,300"],
  },
  { name: "no ports", ports: [], groups: [] },
];

for (const { name, ports, groups } of SPLITS) {
  test(`splitPorts: ${name}`, () => assert.deepEqual(splitPorts(ports), groups));
}

const jail: EnforcedJail = { name: "smtp", ports: [], protocols: [], chains: ["INPUT"], blocktype: "reject" };

const JUMPS = [
  { name: "all ports are one rule without protocol", more: {}, rules: ["INPUT -j f2bs-smtp"] },
  {
    name: "a rule for each protocol",
    more: { ports: ["25", "465"], protocols: ["tcp", "udp"] },
    rules: [
      "INPUT -p tcp -m multiport --dports 25,465 -j f2bs-smtp",
      "INPUT -p udp -m multiport --dports 25,465 -j f2bs-smtp",
    ],
  },
  {
    name: "behind a DNAT the port that was asked for",
    more: { ports: ["25", "80:90"], protocols: ["tcp"], chains: ["DOCKER-USER"] },
    rules: [
      "DOCKER-USER -p tcp -m conntrack --ctorigdstport 25 --ctdir ORIGINAL -j f2bs-smtp",
      "DOCKER-USER -p tcp -m conntrack --ctorigdstport 80:90 --ctdir ORIGINAL -j f2bs-smtp",
    ],
  },
];

for (const { name, more, rules } of JUMPS) {
  test(`jumpsOf: ${name}`, () => {
    const jumps = jumpsOf({ ...jail, ...more }, chainTarget("smtp"));
    assert.deepEqual(
      jumps.map(({ parent, rule }) => [parent, ...rule].join(" ")),
      rules,
    );
  });
}

const END = Date.parse("2026-11-21T19:50:00.001Z");
const BANS = [
  {
    ip: "192.0.2.7",
    until: null,
    type: "reject",
    rule: "-s 192.0.2.7/32 -j REJECT --reject-with icmp-port-unreachable",
  },
  { ip: "192.0.2.7", until: null, type: "drop", rule: "-s 192.0.2.7/32 -j DROP" },
  {
    ip: "198.51.100.0/24",
    until: END,
    type: "drop",
    rule: "-s 198.51.100.0/24 -m comment --comment until:2026-11-21T19:50:01Z -j DROP",
  },
  {
    ip: "2001:db8::7",
    until: null,
    type: "reject",
    rule: "-s 2001:db8::7/128 -j REJECT --reject-with icmp6-port-unreachable",
  },
] as const;

for (const { ip, until, type, rule } of BANS) {
  test(`banRule: ${ip} ${type}${until === null ? "" : " with an end, rounded up"}`, () => {
    assert.equal(banRule(ip, until, type, ip.includes(":") ? 6 : 4).join(" "), rule);
  });
}

test("banRule takes the last time that a Date holds", () => {
  assert.match(banRule("192.0.2.7", 8.64e15, "drop", 4).join(" "), /until:\+275760-09-13T00:00:00Z/);
});

test("returnRule names a jail whose chain's name is cut", () => {
  assert.deepEqual(returnRule("sshd"), ["-j", "RETURN"]);
  const name = "postfix-sasl-aggressive";
  assert.deepEqual(returnRule(name), ["-m", "comment", "--comment", name, "-j", "RETURN"]);
});

test("restoreText is one transaction; new and emptied chains are the same line", () => {
  const text = restoreText([
    ["-N", "f2bs-a"],
    ["-F", "f2bs-b"],
    ["-A", "f2bs-a", "-j", "RETURN"],
    ["-D", "INPUT", "-m", "comment", "--comment", 'two "words"', "-j", "f2bs-b"],
  ]);
  assert.equal(
    text,
    `*filter
:f2bs-a - [0:0]
:f2bs-b - [0:0]
-A f2bs-a -j RETURN
-D INPUT -m comment --comment "two \\"words\\"" -j f2bs-b
COMMIT
`,
  );
});
