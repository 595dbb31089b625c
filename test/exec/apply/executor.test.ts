import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { Actions } from "../../../src/exec/actions/actions.ts";
import { Executor } from "../../../src/exec/apply/executor.ts";
import { Policy } from "../../../src/exec/decide/policy.ts";
import { iptablesBackend } from "../../../src/exec/kernel/iptables/iptables.ts";
import { type JailLock, noLock } from "../../../src/exec/kernel/lock.ts";
import { Reporter } from "../../../src/exec/report/reporter.ts";
import type { ActionSpec } from "../../../src/exec/settings/settings.ts";
import { decode, type EnforcedBan } from "../../../src/protocol/command.ts";
import type { Result } from "../../../src/protocol/result.ts";
import { parseNetwork } from "../../../src/shared/address.ts";
import { FakeClock } from "../../helpers/clock.ts";
import { FakeTool } from "../../helpers/fake-tool.ts";

const START = "2026-11-21T20:00:00.000Z";

interface Options {
  readonly actions?: readonly ActionSpec[];
  readonly maxBans?: number;
  readonly lock?: JailLock;
  readonly tool?: FakeTool;
}

/** An executor on tables in memory, on a clock that the test moves. */
function setUp({ actions: specs = [], maxBans = 100, lock = noLock, tool = new FakeTool(4) }: Options = {}) {
  const clock = new FakeClock(START);
  const told: string[] = [];
  const ran: string[] = [];
  const results: Result[] = [];
  const report = new Report("f2b-exec", (text) =>
    told.push(
      ...text
        .trimEnd()
        .split("\n")
        .map((line) => line.replace("f2b-exec: ", "")),
    ),
  );
  const actions = new Actions({
    actionsOf: () => specs,
    report,
    run: async (argv) => {
      ran.push(argv.join(" "));
      return { status: 0, stdout: "", stderr: "" };
    },
  });
  const executor = new Executor({
    backend: iptablesBackend([tool, new FakeTool(6)], ["INPUT"], (message) => told.push(message)),
    clock,
    policy: new Policy({
      neverBan: [parseNetwork("203.0.113.0/24")].filter((n) => n !== undefined),
      host: () => [],
    }),
    lock,
    actions,
    settingsOf: () => ({ blocktype: "drop", chain: ["INPUT"], actions: specs }),
    maxBans,
    report,
    onResult: (result) => results.push(result),
  });
  const send = async (...lines: object[]) => {
    for (const line of lines) executor.accept(decode(JSON.stringify(line), clock.now()));
    await executor.idle();
    await actions.idle();
  };
  const chain = (name = "f2bs-manual") => tool.chains.get(name);
  return { clock, told, ran, results, executor, send, tool, chain };
}

const ban = (last: number, more: object = {}) => ({ cmd: "ban", ip: `192.0.2.${last}`, ...more });
const unban = (last: number, more: object = {}) => ({ cmd: "unban", ip: `192.0.2.${last}`, ...more });
const ended = (last: number) =>
  ({ cmd: "unban", jail: "web", ip: `192.0.2.${last}`, result: "applied" }) as const;
const results = (list: readonly Result[]) => list.map(({ result }) => result);
const hours = (count: number) => new Date(Date.parse(START) + count * 3_600_000).toISOString();

test("Executor carries out commands of one address in their order, with one transaction", async () => {
  const { send, results: list, chain, tool, told } = setUp();
  await send(ban(7), unban(7), ban(8), ban(8), unban(8), ban(7));
  assert.deepEqual(results(list), ["applied", "applied", "applied", "already", "applied", "applied"]);
  assert.deepEqual(chain(), ["-s 192.0.2.7/32 -j DROP", "-j RETURN"]);
  assert.equal(tool.commits.length, 1);
  assert.deepEqual(told, [
    "NOTICE [manual] Ban 192.0.2.7",
    "NOTICE [manual] Unban 192.0.2.7",
    "NOTICE [manual] Ban 192.0.2.8",
    "NOTICE [manual] 192.0.2.8 already banned",
    "NOTICE [manual] Unban 192.0.2.8",
    "NOTICE [manual] Ban 192.0.2.7",
  ]);
});

