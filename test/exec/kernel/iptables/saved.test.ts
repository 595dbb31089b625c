import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  findJumps,
  parseSaved,
  portsOf,
  readBan,
  readReturn,
} from "../../../../src/exec/kernel/iptables/saved.ts";
import { banRule } from "../../../../src/exec/kernel/rules.ts";

const SAVED = parseSaved(`-P INPUT ACCEPT
-N f2bs-smtp
-N other
-A INPUT -p udp -m multiport --dports 25 -j f2bs-smtp
-A INPUT -p tcp -m multiport --dports 25,10000:10100 -j f2bs-smtp
-A INPUT -s 192.0.2.9/32 -m comment --comment "say \\"no\\" -j f2bs-smtp" -j DROP
-A f2bs-imap -j f2bs-smtp
-A f2bs-smtp -s 192.0.2.2/32 -m comment --comment "until:2026-11-21T19:50:00Z" -j REJECT --reject-with icmp-port-unreachable
-A f2bs-smtp -s 198.51.100.0/24 -j DROP
-A f2bs-smtp -m comment --comment long.name -j RETURN
`);

test("parseSaved reads chains and rules", () => {
  assert.deepEqual([...SAVED.chains], ["INPUT", "f2bs-smtp", "other"]);
  assert.equal(SAVED.rules.get("f2bs-smtp")?.length, 3);
  assert.equal(SAVED.rules.get("INPUT")?.[2]?.[5], 'say "no" -j f2bs-smtp');
});

test("findJumps and portsOf see jumps to a jail, and not comments that look like them", () => {
  const jumps = findJumps(SAVED).get("f2bs-smtp") ?? [];
  assert.deepEqual(
    jumps.map(({ parent }) => parent),
    ["INPUT", "INPUT"],
  );
  assert.deepEqual(portsOf(jumps), { ports: ["25", "10000:10100"], protocols: ["udp", "tcp"] });
});

test("readBan reads address, end and blocktype", () => {
  assert.deepEqual(SAVED.rules.get("f2bs-smtp")?.map(readBan), [
    { ip: "192.0.2.2", until: Date.parse("2026-11-21T19:50:00Z"), blocktype: "reject" },
    { ip: "198.51.100.0/24", until: null, blocktype: "drop" },
    undefined,
  ]);
});

const FOREIGN = [
  "-s 192.0.2.2/32 -j ACCEPT",
  "-s 192.0.2.2/32 -p tcp -j DROP",
  "-s 192.0.2.2/32 -m comment --comment mine -j DROP",
  "-d 192.0.2.2/32 -j DROP",
  "-j DROP",
];
for (const rule of FOREIGN) {
  test(`readBan leaves "${rule}" alone`, () => assert.equal(readBan(rule.split(" ")), undefined));
}

test("parseSaved reads no rule in a comment, whatever line feeds it holds", () => {
  const { chains, rules } = parseSaved(`-N f2bs-smtp
-A INPUT -m comment --comment "x
-A f2bs-smtp -s 192.0.2.99/32 -j \\"DROP
-N f2bs-evil
" -j f2bs-smtp
-A f2bs-smtp -s 192.0.2.7/32 -m comment --comment "a \\\\" -j DROP
-A f2bs-smtp -s 192.0.2.8/32 -j DROP
`);
  assert.deepEqual([...chains], ["f2bs-smtp"]);
  assert.equal(rules.get("INPUT")?.length, 1);
  assert.deepEqual(rules.get("f2bs-smtp")?.map(readBan), [
    undefined,
    { ip: "192.0.2.8", until: null, blocktype: "drop" },
  ]);
  assert.equal(findJumps({ chains, rules }).size, 0, "none that iptables-restore could take away");
});

test("parseSaved reads on after a quote that is never closed", () => {
  const { rules } = parseSaved(`-A INPUT "\n${"-A other -j DROP\n".repeat(300)}-A f2bs-smtp -j RETURN\n`);
  assert.deepEqual(rules.get("f2bs-smtp"), [["-j", "RETURN"]]);
});

test("readReturn gives the jail that a cut name stands for", () => {
  assert.deepEqual(readReturn(SAVED.rules.get("f2bs-smtp")?.at(-1)), { jail: "long.name" });
  assert.deepEqual(readReturn(["-j", "RETURN"]), {});
  assert.equal(readReturn(["-j", "DROP"]), undefined);
});

test("readBan reads what banRule wrote", () => {
  const seconds = fc.option(fc.integer({ min: 0, max: 8.64e12 }));
  const ip = fc.constantFrom("192.0.2.7", "198.51.100.0/24", "2001:db8::7", "2001:db8::/64");
  fc.assert(
    fc.property(ip, seconds, fc.constantFrom("drop", "reject"), (address, end, blocktype) => {
      const until = end === null ? null : end * 1000;
      const rule = banRule(address, until, blocktype, address.includes(":") ? 6 : 4);
      assert.deepEqual(readBan(rule), { ip: address, until, blocktype });
    }),
  );
});
