import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Change, EnforcedJail } from "../../../../src/exec/kernel/backend.ts";
import { Family } from "../../../../src/exec/kernel/iptables/family.ts";
import { FakeTool } from "../../../helpers/fake-tool.ts";

const jail: EnforcedJail = {
  name: "smtp",
  ports: ["25"],
  protocols: ["tcp"],
  chains: ["INPUT"],
  blocktype: "drop",
};
const CHAIN = "f2bs-smtp";
const JUMP = `-p tcp -m multiport --dports 25 -j ${CHAIN}`;

const ban = (last: number, until: number | null = null): Change => ({ ip: `192.0.2.${last}`, until });
const unban = (last: number): Change => ({ ip: `192.0.2.${last}`, until: undefined });
const drop = (last: number) => `-s 192.0.2.${last}/32 -j DROP`;

async function familyWith(...changes: Change[]): Promise<{ tool: FakeTool; family: Family }> {
  const tool = new FakeTool();
  const family = new Family(tool);
  if (changes.length > 0) await family.apply([{ jail, changes }]);
  tool.commits.length = 0;
  return { tool, family };
}

test("Family creates chain, jump and rules in one transaction, newest first and RETURN last", async () => {
  const { tool } = await familyWith(ban(7), ban(8));
  assert.deepEqual(tool.chains.get("INPUT"), [JUMP]);
  assert.deepEqual(tool.chains.get(CHAIN), [drop(8), drop(7), "-j RETURN"]);
});

test("Family creates no chain for an unban", async () => {
  const { tool } = await familyWith(unban(7));
  assert.deepEqual([...tool.chains.keys()], ["INPUT"]);
});

test("Family sends nothing to iptables when nothing has to change", async () => {
  const { tool, family } = await familyWith(ban(7));
  await family.apply([{ jail, changes: [ban(7), unban(8)] }]);
  assert.deepEqual(tool.commits, []);
});

test("Family replaces the rule of a ban that ends at another time", async () => {
  const { tool, family } = await familyWith(ban(7), ban(8));
  await family.apply([{ jail, changes: [ban(7, Date.parse("2026-11-21T19:50:00Z"))] }]);
  const until = "-s 192.0.2.7/32 -m comment --comment until:2026-11-21T19:50:00Z -j DROP";
  assert.deepEqual(tool.chains.get(CHAIN), [until, drop(8), "-j RETURN"]);
});

test("Family removes few rules with -D and many by rewriting the chain", async () => {
  const all = Array.from({ length: 100 }, (_, i) => ban(i + 1));
  const { tool, family } = await familyWith(...all);
  await family.apply([{ jail, changes: [unban(1)] }]);
  assert.deepEqual(tool.commits.pop(), [["-D", CHAIN, ...drop(1).split(" ")]]);
  await family.apply([{ jail, changes: all.slice(1, 90).map(({ ip }) => ({ ip, until: undefined })) }]);
  assert.deepEqual(
    tool.commits[0]?.map(([command]) => command),
    ["-F", ...Array<string>(11).fill("-A")],
  );
  assert.equal(tool.chains.get(CHAIN)?.at(-1), "-j RETURN");
});

test("Family started again takes over what exists and creates nothing twice", async () => {
  const { tool } = await familyWith(ban(7, Date.parse("2026-11-21T19:50:00Z")), ban(8));
  const second = new Family(tool);
  await second.start(["INPUT"]);
  const found = await second.read(jail);
  assert.deepEqual([...(found?.bans ?? [])].sort(), [
    ["192.0.2.7", Date.parse("2026-11-21T19:50:00Z")],
    ["192.0.2.8", null],
  ]);
  assert.deepEqual([found?.ports, found?.protocols, found?.chains], [["25"], ["tcp"], ["INPUT"]]);
  await second.apply([{ jail, changes: [ban(7, Date.parse("2026-11-21T19:50:00Z")), ban(8)] }]);
  assert.deepEqual(tool.commits, []);
});

const REPAIRS = [
  {
    name: "another blocktype",
    chain: ["-s 192.0.2.7/32 -j REJECT --reject-with icmp-port-unreachable", "-j RETURN"],
  },
  { name: "a rule twice", chain: [drop(7), drop(7), "-j RETURN"] },
  { name: "no RETURN", chain: [drop(7)] },
  { name: "a rule of somebody else", chain: ["-s 192.0.2.9/32 -j ACCEPT", drop(7), "-j RETURN"] },
];

for (const { name, chain } of REPAIRS) {
  test(`Family rewrites a chain that has ${name}`, async () => {
    const tool = new FakeTool();
    tool.chains = new Map([
      ["INPUT", [JUMP]],
      [CHAIN, chain],
    ]);
    const family = new Family(tool);
    await family.read(jail);
    await family.apply([{ jail, changes: [] }]);
    assert.deepEqual(tool.chains.get(CHAIN), [drop(7), "-j RETURN"]);
  });
}