test("Executor ends a ban at its until, and ignores the unban of f2b-stream for it", async () => {
  const {
    send,
    clock,
    executor,
    chain,
    told,
    ran,
    results: list,
  } = setUp({ actions: [{ actionunban: ["undo", "<ip>"] }] });
  await send(ban(7, { until: hours(1) }));
  clock.advance(3_599_999);
  await executor.idle();
  assert.equal(chain()?.length, 2);
  clock.advance(1);
  await send(unban(7, { reason: "expired" }));
  assert.deepEqual(chain(), ["-j RETURN"]);
  assert.deepEqual(ran, ["undo 192.0.2.7"]);
  assert.deepEqual(told, ["NOTICE [manual] Ban 192.0.2.7", "NOTICE [manual] Unban 192.0.2.7"]);
  assert.deepEqual(results(list), ["applied", "applied", "already"]);
});

test("Executor keeps a ban of a year for a year", async () => {
  const { send, clock, executor, chain } = setUp();
  await send(ban(7, { until: hours(24 * 365) }));
  clock.advance(24 * 365 * 3_600_000 - 1);
  await executor.idle();
  assert.equal(chain()?.length, 2);
  clock.advance(1);
  await executor.idle();
  assert.equal(chain()?.length, 1);
});

test("Executor moves the end of a repeated ban", async () => {
  const { send, clock, executor, chain, results: list, told } = setUp();
  await send(ban(7, { until: hours(1) }), ban(7, { until: hours(2) }));
  assert.deepEqual(results(list), ["applied", "already"]);
  assert.equal(told[1], "NOTICE [manual] 192.0.2.7 already banned, now until 2026-11-21T22:00:00.000Z");
  clock.advance(3_600_000);
  await executor.idle();
  assert.equal(chain()?.length, 2);
  clock.advance(3_600_000);
  await executor.idle();
  assert.equal(chain()?.length, 1);
});

test("Executor does not apply bans that have ended, and reports their number once", async () => {
  const { send, results: list, told, tool } = setUp();
  const old = { until: "2014-01-07T15:09:04.000Z", time: "2014-01-07T14:59:04.000Z" };
  await send(ban(7, old), ban(8, old), ban(9, old));
  assert.deepEqual(results(list), ["refused", "refused", "refused"]);
  assert.deepEqual(told, ["warning: 3 bans not applied: already ended when the command came"]);
  assert.equal(tool.commits.length, 0);
});

test("Executor: a ban that is not applied does not change the jail's ports", async () => {
  const { send, tool } = setUp();
  const ended = { until: "2014-01-07T15:09:04.000Z", time: "2014-01-07T14:59:04.000Z" };
  await send(ban(7, { port: [25] }), ban(8, { port: [99], ...ended }), {
    cmd: "ban",
    ip: "127.0.0.1",
    port: [98],
  });
  assert.deepEqual(tool.chains.get("INPUT"), ["-p tcp -m multiport --dports 25 -j f2bs-manual"]);
});

test("Executor warns once of a jail with too many bans for iptables", async () => {
  const { send, told } = setUp({ maxBans: 5000 });
  const bans = Array.from({ length: 1001 }, (_, i) => ({ cmd: "ban", ip: `198.18.${i >> 8}.${i & 255}` }));
  await send(...bans.slice(0, 1000));
  const warnings = () => told.filter((line) => line.includes("more than 1000 bans"));
  assert.equal(warnings().length, 0);
  await send(...bans.slice(1000));
  await send(ban(7));
  assert.equal(warnings().length, 1);
});

test("Executor refuses protected addresses, and continues", async () => {
  const { send, results: list, told, chain } = setUp();
  await send({ cmd: "ban", ip: "203.0.113.9" }, { cmd: "ban", ip: "127.0.0.1" }, ban(7));
  assert.deepEqual(results(list), ["refused", "refused", "applied"]);
  assert.deepEqual(told.slice(0, 2), [
    "warning: refused [manual] 203.0.113.9: on the never-ban list (203.0.113.0/24)",
    "warning: refused [manual] 127.0.0.1: loopback (127.0.0.0/8)",
  ]);
  assert.equal(chain()?.length, 2);
});

test("Executor refuses bans beyond --max-bans, until one ends", async () => {
  const { send, results: list } = setUp({ maxBans: 2 });
  await send(ban(1), ban(2), ban(3), ban(2), unban(1), ban(3));
  assert.deepEqual(results(list), ["applied", "applied", "refused", "already", "applied", "applied"]);
});

