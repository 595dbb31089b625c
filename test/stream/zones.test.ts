import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Ban } from "../../src/protocol/command.ts";
import { decode, isBan } from "../../src/protocol/command.ts";
import { appJails, TestEngine } from "../helpers/engine.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const NOW = Date.UTC(2026, 10, 28, 12);
/** When f2b-stream was started. */
const STARTED = NOW - minute;

const zone = process.env.TZ;
before(() => {
  process.env.TZ = "UTC";
});
after(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A failure at the program app, its stamp that of UTC: `Nov 28 12:00:00`. */
function failure(time: number, address = "192.0.2.1"): string {
  const date = new Date(time);
  const day = String(date.getUTCDate()).padStart(2);
  const stamp = `${MONTHS[date.getUTCMonth()]} ${day} ${date.toISOString().slice(11, 19)}`;
  return `${stamp} web1 app[7]: login failed from ${address}\n`;
}

async function engine(...sets: readonly string[]): Promise<TestEngine> {
  const jails = await appJails("app.maxretry=6", "app.bantime=10m", "app.findtime=10m", ...sets);
  return new TestEngine(
    jails.filter(({ jail }) => jail.name === "app"),
    STARTED,
  );
}

function bansOf({ lines }: TestEngine): readonly Ban[] {
  return lines.map((line) => decode(line, 0)).filter(isBan);
}

const zones: readonly { zone: string; told: readonly string[] }[] = [
  { zone: "UTC", told: [] },
  {
    zone: "Europe/Berlin",
    told: [
      "warning: lines are always 1h late, and count as now",
      "hint: the log is in another time zone: try --tz UTC",
    ],
  },
  {
    zone: "America/New_York",
    told: [
      "warning: lines are always 5h early, and count as now",
      "hint: the log is in another time zone: try --tz UTC",
    ],
  },
  {
    zone: "Asia/Kolkata",
    told: [
      "warning: lines are always 5h 30m late, and count as now",
      "hint: the log is in another time zone: try --tz UTC",
    ],
  },
];

for (const { zone, told } of zones) {
  for (const step of [second, 10 * second, 12 * second]) {
    test(`a log in UTC that is read in ${zone}: six failures, one every ${step / second} s, are a ban at the sixth`, async () => {
      process.env.TZ = zone;
      const tried = await engine();
      for (let n = 0; n < 6; n++) {
        assert.deepEqual(tried.commands(), []);
        tried.push(failure(NOW + n * step), NOW + n * step);
      }
      const time = NOW + 5 * step;
      assert.deepEqual(
        bansOf(tried).map(({ ip, time, until }) => [ip, time, until]),
        [["192.0.2.1", time, time + 10 * minute]],
      );
      for (let n = 6; n < 100; n++) tried.push(failure(NOW + n * step, `192.0.2.${n}`), NOW + n * step);
      assert.deepEqual(tried.told, told);
    });
  }
}

test("a failure of a log in another zone lasts as long as findtime, and no longer", async () => {
  process.env.TZ = "Europe/Berlin";
  const tried = await engine("app.maxretry=2");
  for (const [at, address] of [
    [0, "192.0.2.1"],
    [10, "192.0.2.2"],
    [15 * 60, "192.0.2.1"],
    [16 * 60, "192.0.2.2"],
    [20 * 60, "192.0.2.1"],
  ] as const)
    tried.push(failure(NOW + at * second, address), NOW + at * second);
  assert.deepEqual(tried.commands(), ["ban app 192.0.2.1"]);
});

for (const [name, age] of [
  ["an hour", hour],
  ["a day", 24 * hour],
] as const) {
  test(`a backlog of ${name}, with bursts of failures: bans are those that are still in force at their own time, and no others`, async () => {
    process.env.TZ = "UTC";
    const tried = await engine();
    const attacks = [age, age - 10 * minute, 5 * minute].map((ago, n) => ({
      ago,
      address: `192.0.2.${n + 1}`,
    }));
    for (const { ago, address } of attacks)
      for (let n = 0; n < 6; n++) tried.push(failure(NOW - ago + n * second, address), NOW + second);
    tried.push(failure(NOW, "192.0.2.99"), NOW + second);
    assert.deepEqual(
      bansOf(tried).map(({ ip, time }) => [ip, time]),
      [["192.0.2.3", NOW - 5 * minute + 5 * second]],
    );
    assert.deepEqual(
      tried.told.filter((line) => line.includes("always")),
      [],
    );
  });
}

test("a backlog that ends the input is counted with its own times", async () => {
  const tried = await engine();
  for (let n = 0; n < 6; n++) tried.push(failure(NOW - 5 * minute + n * second), NOW);
  assert.deepEqual(tried.commands(), []);
  tried.engine.end(NOW);
  assert.deepEqual(
    bansOf(tried).map(({ time }) => time),
    [NOW - 5 * minute + 5 * second],
  );
});

test("a relay that delivers an hour at once, in a live log", async () => {
  process.env.TZ = "UTC";
  const tried = await engine();
  tried.push(failure(NOW, "192.0.2.50"), NOW);
  const from = NOW + 10 * minute;
  for (let n = 0; n < 6; n++) tried.push(failure(from - hour + n * second), from);
  for (let n = 0; n < 50; n++) tried.push(failure(from - hour + n * minute, `192.0.2.${n + 100}`), from);
  tried.push(failure(from, "192.0.2.50"), from);
  assert.deepEqual(tried.commands(), []);
});

test("what is there when reading begins is a backlog at once", async () => {
  const again = await engine("app.bantime=1h");
  for (let n = 0; n < 6; n++) again.push(failure(STARTED - 5 * minute + n * second), STARTED + 2 * second);
  assert.deepEqual(
    bansOf(again).map(({ time }) => time),
    [STARTED - 5 * minute + 5 * second],
  );
});
