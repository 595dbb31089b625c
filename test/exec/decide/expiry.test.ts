import assert from "node:assert/strict";
import { test } from "node:test";
import { DesiredBans } from "../../../src/exec/decide/desired-bans.ts";
import { Expiry } from "../../../src/exec/decide/expiry.ts";
import { FakeClock } from "../../helpers/clock.ts";

const START = "2026-11-21T20:00:00.000Z";
const DAY = 86_400_000;

function expiryOn(clock: FakeClock): { expiry: Expiry<string>; due: string[] } {
  const due: string[] = [];
  return { expiry: new Expiry<string>(clock, (items) => due.push(...items)), due };
}

test("Expiry gives items in the order of their times, with one timer", () => {
  const clock = new FakeClock(START);
  const { expiry, due } = expiryOn(clock);
  for (const seconds of [30, 10, 20]) expiry.add(clock.now() + seconds * 1000, `after ${seconds}`);
  assert.equal(clock.timers, 1);
  clock.advance(9_999);
  assert.deepEqual(due, []);
  clock.advance(20_001);
  assert.deepEqual(due, ["after 10", "after 20", "after 30"]);
  assert.equal(clock.timers, 0);
});

test("Expiry keeps a year, which is longer than setTimeout allows", () => {
  const clock = new FakeClock(START);
  const { expiry, due } = expiryOn(clock);
  expiry.add(clock.now() + 365 * DAY, "a year");
  clock.advance(365 * DAY - 1);
  assert.deepEqual(due, []);
  clock.advance(1);
  assert.deepEqual(due, ["a year"]);
});

test("Expiry notices within a minute that the wall clock jumped forward", () => {
  const clock = new FakeClock(START);
  const { expiry, due } = expiryOn(clock);
  expiry.add(clock.now() + DAY, "tomorrow");
  clock.step(DAY);
  clock.advance(60_000);
  assert.deepEqual(due, ["tomorrow"]);
});

test("Expiry waits for the time when the wall clock jumped back", () => {
  const clock = new FakeClock(START);
  const { expiry, due } = expiryOn(clock);
  expiry.add(clock.now() + 30_000, "soon");
  clock.step(-DAY);
  clock.advance(60_000);
  assert.deepEqual(due, []);
  clock.advance(DAY);
  assert.deepEqual(due, ["soon"]);
});

test("Expiry stops its timer", () => {
  const clock = new FakeClock(START);
  const { expiry } = expiryOn(clock);
  expiry.add(clock.now() + 1000, "never");
  expiry.stop();
  assert.equal(clock.timers, 0);
});

test("DesiredBans reports the end of a ban that was prolonged once, at its new end", () => {
  const clock = new FakeClock(START);
  const due: string[] = [];
  const desired = new DesiredBans(clock, (bans) => due.push(...bans.map(({ ip = "" }) => ip)));
  const target = { jail: "sshd", ip: "192.0.2.7" };
  desired.set(target, clock.now() + 10_000);
  desired.set(target, clock.now() + 20_000);
  clock.advance(19_999);
  assert.deepEqual(due, []);
  clock.advance(1);
  assert.deepEqual(due, ["192.0.2.7"]);
});

test("DesiredBans counts bans and those that end; a ban that is repeated takes no more room", () => {
  const clock = new FakeClock(START);
  const desired = new DesiredBans(clock, () => undefined);
  const target = { jail: "sshd", ip: "192.0.2.7" };
  for (let i = 0; i < 5000; i++) desired.set(target, clock.now() + DAY + i);
  desired.set({ jail: "smtp", ip: "192.0.2.7" }, null);
  assert.deepEqual([desired.size, desired.ending], [2, 1]);
  assert.ok(desired.scheduled < 1100, `${desired.scheduled} ends`);
  desired.set(target, undefined);
  assert.deepEqual([desired.size, desired.ending], [1, 0]);
});