test("Executor at the bound: the ban of the lowest rank that ends soonest makes room, reported together; the kernel has the rest", async () => {
  const { send, results: list, told, chain, executor } = setUp({ maxBans: 3 });
  const upTo = (last: number, count: number, more: object = {}) =>
    ban(last, { jail: "web", until: hours(count), ...more });
  await send(upTo(1, 3, { bancount: 2 }), upTo(2, 5), upTo(3, 4));
  await send(upTo(7, 1, { bancount: 3 }));
  assert.deepEqual(list.slice(3), [
    { ...ended(3), error: "ended for another: 3 bans are in force, see --max-bans", ms: 0 },
    { cmd: "ban", jail: "web", ip: "192.0.2.7", result: "applied", ms: 0 },
  ]);
  assert.deepEqual(
    chain("f2bs-web")?.map((rule) => rule.split(" ")[1]),
    [...["192.0.2.7/32", "192.0.2.2/32", "192.0.2.1/32", "RETURN"]],
  );
  list.length = 0;
  // One that goes on is worth as much as one that comes back, and a first one gets in too.
  await send(upTo(2, 5, { repeat: true }), upTo(8, 9), upTo(9, 9), unban(8, { jail: "web" }));
  assert.deepEqual(
    list.map(({ cmd, ip, result }) => `${cmd} ${ip} ${result}`),
    [
      ...["ban 192.0.2.2 already", "unban 192.0.2.7 applied", "ban 192.0.2.8 applied"],
      ...["unban 192.0.2.8 applied", "ban 192.0.2.9 applied", "unban 192.0.2.8 already"],
    ],
  );
  assert.deepEqual(
    told.filter((line) => line.includes("warning")),
    [1, 2].map(
      (n) => `warning: ${n} ban${n > 1 ? "s" : ""} ended for another: 3 bans are in force, see --max-bans`,
    ),
  );
  executor.stop();
});

test("Executor at the bound: no flood ends bans without an end or by hand; these make room only for their like", async () => {
  const { send, results: list, executor } = setUp({ maxBans: 2 });
  const web = (last: number, more: object = {}) => ban(last, { jail: "web", until: hours(1), ...more });
  await send(web(1, { until: null }), ban(2), web(3, { bancount: 9 }));
  assert.deepEqual(results(list), ["applied", "applied", "refused"]);
  await send(web(4, { until: null }), web(5, { manual: true }), web(6, { until: null }));
  assert.deepEqual(
    list.slice(3).map(({ cmd, ip, result }) => `${cmd} ${ip} ${result}`),
    [
      ...["unban 192.0.2.1 applied", "ban 192.0.2.4 applied", "unban 192.0.2.4 applied"],
      ...["ban 192.0.2.5 applied", "ban 192.0.2.6 refused"],
    ],
  );
  executor.stop();
});

test("Executor gives the kernel no ban that came and was evicted in one batch", async () => {
  const { send, tool, executor } = setUp({ maxBans: 2 });
  const flood = Array.from({ length: 40 }, (_, n) => ban(n, { jail: "web", until: hours(1) }));
  const rules = () => tool.commits.flat().filter((rule) => rule.includes("-s"));
  await send(...flood);
  assert.deepEqual(
    rules().map((rule) => rule[rule.indexOf("-s") + 1]),
    ["192.0.2.39/32", "192.0.2.38/32"],
  );
  executor.stop();
});

test("Executor: the same address in two jails, and its network, are separate bans", async () => {
  const { send, chain } = setUp();
  await send(ban(7, { jail: "a" }), ban(7, { jail: "b" }), { cmd: "ban", jail: "a", ip: "192.0.2.0/24" });
  await send(unban(7, { jail: "a" }));
  assert.deepEqual(chain("f2bs-a"), ["-s 192.0.2.0/24 -j DROP", "-j RETURN"]);
  assert.deepEqual(chain("f2bs-b"), ["-s 192.0.2.7/32 -j DROP", "-j RETURN"]);
});

test("Executor changes a jail's ports when a command names others, and reports it", async () => {
  const { send, told, tool } = setUp();
  await send(ban(7, { port: [465, 25], protocol: ["tcp"] }), ban(8, { port: [25, 465] }), ban(9));
  assert.deepEqual(tool.chains.get("INPUT"), ["-p tcp -m multiport --dports 25,465 -j f2bs-manual"]);
  await send(ban(8, { port: [25], protocol: ["all"] }));
  assert.equal(told.at(-2), "NOTICE [manual] now ports 25 tcp,udp");
  assert.deepEqual(tool.chains.get("INPUT"), [
    "-p tcp -m multiport --dports 25 -j f2bs-manual",
    "-p udp -m multiport --dports 25 -j f2bs-manual",
  ]);
});

test("Executor refuses a protocol without ports, and the jail keeps its own", async () => {
  const { send, results: list, tool } = setUp();
  await send(ban(7, { port: [25] }), ban(8, { port: [25], protocol: ["icmp"] }), ban(9));
  assert.deepEqual(results(list), ["applied", "refused", "applied"]);
  assert.deepEqual(tool.chains.get("INPUT"), ["-p tcp -m multiport --dports 25 -j f2bs-manual"]);
});

