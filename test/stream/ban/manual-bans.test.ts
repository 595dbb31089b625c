import assert from "node:assert/strict";
import { test } from "node:test";
import type { Jail } from "../../../src/rules/rule.ts";
import { NOW, TestCounter } from "../../helpers/counter.ts";

/** Somebody whose third failure brings a ban, with two by now. */
function nearly(settings: Partial<Jail> = {}): TestCounter {
  const tried = new TestCounter({ maxretry: 3, ...settings });
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  return tried;
}

const somebody = { ip: "192.0.2.1" };

test("ManualBans knows what counts now, and what was there earlier", () => {
  const tried = nearly({ findtime: 60_000 });
  const { failures, matches, ban } = tried.manualBans.recordOf("web", somebody);
  assert.deepEqual(
    { failures, matches, ban },
    {
      failures: [NOW, NOW],
      matches: ["192.0.2.1", "192.0.2.1"],
      ban: undefined,
    },
  );
  tried.decisions.tick(NOW + 59_999);
  assert.equal(tried.manualBans.recordOf("web", somebody).failures.length, 2);
  tried.decisions.tick(NOW + 60_000);
  const later = tried.manualBans.recordOf("web", somebody);
  assert.deepEqual([later.failures, later.matches], [[], []]);
});

test("ManualBans bans by hand with what was counted, from zero on, and is heard by jails that count bans", () => {
  const tried = nearly();
  const again = tried.withJail({ name: "again", on: "ban", maxretry: 1 });
  const ban = tried.manualBans.ban("web", somebody, undefined);
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

test("ManualBans leaves a ban as it is when asked for it without an end, and moves its end with one", () => {
  const tried = new TestCounter({});
  tried.fail("192.0.2.1");
  assert.equal(tried.manualBans.ban("web", somebody, undefined)?.until, NOW + 600_000);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1"]);
  assert.equal(tried.manualBans.ban("web", somebody, null)?.until, null);
  assert.equal(tried.manualBans.ban("web", somebody, 1000)?.until, NOW + 1000);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1", "ban 192.0.2.1", "ban 192.0.2.1"]);
  assert.equal(tried.decisions.nextEnd, NOW + 1000);
  tried.decisions.tick(NOW + 1000);
  assert.equal(tried.commands().at(-1), "unban 192.0.2.1");
});

test("ManualBans makes no ban by hand that would last no time", () => {
  const tried = new TestCounter({ bantime: 0 });
  assert.equal(tried.manualBans.ban("web", somebody, undefined), undefined);
  assert.deepEqual(tried.commands(), []);
});

test("ManualBans makes no ban by hand when too many are in force that all are by hand, and keeps the count", () => {
  const tried = new TestCounter({ maxretry: 3 }, { maxBans: 1 });
  tried.fail("192.0.2.1");
  tried.manualBans.ban("web", { ip: "192.0.2.2" }, undefined);
  assert.equal(tried.manualBans.isFull, true);
  assert.equal(tried.manualBans.ban("web", somebody, undefined), undefined);
  assert.equal(tried.manualBans.recordOf("web", somebody).failures.length, 1);
  assert.equal(tried.manualBans.ban("web", { ip: "192.0.2.2" }, null)?.until, null, "it is there already");
});

test("ManualBans unbans by hand, and counts from zero", () => {
  const tried = new TestCounter({ maxretry: 2 });
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  tried.fail("192.0.2.1");
  assert.equal(tried.manualBans.unban("web", somebody), true);
  assert.equal(tried.manualBans.unban("web", somebody), false);
  assert.deepEqual(tried.commands(), ["ban 192.0.2.1", "unban 192.0.2.1"]);
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().length, 2, "failures during the ban are forgotten");
  tried.manualBans.unban("web", somebody);
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().length, 2, "and so are those of one who is not banned");
  tried.fail("192.0.2.1");
  assert.equal(tried.commands().at(-1), "ban 192.0.2.1");
});