test("Family sets jumps for other ports in place of the old ones, and leaves foreign rules where they are", async () => {
  const { tool, family } = await familyWith(ban(7));
  tool.chains.get("INPUT")?.push("-s 192.0.2.99/32 -j ACCEPT");
  await family.apply([{ jail: { ...jail, ports: ["25", "465"], protocols: ["tcp", "udp"] }, changes: [] }]);
  assert.deepEqual(tool.chains.get("INPUT"), [
    `-p tcp -m multiport --dports 25,465 -j ${CHAIN}`,
    `-p udp -m multiport --dports 25,465 -j ${CHAIN}`,
    "-s 192.0.2.99/32 -j ACCEPT",
  ]);
});

test("Family removes a jump from a chain that is no longer configured", async () => {
  const { tool } = await familyWith(ban(7));
  tool.chains.set("FORWARD", []);
  const second = new Family(tool);
  const moved = { ...jail, chains: ["FORWARD"] };
  await second.start(["FORWARD"]);
  await second.read(moved);
  await second.apply([{ jail: moved, changes: [] }]);
  const forward = `-p tcp -m conntrack --ctorigdstport 25 --ctdir ORIGINAL -j ${CHAIN}`;
  assert.deepEqual([tool.chains.get("INPUT"), tool.chains.get("FORWARD")], [[], [forward]]);
});

test("Family: a change that fails affects no other, in its jail or another", async () => {
  const { tool, family } = await familyWith();
  tool.poison = "192.0.2.13/32";
  const changes = Array.from({ length: 20 }, (_, i) => ban(i + 1));
  const other = { ...jail, name: "imap" };
  const failures = await family.apply([
    { jail, changes },
    { jail: other, changes: [ban(99)] },
  ]);
  assert.deepEqual([...failures.keys()], [changes[12]]);
  assert.match([...failures.values()][0] ?? "", /^exit status 1: poisoned: -[AI] f2bs-smtp .*192\.0\.2\.13/);
  assert.equal(tool.chains.get(CHAIN)?.length, 20);
  assert.deepEqual(tool.chains.get("f2bs-imap"), [drop(99), "-j RETURN"]);
});

test("Family gives up a jail where nothing works, in far fewer transactions than changes", async () => {
  const { tool, family } = await familyWith();
  tool.poison = CHAIN;
  const changes = Array.from({ length: 5000 }, (_, i) => ({
    ip: `198.51.${i >> 8}.${i & 255}`,
    until: null,
  }));
  const failures = await family.apply([{ jail, changes }]);
  assert.equal(failures.size, 5000);
  assert.ok(tool.commits.length < 100, `${tool.commits.length} transactions`);
});

test("Family rewrites what others flushed, once a transaction fails because of it", async () => {
  const { tool, family } = await familyWith(ban(7), ban(8));
  tool.chains = new Map([["INPUT", []]]);
  assert.equal((await family.apply([{ jail, changes: [ban(9)] }])).size, 0);
  assert.deepEqual(tool.chains.get("INPUT"), [JUMP]);
  assert.deepEqual(tool.chains.get(CHAIN), [drop(9), drop(8), drop(7), "-j RETURN"]);
});

test("Family: a rule that others removed does not block its unban, which restores the other rules", async () => {
  const { tool, family } = await familyWith(ban(7), ban(8));
  tool.chains.set(CHAIN, ["-j RETURN"]);
  assert.equal((await family.apply([{ jail, changes: [unban(7)] }])).size, 0);
  assert.deepEqual(tool.chains.get(CHAIN), [drop(8), "-j RETURN"]);
});

test("Family.flush removes its own chains and nothing else", async () => {
  const { tool, family } = await familyWith(ban(7));
  tool.chains.get("INPUT")?.unshift("-s 192.0.2.99/32 -j ACCEPT");
  tool.chains.set("f2b-sshd", ["-j RETURN"]);
  await family.flush();
  assert.deepEqual(
    [...tool.chains],
    [
      ["INPUT", ["-s 192.0.2.99/32 -j ACCEPT"]],
      ["f2b-sshd", ["-j RETURN"]],
    ],
  );
});

test("Family: whatever the batches, the kernel has the desired bans, each once", async () => {
  const change = fc.record({
    ip: fc.integer({ min: 1, max: 60 }).map((last) => `192.0.2.${last}`),
    until: fc.constantFrom(undefined, undefined, null, 1_795_290_000_000, 1_795_290_600_500),
  });
  const batch = fc.uniqueArray(change, { selector: ({ ip }) => ip, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (batches) => {
      const { tool, family } = await familyWith();
      const wanted = new Map<string, number | null>();
      for (const changes of batches) {
        assert.equal((await family.apply([{ jail, changes }])).size, 0);
        for (const { ip, until } of changes) {
          if (until === undefined) wanted.delete(ip);
          else wanted.set(ip, until === null ? null : Math.ceil(until / 1000) * 1000);
        }
      }
      const [found] = await family.list();
      assert.deepEqual([...(found?.bans ?? [])].sort(), [...wanted].sort());
      const rules = tool.chains.get(CHAIN);
      assert.equal(rules?.length ?? 1, wanted.size + 1);
      assert.ok(rules === undefined || rules.at(-1) === "-j RETURN");
    }),
    { numRuns: 60 },
  );
});
