import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNetwork } from "../src/address.ts";
import { Report } from "../src/cli/report.ts";
import { compileFilter } from "../src/filter/compile.ts";
import type { IgnoreRule, Jail } from "../src/rules/rule.ts";
import { RunningJail } from "../src/stream/jail.ts";
import { Tally } from "../src/stream/tally.ts";
import { filterRule, newJail } from "./helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

/** A tally with one jail, what it writes and what it tells. */
class Tried {
  readonly told: string[] = [];
  readonly #lines: string[] = [];
  readonly tally: Tally;
  readonly running: RunningJail;

  constructor(settings: Partial<Jail>, { isLive = true } = {}) {
    const report = new Report("test", (line) => this.told.push(line));
    const write = (line: string) => this.#lines.push(line);
    this.tally = new Tally({ isLive, maxKeys: 100, maxEvidence: 1 << 20, write, report });
    const jail = newJail({ maxretry: 1, ...settings });
    const filter = compileFilter(filterRule({ failregex: ["<HOST>"] }));
    const warn = () => assert.fail();
    const host = { isLive, maxKeys: 100, addressesOf: () => [], warn, onGiveUp: warn };
    this.running = new RunningJail({ jail, filter }, host);
    this.tally.reload(new Map([[jail.name, this.running]]));
    if (isLive) this.tally.tick(NOW);
  }

  /** Counts a failure; `kind` as its filter would have it. */
  fail(id: string, kind: "address" | "host" | "id" = "address", cidr?: string): void {
    const failure = {
      match: true,
      id,
      kind,
      cidr,
      time: NOW,
      regex: 0,
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
