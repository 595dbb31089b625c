import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import type { IgnoreRule, Jail } from "../../../src/rules/rule.ts";
import { parseNetwork } from "../../../src/shared/address.ts";
import { Tally } from "../../../src/stream/ban/failure-counter.ts";
import { RunningJail } from "../../../src/stream/jail/jail.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

/** A tally with one jail, what it writes and what it tells. */
class Tried {
  readonly told: string[] = [];
  readonly #lines: string[] = [];
  readonly #isLive: boolean;
  readonly tally: Tally;
  readonly running: RunningJail;

  constructor(settings: Partial<Jail>, { isLive = true, maxBans = 1000 } = {}) {
    const report = new Report("test", (line) => this.told.push(line));
    const write = (line: string) => this.#lines.push(line);
    this.tally = new Tally({ isLive, maxKeys: 100, maxBans, maxEvidence: 1 << 20, write, report });
    this.#isLive = isLive;
    this.running = this.#run(settings);
    this.tally.reload(new Map([[this.running.jail.name, this.running]]));
    if (isLive) this.tally.tick(NOW);
  }

  /** Takes up a second jail. */
  withJail(settings: Partial<Jail>): RunningJail {
    const running = this.#run(settings);
    this.tally.reload(new Map([this.running, running].map((each) => [each.jail.name, each])));
    return running;
  }

  #run(settings: Partial<Jail>): RunningJail {
    const jail = newJail({ maxretry: 1, ...settings });
    const filter = compileFilter(filterRule({ failregex: ["<HOST>"] }));
    const warn = () => assert.fail();
    const { evidence } = this.tally;
    const host = {
      isLive: this.#isLive,
      maxKeys: 100,
      evidence,
      addressesOf: () => [],
      warn,
      onGiveUp: warn,
      onRefused: warn,
    };
    return new RunningJail({ jail, filter }, host);
  }

  /** Counts a failure; `kind` as its filter would have it. */
  fail(id: string, kind: "address" | "host" | "id" = "address", cidr?: string, times = 1): void {
    const failure = {
      match: true,
      id,
      kind,
      cidr,
      time: NOW,
      regex: 0,
      times,
      lines: [id],
      groups: () => ({}),
    } as const;
    this.tally.add(this.running, failure, NOW);
  }

  /** What was written: `ban 192.0.2.1`, and so on. */
  commands(): string[] {
    return this.#lines.map((line) => {
      const { cmd, ip, id, phase } = JSON.parse(line) as Record<string, string>;
      return [cmd, phase, ip, id && `id ${id}`].filter(Boolean).join(" ");
    });
  }

  /** Resolves when an answer has come. */
  late(): Promise<void> {
    return new Promise((resolve) => {
      this.tally.onLate = resolve;
    });
  }
}

const ignoring = (rule: Partial<IgnoreRule>): IgnoreRule => ({ ...newJail().ignore, ...rule });
const friend = parseNetwork("192.0.2.1");
assert.ok(friend);

