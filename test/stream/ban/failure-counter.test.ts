import assert from "node:assert/strict";
import { test } from "node:test";
import type { IgnoreRule, Jail } from "../../../src/rules/rule.ts";
import { parseNetwork } from "../../../src/shared/address.ts";
import { TestCounter } from "../../helpers/counter.ts";
import { newJail } from "../../helpers/jail.ts";

const ignoring = (rule: Partial<IgnoreRule>): IgnoreRule => ({ ...newJail().ignore, ...rule });
const friend = parseNetwork("192.0.2.1");
assert.ok(friend);

const written: readonly {
  name: string;
  settings: Partial<Jail>;
  ids: Parameters<TestCounter["fail"]>[];
  commands: string[];
}[] = [
  { name: "an address", settings: {}, ids: [["192.0.2.1"]], commands: ["ban 192.0.2.1"] },
  { name: "an id", settings: {}, ids: [["x y", "id"]], commands: ["ban id x y"] },
  {
    name: "nobody for an address that can't be",
    settings: {},
    ids: [["999.1.1.1"], ["", "id"]],
    commands: [],
  },
  { name: "nobody for a host name", settings: {}, ids: [["www.example.org", "host"]], commands: [] },
  {
    name: "a host name with usedns raw",
    settings: { usedns: "raw" },
    ids: [["www.example.org", "host"]],
    commands: ["ban id www.example.org"],
  },
  {
    name: "a captured network",
    settings: {},
    ids: [["198.51.100.7", "address", "24"]],
    commands: ["ban 198.51.100.0/24"],
  },
  {
    name: "no address that is ignored",
    settings: { ignore: ignoring({ networks: [friend] }) },
    ids: [["192.0.2.1"]],
    commands: [],
  },
  {
    name: "no captured network that holds somebody ignored",
    settings: { ignore: ignoring({ networks: [friend] }) },
    ids: [["192.0.2.7", "address", "24"]],
    commands: [],
  },
  {
    name: "the address alone where its network holds somebody ignored",
    settings: { count: { ipv4: 24, ipv6: 64 }, ignore: ignoring({ networks: [friend] }) },
    ids: [["192.0.2.7"], ["198.51.100.7"]],
    commands: ["ban 192.0.2.7", "ban 198.51.100.0/24"],
  },
];

for (const { name, settings, ids, commands } of written) {
  test(`FailureCounter bans ${name}`, () => {
    const tried = new TestCounter(settings);
    for (const each of ids) tried.fail(...each);
    assert.deepEqual(tried.commands(), commands);
  });
}

const asking = (...command: string[]): Partial<Jail> => ({ ignore: ignoring({ command }) });

const answers: readonly { name: string; command: string[]; commands: string[]; told: RegExp }[] = [
  {
    name: "spares whom ignorecommand says",
    command: ["test", "<ip>", "=", "192.0.2.1"],
    commands: [],
    told: /^$/,
  },
  {
    name: "bans whom ignorecommand does not spare",
    command: ["test", "<ip>", "=", "192.0.2.2"],
    commands: ["ban 192.0.2.1"],
    told: /^$/,
  },
  {
    name: "bans and says so when ignorecommand can't be run",
    command: ["/nowhere/to/be/found", "<ip>"],
    commands: ["ban 192.0.2.1"],
    told: /warning: \[web\] ignorecommand gives no answer: failures count\n$/,
  },
];

for (const { name, command, commands, told } of answers) {
  test(`FailureCounter ${name}, once the answer has come`, async () => {
    const tried = new TestCounter(asking(...command));
    const answered = tried.answered();
    tried.fail("192.0.2.1");
    assert.deepEqual(tried.commands(), []);
    await answered;
    assert.deepEqual(tried.commands(), commands);
    assert.match(tried.told.join(""), told);
  });
}

test("FailureCounter counts a failure as often as it says, up to a ban, with its lines once", () => {
  const tried = new TestCounter({ maxretry: 5 });
  tried.fail("192.0.2.1", "address", undefined, 3);
  assert.deepEqual(tried.commands(), []);
  tried.fail("192.0.2.1", "address", undefined, 9);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
  assert.equal(tried.running.counts.failures, 5);
  const [ban] = [...tried.decisions.banlist.inForce()];
  assert.deepEqual(ban?.matches, ["192.0.2.1", "192.0.2.1"]);
  // What was more than enough does not begin another window.
  tried.fail("192.0.2.1", "address", undefined, 4);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
});

test("FailureCounter runs no ignorecommand in a replay", () => {
  const tried = new TestCounter(asking("true"), { isLive: false });
  tried.fail("192.0.2.1");
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
});

test("FailureCounter drops an answer for a jail that is gone by then", async () => {
  const tried = new TestCounter(asking("false"));
  const answered = tried.answered();
  tried.fail("192.0.2.1");
  tried.decisions.reload(new Map());
  await answered;
  assert.deepEqual(tried.commands(), []);
});

test("FailureCounter shows ignorecommand ids that are no addresses", async () => {
  const tried = new TestCounter(asking("test", "<fid>", "=", "session 5"));
  const answered = tried.answered();
  tried.fail("session 5", "id");
  await answered;
  assert.deepEqual(tried.commands(), []);
  assert.equal(tried.running.counts.ignored, 1);
});

for (const number of ["8", "1.2", "0x7f.1", "017700000001"]) {
  test(`FailureCounter does not look up ${number}`, () => {
    for (const usedns of ["warn", "yes"] as const) {
      const tried = new TestCounter({ usedns });
      tried.fail(number, "host");
      assert.deepEqual(tried.commands(), []);
      assert.equal(tried.failures.waiting, 0);
      assert.match(tried.told.join(""), /not banned: \S+ is a number where a host name is expected\n$/);
    }
  });
}

for (const [usedns, told] of [
  ["yes", /^$/],
  [
    "warn",
    /^test: warning: \[web\] looked up the host name localhost: .*127\.0\.0\.1.*; whoever has the name chooses the address\n$/,
  ],
] as const) {
  test(`FailureCounter with usedns ${usedns} ${usedns === "warn" ? "warns" : "says nothing"} when it looks up a name`, async () => {
    const tried = new TestCounter({ usedns, ignore: ignoring({ self: false }) });
    const answered = tried.answered();
    tried.fail("localhost", "host");
    await answered;
    assert.ok(tried.commands().includes("ban 127.0.0.1"));
    assert.match(tried.told.join(""), told);
  });
}

/** After so many bans: how often a failure counts, with a maxretry of 5, in fail2ban's ObserverThread.failureFound. */
const WEIGHTS = [1, 2, 3, 5, 5];

test("FailureCounter with bantime.increment counts failures of known addresses more often", () => {
  const escalation = { ...newJail().escalation, increment: true };
  for (const increment of [true, false]) {
    const tried = new TestCounter({ maxretry: 5, bantime: 1000, escalation: { ...escalation, increment } });
    for (const [bans, weight] of WEIGHTS.entries()) {
      let failures = 0;
      while (tried.commands().filter((command) => command.startsWith("ban ")).length === bans) {
        tried.fail("192.0.2.1");
        failures++;
      }
      assert.equal(failures, Math.ceil(5 / (increment ? weight : 1)), `after ${bans} bans`);
      tried.manualBans.unban("web", { ip: "192.0.2.1" });
    }
  }
});
