import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCounter } from "../../helpers/counter.ts";

test("Decisions tells its bans before a replay's clock has started", () => {
  const tried = new TestCounter({}, { isLive: false });
  tried.fail("192.0.2.1");
  tried.decisions.sync();
  tried.decisions.reload(new Map());
  assert.deepEqual(tried.commands(), [
    "ban 192.0.2.1",
    "sync begin",
    "ban 192.0.2.1",
    "sync end",
    "unban 192.0.2.1",
  ]);
});

test("Decisions ends a ban for another where too many are in force, before the other begins, and tells it", () => {
  const tried = new TestCounter({ maxretry: 1 }, { maxBans: 2 });
  for (const last of [1, 2, 3]) tried.fail(`192.0.2.${last}`);
  tried.manualBans.ban("web", { ip: "192.0.2.4" }, undefined);
  assert.deepEqual(tried.commands(), [
    ...["ban 192.0.2.1", "ban 192.0.2.2", "unban 192.0.2.1", "ban 192.0.2.3"],
    ...["unban 192.0.2.2", "ban 192.0.2.4"],
  ]);
  assert.equal(tried.decisions.counts.evicted, 2);
  assert.equal(tried.running.counts.unbans, 2);
});