test("Executor: a ban that fails is not in force, is reported, and can be repeated", async () => {
  const { send, results: list, told, tool, ran } = setUp({ actions: [{ actionban: ["do", "<ip>"] }] });
  tool.poison = "192.0.2.7/32";
  await send(ban(7), ban(8));
  tool.poison = undefined;
  await send(ban(7));
  assert.deepEqual(results(list), ["failed", "applied", "applied"]);
  assert.match(told[0] ?? "", /^error: \[manual\] 192\.0\.2\.7: exit status 1: poisoned/);
  assert.deepEqual(ran, ["do 192.0.2.8", "do 192.0.2.7"]);
});

test("Executor tries again to end a ban that could not be ended", async () => {
  const { send, clock, executor, chain, tool } = setUp();
  await send(ban(7, { until: hours(1) }));
  tool.poison = "-D";
  clock.advance(3_600_000);
  await executor.idle();
  assert.equal(chain()?.length, 2);
  tool.poison = undefined;
  clock.advance(29_999);
  await executor.idle();
  assert.equal(chain()?.length, 2);
  clock.advance(1);
  await executor.idle();
  assert.equal(chain()?.length, 1);
});

test("Executor takes over the bans of an earlier run with their ends", async () => {
  const first = setUp();
  await first.send(ban(7, { until: hours(1) }), ban(8));
  const { send, clock, executor, chain, told, results: list } = setUp({ tool: first.tool });
  await send(ban(8), unban(9));
  assert.equal(told[0], "NOTICE [manual] took over 2 bans of an earlier run");
  assert.deepEqual(results(list), ["already", "already"]);
  clock.advance(3_600_000);
  await executor.idle();
  assert.deepEqual(chain(), ["-s 192.0.2.8/32 -j DROP", "-j RETURN"]);
});

test("Executor refuses the commands of a jail that another process serves, and tries again later", async () => {
  let holder: string | undefined = "another f2b-exec serves it (pid 7)";
  const lock = { take: async (jail: string) => (jail === "taken" ? holder : undefined) };
  const { send, clock, results: list, told } = setUp({ lock });
  await send(ban(7, { jail: "taken" }), ban(8, { jail: "taken" }), ban(7));
  assert.deepEqual(results(list), ["refused", "refused", "applied"]);
  assert.equal(told[0], "error: jail taken: another f2b-exec serves it (pid 7)");
  holder = undefined;
  clock.advance(5000);
  await send(ban(7, { jail: "taken" }));
  assert.equal(list.at(-1)?.result, "applied");
});

test("Executor: commands with an id only reach actions, also when they end", async () => {
  const { send, clock, executor, ran, tool } = setUp({
    actions: [{ actionban: ["do"], actionunban: ["undo"] }],
  });
  await send({ cmd: "ban", id: "user one", until: hours(1) });
  clock.advance(3_600_000);
  await executor.idle();
  assert.deepEqual(ran, ["do", "undo"]);
  assert.equal(tool.commits.length, 0);
});

test("Executor runs the actions of an unban of an unknown address", async () => {
  const {
    send,
    ran,
    results: list,
    told,
  } = setUp({ actions: [{ actionunban: ["undo", "<ip>", "<name>"] }] });
  await send(unban(7));
  assert.deepEqual(ran, ["undo 192.0.2.7 manual"]);
  assert.deepEqual(results(list), ["already"]);
  assert.deepEqual(told, ["NOTICE [manual] 192.0.2.7 is not banned"]);
});

test("Executor skips commands that are not enforced", async () => {
  const { send, results: list, tool } = setUp();
  await send(
    ban(7, { cmd: "would-ban" }),
    unban(7, { cmd: "would-unban" }),
    { cmd: "sync", phase: "begin", jails: ["manual"] },
    { cmd: "sync", phase: "end" },
  );
  assert.deepEqual([list.length, tool.commits.length], [0, 0]);
});

test("Executor.flush removes the jails that it served, and stops their actions", async () => {
  const { send, executor, ran, tool } = setUp({
    actions: [{ actionunban: ["undo", "<ip>"], actionstop: ["stop", "<name>"] }, { actionflush: ["flush"] }],
  });
  tool.chains.set("f2bs-other", ["-j RETURN"]);
  await send(ban(7), ban(8));
  await executor.flush();
  assert.deepEqual([...tool.chains.keys()], ["INPUT", "f2bs-other"]);
  assert.deepEqual(ran, ["undo 192.0.2.7", "undo 192.0.2.8", "stop manual", "flush"]);
});

