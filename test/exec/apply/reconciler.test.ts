import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { Actions } from "../../../src/exec/actions/actions.ts";
import { Executor } from "../../../src/exec/apply/executor.ts";
import { Policy } from "../../../src/exec/decide/policy.ts";
import { ipsetBackend } from "../../../src/exec/kernel/ipset/ipset.ts";
import { noLock } from "../../../src/exec/kernel/lock.ts";
import { decode } from "../../../src/protocol/command.ts";
import { FakeClock } from "../../helpers/clock.ts";
import { FakeIpset } from "../../helpers/fake-ipset.ts";
import { FakeTool } from "../../helpers/fake-tool.ts";

const START = "2026-11-21T20:00:00.000Z";
const SET = "f2bs-manual-4";
const DAY = 86_400_000;

/** An executor with sets in memory, watching, on a clock that the test moves. */
function setUp() {
  const clock = new FakeClock(START);
  const told: string[] = [];
  const report = new Report("f2b-exec", (text) => told.push(text.trimEnd().replace("f2b-exec: ", "")));
  const ipset = new FakeIpset(clock);
  const iptables = new FakeTool(4);
  const executor = new Executor({
    backend: ipsetBackend([iptables], ipset, ["INPUT"], () => clock.now()),
    clock,
    policy: new Policy({ neverBan: [], host: () => [] }),
    lock: noLock,
    actions: new Actions({
      actionsOf: () => [],
      report,
      run: async () => ({ status: 0, stdout: "", stderr: "" }),
    }),
    settingsOf: () => ({ blocktype: "drop", chain: ["INPUT", "DOCKER-USER"], actions: [] }),
    maxBans: 100,
    report,
  });
  executor.watch();
  const send = async (...lines: object[]) => {
    for (const line of lines) executor.accept(decode(JSON.stringify(line), clock.now()));
    await executor.idle();
  };
  /** Lets time pass a second at a time, so that each check ends before the next, or in bigger steps. */
  const pass = async (milliseconds: number, step = 1000) => {
    for (let passed = 0; passed < milliseconds; passed += step) {
      clock.advance(step);
      await executor.idle();
    }
  };
  return { clock, told, ipset, iptables, executor, send, pass };
}

const ban = (last: number, until: number | null) => ({
  ...{ cmd: "ban", ip: `192.0.2.${last}` },
  until: until === null ? null : new Date(Date.parse(START) + until).toISOString(),
});
const members = ({ sets }: FakeIpset) => [...(sets.get(SET)?.keys() ?? [])].sort();

test("Reconciler restores flushed members within a second", async () => {
  const { ipset, send, pass, told, executor } = setUp();
  await send(ban(7, null), ban(8, 3_600_000));
  ipset.sets.get(SET)?.clear();
  await pass(1000);
  assert.deepEqual(members(ipset), ["192.0.2.7", "192.0.2.8"]);
  assert.equal(
    told.at(-1),
    "warning: another program changed the firewall: restored manual, corrected 2 bans",
  );
  executor.stop();
});

test("Reconciler says nothing and changes nothing while all is well, ends included", async () => {
  const { ipset, send, pass, told, executor } = setUp();
  await send(ban(7, null), ban(8, 3500));
  ipset.lines.length = 0;
  told.length = 0;
  await pass(70_000);
  assert.deepEqual(ipset.lines, [`del ${SET} 192.0.2.8`]);
  assert.deepEqual(told, ["NOTICE [manual] Unban 192.0.2.8"]);
  executor.stop();
});

test("Reconciler sets the timeout of a ban again when the wall clock jumped", async () => {
  const { clock, ipset, send, pass, told, executor } = setUp();
  await send(ban(7, 10 * DAY));
  ipset.lines.length = 0;
  clock.step(-DAY);
  await pass(1000);
  assert.deepEqual(ipset.lines, [`add ${SET} 192.0.2.7 timeout ${11 * 86_400 - 1}`]);
  assert.match(told.at(-1) ?? "", /^warning: the wall clock jumped or the machine slept: restored manual/);
  executor.stop();
});

test("Reconciler renews a ban that lasts longer than the kernel can hold it, until it has ended", async () => {
  const { ipset, send, pass, executor, told } = setUp();
  await send(ban(7, 60 * DAY));
  let without = 0;
  for (let day = 0; day < 59; day++) {
    await pass(DAY, DAY / 24);
    if (ipset.sets.get(SET)?.get("192.0.2.7")?.end === 0) without++;
    const { stdout } = await ipset.headers();
    if (!stdout.includes("entries: 1")) without++;
  }
  assert.equal(without, 0);
  assert.deepEqual(told, ["NOTICE [manual] Ban 192.0.2.7"]);
  await pass(2 * DAY, DAY / 24);
  assert.deepEqual(members(ipset), []);
  executor.stop();
});

test("Reconciler covers DOCKER-USER when Docker starts later, and continues when it has stopped", async () => {
  const { iptables, send, pass, executor, told } = setUp();
  await send(ban(7, null));
  iptables.chains.set("DOCKER-USER", []);
  await pass(6000);
  const jump = `-m set --match-set ${SET} src -j DROP`;
  assert.deepEqual(iptables.chains.get("DOCKER-USER"), [jump]);
  iptables.chains.delete("DOCKER-USER");
  await send(ban(8, null));
  await pass(66_000);
  assert.deepEqual(iptables.chains.get("INPUT"), [jump]);
  assert.ok(told.includes("NOTICE [manual] Ban 192.0.2.8"));
  executor.stop();
});