const written: readonly {
  name: string;
  settings: Partial<Jail>;
  ids: Parameters<Tried["fail"]>[];
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
  test(`Tally bans ${name}`, () => {
    const tried = new Tried(settings);
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
  test(`Tally ${name}, once the answer has come`, async () => {
    const tried = new Tried(asking(...command));
    const late = tried.late();
    tried.fail("192.0.2.1");
    assert.deepEqual(tried.commands(), []);
    await late;
    assert.deepEqual(tried.commands(), commands);
    assert.match(tried.told.join(""), told);
  });
}

test("Tally counts a failure as often as it says, up to a ban, with its lines once", () => {
  const tried = new Tried({ maxretry: 5 });
  tried.fail("192.0.2.1", "address", undefined, 3);
  assert.deepEqual(tried.commands(), []);
  tried.fail("192.0.2.1", "address", undefined, 9);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
  assert.equal(tried.running.counts.failures, 5);
  const [ban] = [...tried.tally.banlist.inForce()];
  assert.deepEqual(ban?.matches, ["192.0.2.1", "192.0.2.1"]);
  // What was more than enough does not begin another window.
  tried.fail("192.0.2.1", "address", undefined, 4);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
});

test("Tally runs no ignorecommand in a replay", () => {
  const tried = new Tried(asking("true"), { isLive: false });
  tried.fail("192.0.2.1");
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
});

test("Tally drops an answer for a jail that is gone by then", async () => {
  const tried = new Tried(asking("false"));
  const late = tried.late();
  tried.fail("192.0.2.1");
  tried.tally.reload(new Map());
  await late;
  assert.deepEqual(tried.commands(), []);
});

test("Tally tells its bans before a replay's clock has started", () => {
  const tried = new Tried({}, { isLive: false });
  tried.fail("192.0.2.1");
  tried.tally.sync();
  tried.tally.reload(new Map());
  assert.deepEqual(tried.commands(), [
    "ban 192.0.2.1",
    "sync begin",
    "ban 192.0.2.1",
    "sync end",
    "unban 192.0.2.1",
  ]);
});

/** Somebody whose third failure brings a ban, with two by now. */
function nearly(settings: Partial<Jail> = {}): Tried {
  const tried = new Tried({ maxretry: 3, ...settings });
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  return tried;
}

const somebody = { ip: "192.0.2.1" };

test("Tally knows what counts now, and what was there earlier", () => {
  const tried = nearly({ findtime: 60_000 });
  const { failures, matches, ban } = tried.tally.known(tried.running, somebody);
  assert.deepEqual(
    { failures, matches, ban },
    {
      failures: [NOW, NOW],
      matches: ["192.0.2.1", "192.0.2.1"],
      ban: undefined,
    },
  );
  tried.tally.tick(NOW + 59_999);
  assert.equal(tried.tally.known(tried.running, somebody).failures.length, 2);
  tried.tally.tick(NOW + 60_000);
  const later = tried.tally.known(tried.running, somebody);
  assert.deepEqual([later.failures, later.matches], [[], []]);
});

test("Tally bans by hand with what was counted, from zero on, and is heard by jails that count bans", () => {
  const tried = nearly();
  const again = tried.withJail({ name: "again", on: "ban", maxretry: 1 });
  const ban = tried.tally.ban(tried.running, somebody, undefined);
  assert.deepEqual(
    [ban?.failures, ban?.matches, ban?.manual, ban?.until],
    [2, ["192.0.2.1", "192.0.2.1"], true, NOW + 600_000],
  );
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1", "ban 192.0.2.1"]);
  assert.deepEqual([tried.running.counts.bans, again.counts.bans], [1, 1]);
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().length, 2, "two are not three");
});

test("Tally leaves a ban as it is when asked for it without an end, and moves its end with one", () => {
  const tried = new Tried({});
  tried.fail("192.0.2.1");
  assert.equal(tried.tally.ban(tried.running, somebody, undefined)?.until, NOW + 600_000);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
  assert.equal(tried.tally.ban(tried.running, somebody, null)?.until, null);
  assert.equal(tried.tally.ban(tried.running, somebody, 1000)?.until, NOW + 1000);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1", "ban 192.0.2.1", "ban 192.0.2.1"]);
  assert.equal(tried.tally.nextEnd, NOW + 1000);
  tried.tally.tick(NOW + 1000);
  assert.equal(tried.commands().at(-1), "unban 192.0.2.1");
});

test("Tally makes no ban by hand that would last no time", () => {
  const tried = new Tried({ bantime: 0 });
  assert.equal(tried.tally.ban(tried.running, somebody, undefined), undefined);
  assert.deepEqual(tried.commands(), []);
});

test("Tally ends a ban for another where too many are in force, before the other begins, and tells it", () => {
  const tried = new Tried({ maxretry: 1 }, { maxBans: 2 });
  for (const last of [1, 2, 3]) tried.fail(`192.0.2.${last}`);
  tried.tally.ban(tried.running, { ip: "192.0.2.4" }, undefined);
  assert.deepEqual(tried.commands(), [
    ...["ban 192.0.2.1", "ban 192.0.2.2", "unban 192.0.2.1", "ban 192.0.2.3"],
    ...["unban 192.0.2.2", "ban 192.0.2.4"],
  ]);
  assert.equal(tried.tally.counts.evicted, 2);
  assert.equal(tried.running.counts.unbans, 2);
});

test("Tally makes no ban by hand when too many are in force that all are by hand, and keeps the count", () => {
  const tried = new Tried({ maxretry: 3 }, { maxBans: 1 });
  tried.fail("192.0.2.1");
  tried.tally.ban(tried.running, { ip: "192.0.2.2" }, undefined);
  assert.equal(tried.tally.isFull, true);
  assert.equal(tried.tally.ban(tried.running, somebody, undefined), undefined);
  assert.equal(tried.tally.known(tried.running, somebody).failures.length, 1);
  assert.equal(tried.tally.ban(tried.running, { ip: "192.0.2.2" }, null)?.until, null, "it is there already");
});

test("Tally unbans by hand, and counts from zero", () => {
  const tried = new Tried({ maxretry: 2 });
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  assert.equal(tried.tally.unban("web", somebody), true);
  assert.equal(tried.tally.unban("web", somebody), false);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1", "unban 192.0.2.1"]);
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().length, 2, "failures during the ban are forgotten");
  tried.tally.unban("web", somebody);
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().length, 2, "and so are those of one who is not banned");
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().at(-1), "ban 192.0.2.1");
});