test("Executor.allEnded waits for the bans that have an end, not for those without", async () => {
  const { send, clock, executor } = setUp();
  await send(ban(7, { until: hours(1) }), ban(8));
  let hasEnded = false;
  const ended = executor.allEnded().then(() => {
    hasEnded = true;
  });
  clock.advance(3_599_999);
  await executor.idle();
  assert.equal(hasEnded, false);
  clock.advance(1);
  await ended;
});

test("Reporter counts bans that had ended for two seconds before it reports them", () => {
  const clock = new FakeClock(START);
  const told: string[] = [];
  const report = new Report("f2b-exec", (line) => told.push(line));
  const reporter = new Reporter({ clock, report, onResult: () => undefined });
  const command = decode(JSON.stringify(ban(7)), 0) as EnforcedBan;
  const outcome = {
    job: { command, read: 0 },
    target: { jail: "manual", ip: "192.0.2.7" },
    result: "refused",
    error: "ended",
    group: "ended",
  } as const;
  for (let i = 0; i < 3; i++) reporter.report(outcome, undefined);
  clock.advance(1999);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ["f2b-exec: warning: 3 bans not applied: already ended when the command came\n"]);
});

test("Executor: sync drops what was not named between begin and end, and nothing without an end", async () => {
  const { send, chain, told } = setUp();
  await send(ban(1), ban(2), ban(3));
  await send({ cmd: "sync", phase: "begin", jails: ["manual"] }, ban(2), ban(4), unban(4), ban(5));
  assert.equal(chain()?.length, 5);
  told.length = 0;
  await send({ cmd: "sync", phase: "end" }, { cmd: "sync", phase: "end" });
  assert.deepEqual(chain(), ["-s 192.0.2.5/32 -j DROP", "-s 192.0.2.2/32 -j DROP", "-j RETURN"]);
  assert.deepEqual(told, ["NOTICE [manual] Unban 192.0.2.1", "NOTICE [manual] Unban 192.0.2.3"]);
});

test("Executor: bans that a sync will drop take up no room of --max-bans", async () => {
  const { send, results: list, told } = setUp({ maxBans: 2 });
  await send(ban(1), ban(2), ban(3));
  const begin = { cmd: "sync", phase: "begin", jails: ["manual"] };
  await send(begin, ban(4), ban(5), ban(6), { cmd: "sync", phase: "end" });
  const said = ["applied", "applied", "refused", "applied", "applied", "refused", "applied", "applied"];
  assert.deepEqual(results(list), said);
  assert.ok(told.includes("warning: 1 ban not applied: 2 bans are in force, see --max-bans"), told.join());
});

test("Executor restores what others removed, and reports it in one line", async () => {
  const { executor, clock, send, tool, told, chain } = setUp();
  executor.watch();
  await send(ban(7), ban(8), unban(8), ban(9));
  const before = structuredClone(tool.chains);
  for (const list of tool.chains.values()) list.length = 0;
  told.length = 0;
  clock.advance(1000);
  await executor.idle();
  assert.deepEqual(tool.chains.get("INPUT"), before.get("INPUT"));
  assert.deepEqual(chain()?.toSorted(), before.get("f2bs-manual")?.toSorted());
  assert.deepEqual(told, [
    "warning: another program changed the firewall: restored manual, corrected 2 bans",
  ]);
  executor.stop();
});

test("Executor removes unexpected rules at a full check", async () => {
  const { executor, clock, send, chain } = setUp();
  executor.watch();
  await send(ban(7));
  chain()?.unshift("-s 192.0.2.66/32 -j DROP");
  for (let second = 0; second < 6; second++) {
    clock.advance(1000);
    await executor.idle();
  }
  assert.deepEqual(chain(), ["-s 192.0.2.7/32 -j DROP", "-j RETURN"]);
  executor.stop();
});

test("Executor ends bans at once when a jump of the clock ended them", async () => {
  const { executor, clock, send, chain } = setUp();
  executor.watch();
  await send(ban(7, { until: hours(2) }), ban(8));
  clock.step(3 * 3_600_000);
  clock.advance(1000);
  await executor.idle();
  assert.deepEqual(chain(), ["-s 192.0.2.8/32 -j DROP", "-j RETURN"]);
  executor.stop();
});

test("Executor: flush leaves nothing that a check would restore", async () => {
  const { executor, clock, send, tool } = setUp();
  executor.watch();
  await send(ban(7));
  await executor.flush();
  clock.advance(10_000);
  await executor.idle();
  assert.deepEqual([...tool.chains], [["INPUT", []]]);
  executor.stop();
});
