import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Report } from "../src/cli/report.ts";
import { Actions } from "../src/exec/actions/actions.ts";
import { Executor } from "../src/exec/apply/executor.ts";
import { MAX_JAILS } from "../src/exec/decide/jails.ts";
import { Policy } from "../src/exec/decide/policy.ts";
import { noLock } from "../src/exec/kernel/lock.ts";
import { noBackend } from "../src/exec/kernel/none.ts";
import { compileFilter } from "../src/filter/compile-filter.ts";
import { Matcher } from "../src/filter/matcher.ts";
import type { Result } from "../src/protocol/result.ts";
import { formatGreeting, formatTaggedHeader } from "../src/protocol/tagged.ts";
import type { Jail } from "../src/rules/rule.ts";
import type { Network } from "../src/shared/address.ts";
import type { EngineOptions } from "../src/stream/engine.ts";
import { IgnoreList } from "../src/stream/jail/ignore.ts";
import { Evidence } from "../src/stream/window/evidence.ts";
import { FindWindow } from "../src/stream/window/window.ts";
import { FakeClock } from "./helpers/clock.ts";
import { appFailure, appJails, TestEngine } from "./helpers/engine.ts";
import { filterRule, newJail } from "./helpers/jail.ts";
import { ROOT } from "./helpers/root.ts";

// Every bound that docs/architecture/bounds.md states is reached here, or by the tests that are named: `file: name`.

const NOW = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;

/** An engine of the jail "app" alone. */
async function appEngine(options: Partial<EngineOptions>, ...sets: string[]): Promise<TestEngine> {
  const jails = await appJails("app-watch.enabled=false", "app-again.enabled=false", ...sets);
  return new TestEngine(jails, NOW, options);
}

/** An engine of one jail that sees raw lines. */
function rawEngine(
  failregex: string,
  settings: Partial<Jail>,
  options: Partial<EngineOptions> = {},
): TestEngine {
  const filter = filterRule({ failregex: [failregex] });
  const compiled = { jail: newJail({ filter, ...settings }), filter: compileFilter(filter) };
  return new TestEngine([compiled], NOW, { format: "none", ...options });
}

const fail = (tested: TestEngine, last: number, times = 1, now = NOW) => {
  tested.push(appFailure(`192.0.2.${last}`, now).repeat(times), now);
};

type Case = (() => void | Promise<void>) | readonly string[];

const TAIL_TOKEN = "0".repeat(32);
const header = (source: string) => formatTaggedHeader(TAIL_TOKEN, { source });

const STREAM: Readonly<Record<string, Case>> = {
  "a line": async () => {
    const tested = await appEngine({ maxLine: 100, format: "syslog" });
    tested.push(`${"x".repeat(100)}\n${"x".repeat(101)}\n`, NOW);
    assert.deepEqual(tested.told, ["warning: dropped a line longer than 100 bytes"]);
    assert.equal(tested.engine.counts.overlong, 1);
  },
  "a line of a container, its pieces joined, each of two streams": [
    "stream/containers.test.ts: pieces that are too long together are dropped, and counted",
  ],
  "addresses remembered, a jail": async () => {
    const tested = await appEngine({ maxKeys: 2 });
    for (const last of [1, 2, 3]) fail(tested, last);
    assert.deepEqual(tested.told, [
      "warning: [app] 2 addresses are remembered: forgot one that was idle for long to make room",
    ]);
    const window = tested.engine.jails.get("app")?.window;
    assert.deepEqual([window?.size, window?.evicted], [2, 1]);
  },
  "failures kept of one address": () => {
    const window = new FindWindow(
      { maxretry: 2, findtime: 10, maxKeys: 10, maxmatches: 0 },
      new Evidence({ maxBytes: 0 }),
    );
    const isFull = (time: number) => window.add("192.0.2.1", time, []) !== undefined;
    for (let n = 0; n <= 66; n++) isFull(n * 100);
    assert.equal(isFull(1), false, "the 66 newest are kept, the one at 0 is not");
    assert.equal(isFull(101), true);
  },
  "addresses with more than maxretry - 1 of them": [
    "stream/window/window.test.ts: FindWindow keeps failures too sparse for a ban of many addresses, of more the newest",
  ],
  "failures that no row holds, a jail: of a maxretry over 17": [
    "stream/window/window.test.ts: FindWindow bounds the failures that don't fit in rows, and gives up who was idle longest",
  ],
  "bans in force": async () => {
    const tested = await appEngine({ maxBans: 2 });
    for (const last of [1, 2, 3]) fail(tested, last, 3);
    const said = ["ban app 192.0.2.1", "ban app 192.0.2.2", "unban app 192.0.2.1", "ban app 192.0.2.3"];
    assert.deepEqual(tested.commands(), said);
    const why = "2 bans are in force: ended the weakest one early to make room";
    assert.deepEqual(tested.told, [`warning: [app] ${why}`]);
    assert.equal(tested.engine.decisions.counts.evicted, 1);
  },
  "bans in force, of a state": ["stream/ban/restore.test.ts: keeps the bound, and those that end last"],
  "bans remembered after their end": async () => {
    const tested = await appEngine({ maxKeys: 2 });
    for (const last of [1, 2, 3]) fail(tested, last, 3);
    tested.engine.tick(NOW + 10 * minute);
    assert.deepEqual(tested.told, [
      "warning: 2 ended bans are remembered: forgot one before its time to make room",
    ]);
  },
  "evidence, half of it that of bans in force": async () => {
    const tested = await appEngine({ maxEvidence: 300 });
    fail(tested, 1, 3);
    const { failures, matches } = JSON.parse(tested.lines[0] ?? "");
    assert.deepEqual([failures, matches.length], [3, 2]);
  },
  "lines of one ban, their length": async () => {
    const tested = await appEngine({}, "app.maxretry=12", "app.failregex=^login failed from <HOST> x*$");
    const text = appFailure("192.0.2.1", NOW).trimEnd();
    tested.push(`${text} ${"x".repeat(2000)}\n`.repeat(12), NOW);
    const { failures, matches } = JSON.parse(tested.lines[0] ?? "");
    assert.equal(failures, 12);
    assert.deepEqual(
      matches.map((line: string) => line.length),
      Array(10).fill(1024),
    );
  },
  "bans reported again, as lines": async () => {
    const tested = await appEngine({}, "app.maxretry=1");
    const repeat = (last: number) => {
      fail(tested, last);
      return tested.lines.at(-1);
    };
    for (let last = 0; last < 256; last++) fail(tested, last);
    const before = repeat(0);
    for (let last = 1; last < 256; last++) assert.match(repeat(last) ?? "", /"repeat":true/);
    for (let last = 0; last < 256; last++) tested.push(appFailure(`198.51.100.${last}`, NOW).repeat(2), NOW);
    assert.equal(repeat(0), before, "written anew, it is the same");
  },
  "an id, a host name": () => {
    const tested = rawEngine("^user <F-ID>\\w+</F-ID>$", { maxretry: 1 });
    for (const length of [1024, 1025]) tested.push(`user ${"x".repeat(length)}\n`, NOW);
    assert.equal(tested.lines.length, 1);
    const shown = `${"x".repeat(80)}…`;
    assert.deepEqual(tested.told, [`warning: [web] not banned: ${shown} is longer than 1024 characters`]);
    assert.equal(tested.engine.failures.counts.unbannable, 1);
  },
  "sessions, a filter": [
    "filter/session/sessions.test.ts: Sessions gives up the one idle longest",
    "filter/session/sessions.test.ts: Sessions holds no more characters than its bound, and gives up those idle longest",
    "filter/session/one-line-sessions.test.ts: OneLineSessions agrees with a slow model: the newest are there",
    "filter/session/one-line-sessions.test.ts: OneLineSessions takes lines of up to 256 bytes, their ids included, of sessions that have a name",
    "filter/session/sessions.test.ts: Sessions forgets a session as long after its last line as memory says",
  ],
  "how often one failure counts": [
    "filter/matcher.test.ts: counts as often as a line says, at most a thousand times",
    "stream/ban/failure-counter.test.ts: FailureCounter counts a failure as often as it says, up to a ban",
  ],
  "lines of a session": [
    "filter/session/sessions.test.ts: Sessions keeps the newest lines of one session",
    "filter/session/sessions.test.ts: Sessions of one id knows what all lines said, however long they were, and shows the newest",
  ],
  "a search; all of a line's": [
    "python/search/budget.test.ts: SearchBudget gives up a search that takes too long, counts and tells",
    "python/search/budget.test.ts: SearchBudget gives a line no more than its share, save the least for each pattern",
  ],
  "a line in which a default date template looks": [
    "filter/date/date-view.test.ts: DateDetector finds a date behind what a client of a web server can write, and looks no further than that",
  ],
  "multi-line buffer": () => {
    const texts = (lines: readonly string[], step: number) => {
      const matcher = new Matcher(
        compileFilter(filterRule({ failregex: ["^<HOST> a\\n(?:.*\\n)*b$"], maxlines: 3 })),
      );
      return lines.map((line, n) => {
        const seen = { text: `${line}\n`, whole: line, hasDate: false, time: NOW, offset: n * step };
        return matcher.match(seen, { now: NOW, clock: NOW }).match;
      });
    };
    assert.deepEqual(texts(["192.0.2.1 a", "x", "b"], 100), [false, false, true]);
    assert.deepEqual(texts(["192.0.2.1 a", "x", "x", "b"], 100), [false, false, false, false], "three lines");
    assert.deepEqual(texts(["192.0.2.1 a", "x", "b"], 40_000), [false, false, false], "of 64 KiB");
  },
  "what was read last, for dates that lines inherit": [
    "stream/input/recent-input.test.ts: RecentInput gives the lines that lie whole in the last 64 KiB, however they came",
  ],
  "a sampled line, one of the first ten": [
    "stream/input/first-lines.test.ts: FirstLines looks past what stands between records, and past long lines",
    "stream/input/line-sampler.test.ts: LineSampler takes no line of more than 4096 bytes, nor one that has no end",
  ],
  "host names and ignorecommands waiting": async () => {
    const { tested, answer } = resolving("192.0.2.1");
    for (let n = 0; n < 1001; n++) tested.push("from host.example\n", NOW);
    assert.equal(tested.engine.failures.waiting, 1000);
    assert.deepEqual(tested.told, [
      "warning: [web] not banned: host.example is a host name, and too many others are being looked up",
    ]);
    await answer();
    assert.equal(tested.engine.failures.waiting, 0);
    assert.equal(tested.engine.jails.get("web")?.counts.failures, 1000);
  },
  "their answers": ["stream/jail/lookup.test.ts: Lookup remembers ten thousand answers"],
  "addresses of a host name": async () => {
    const { tested, answer } = resolving(...Array.from({ length: 65 }, (_, n) => `198.51.100.${n}`));
    tested.push("from host.example\n", NOW);
    await answer();
    assert.equal(tested.lines.length, 64);
    assert.deepEqual(tested.told, ["warning: host.example has more than 64 addresses: ignored the others"]);
  },
  "waiting for answers at the end of input": [
    "stream.test.ts: f2b-stream waits five seconds for them, and tells what it could not find out",
  ],
  "a list of `ignoreip`": () => {
    const folder = mkdtempSync(join(tmpdir(), "f2b-bounds-"));
    try {
      const path = join(folder, "list");
      writeFileSync(path, "192.0.2.1\n");
      truncateSync(path, 16 * 1024 * 1024 + 1);
      const told: string[] = [];
      const host = { isLive: true, addressesOf: () => [], warn: (message: string) => told.push(message) };
      const rule = { networks: [], files: [path], hosts: [], self: false, command: undefined };
      new IgnoreList(rule, host).refresh(NOW);
      assert.deepEqual(told, [`ignoreip: ${path}: longer than 16777216 bytes`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  "a file of fail2ban's configuration, and those that it leads to": [
    "rules/fail2ban/hostile.test.ts: a filter that is longer than 1 MiB",
    "rules/fail2ban/hostile.test.ts: files that include each other in all ways",
  ],
  "what a value of it is built from": [
    "rules/fail2ban/hostile.test.ts: values that refer to others again and again",
    "rules/fail2ban/hostile.test.ts: tags that stand for more than there is room for",
  ],
  "a filter or an action with its parameters, a duration": [
    "rules/fail2ban/hostile.test.ts: an action that is endless",
    "rules/fail2ban/hostile.test.ts: parseSeconds goes no deeper than a duration may be long",
  ],
  "a command": ["protocol/command.test.ts: encode keeps evidence that fits to the byte"],
  "late failures whose time is not decided yet, a jail and source": [
    "stream/input/live-times.test.ts: LiveTimes lets no more than a hundred failures wait",
  ],
  "sources of a tagged input": async () => {
    const tested = await appEngine({});
    tested.push(formatGreeting(TAIL_TOKEN), NOW);
    for (let n = 0; n < 2049; n++) tested.push(`${header(`/${n}`)}${appFailure("192.0.2.1", NOW)}`, NOW);
    assert.equal(tested.engine.sources.length, 2048);
    const told = "warning: the input has more than 2048 sources: lines of the others are left out";
    assert.ok(tested.told.includes(told));
  },
  "a header of a tagged input": ["stream/input/tagged-input.test.ts: TaggedInput bounds a header"],
  "files of one source whose place is known": [
    "stream/input/tagged-input.test.ts: TaggedInput remembers the last four places of a source",
  ],
  "what is read of a file ahead": [
    "stream/input/file-input.test.ts: FileInput reads two buffers ahead at most",
  ],
  "commands that wait for the reader of stdout": [
    "system/faults.test.ts: holds little for a reader that has stopped, and loses nothing",
  ],
  hangups: [
    "system/faults.test.ts: f2b-stream reads its rules once or twice for a hundred hangups while its reader has stopped",
  ],
  "ends of bans that were ended or changed": [
    "stream/ban/ban-list.test.ts: BanList holds no ends of bans that were ended or changed, however many",
  ],
  "clients of `--control`": [
    "stream/control/server.test.ts: ControlServer has sixteen clients at a time, and tells the others",
  ],
  "a request": [
    "stream/control/server.test.ts: ControlServer takes a request of 64 KiB, and ends with one that is longer",
    "stream/control/server.test.ts: ControlServer gives up a client that makes it wait, even one that sends a byte now and then",
  ],
  "an answer in memory, of each client": [
    "stream/control/server.test.ts: ControlServer makes an answer as it is taken, and gives up who takes none",
  ],
  "commands by hand that wait for the reader of stdout": [
    "control-hostile.test.ts: f2b-stream --control takes no commands by hand while nobody reads its own",
  ],
  "messages that wait for the reader of stderr": [
    "cli/stderr.test.ts: forPeople drops messages while 16 MiB wait, and writes how many",
  ],
};

/** An engine whose failures are of host names, with these addresses; `answer` gives them. */
function resolving(...addresses: string[]): { tested: TestEngine; answer: () => Promise<void> } {
  let give: () => void = () => assert.fail("nobody asked");
  const networks = addresses.map((ip): Network => {
    const value = ip.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    return { family: 4, value, prefix: 32 };
  });
  const resolve = () => {
    return new Promise<readonly Network[]>((done) => {
      give = () => done(networks);
    });
  };
  const settings = { maxretry: 1, usedns: "yes", ignore: newJail().ignore } as const;
  const tested = rawEngine("^from <HOST>$", settings, { resolve });
  const answer = async () => {
    give();
    await new Promise((done) => setImmediate(done));
  };
  return { tested, answer };
}

const TAIL: Readonly<Record<string, Case>> = {
  "a line that it reads": [
    "tail/tail.test.ts: f2b-tail drops a line that is too long, whole, and tells that",
  ],
  files: ["tail/tail.test.ts: f2b-tail reads no more files than --max-files, and tells that"],
  "what is read ahead": [
    "tail/tail.test.ts: f2b-tail reads nothing while its reader takes nothing, and still ends when asked",
  ],
  "files that were read to their end and are remembered": [
    "tail/registry.test.ts: Registry remembers the last 256 files",
  ],
  "places that are written and not saved": [
    "tail/kill.test.ts: f2b-tail loses and doubles no line over",
    "stream/input/tagged-input.test.ts: TaggedInput remembers the last four places of a source",
  ],
};

const EXEC: Readonly<Record<string, Case>> = {
  "commands waiting": async () => {
    const { executor } = newExecutor({ isStuck: true });
    const turn = () => new Promise<false>((resolve) => setImmediate(resolve, false));
    const hasRoom = () => Promise.race([executor.room().then(() => true), turn()]);
    executor.accept(ban(0));
    await turn();
    const matches = ["x".repeat(256)];
    for (let n = 0; n < 24_999; n++) executor.accept({ ...ban(n), matches });
    executor.accept(ban(0));
    assert.equal(await hasRoom(), true, "evidence counts as well");
    executor.accept(ban(0));
    assert.equal(await hasRoom(), false, "50,000 wait");
  },
  bans: [
    "exec/apply/executor.test.ts: Executor at the bound: the ban of the lowest rank that ends soonest makes room",
    "exec/apply/executor.test.ts: Executor refuses bans beyond --max-bans, until one ends",
  ],
  jails: async () => {
    const { executor, results } = newExecutor();
    for (let n = 0; n <= MAX_JAILS; n++) executor.accept({ ...ban(1), jail: `jail-${n}` });
    await executor.idle();
    assert.deepEqual(
      results
        .filter(({ result }) => result !== "applied")
        .map(({ jail, result, error }) => [jail, result, error]),
      [[`jail-${MAX_JAILS}`, "refused", "more than 1000 jails"]],
    );
  },
  actions: async () => {
    const told: string[] = [];
    const inputs: number[] = [];
    const actions = new Actions({
      actionsOf: () => [{ actionban: ["true"] }],
      run: async (_argv, { input = "" }) => {
        inputs.push(input.length);
        return { status: 0, stdout: "", stderr: "" };
      },
      report: new Report("test", (line) => told.push(line.trimEnd())),
    });
    const jail = { name: "web", ports: [], protocols: [], chains: [], blocktype: "drop" } as const;
    const matches = Array(10).fill("x".repeat(1024));
    for (let n = 0; n < 10_005; n++) actions.add({ ...ban(n), matches }, jail);
    assert.equal(actions.dropped, 1, "four run, ten thousand wait");
    await actions.idle();
    assert.equal(inputs.length, 10_004);
    assert.equal(inputs.filter((length) => length > 10_240).length, 1638, "16 MiB of evidence");
    assert.deepEqual(told.slice(0, 1), [
      "test: warning: too much evidence waits for actions: some run without matches",
    ]);
    assert.ok(
      told.includes(
        "test: warning: more than 10000 commands wait for their actions: dropped the actions of a command",
      ),
    );
  },
  "a tool": [
    "exec/actions/actions.test.ts: run kills a command that takes too long, with its children",
    "exec/actions/actions.test.ts: run keeps no more of stdout than allowed",
  ],
  "results that wait for the reader of stdout": [
    "system/faults.test.ts: holds little for a reader that has stopped, and loses nothing",
  ],
  "messages that wait for the reader of stderr": [
    "cli/stderr.test.ts: forPeople drops messages while 16 MiB wait, and writes how many",
  ],
};

function ban(n: number) {
  return { cmd: "ban", jail: "web", ip: `198.18.${n >> 8}.${n & 255}`, time: NOW, until: null } as const;
}

/** An executor that touches no firewall; `isStuck`: its back end never ends what it has begun. */
function newExecutor({ isStuck = false } = {}): { executor: Executor; results: Result[] } {
  const results: Result[] = [];
  const report = new Report("test", () => undefined);
  const never = new Promise<never>(() => undefined);
  const executor = new Executor({
    backend: isStuck ? { ...noBackend, apply: () => never } : noBackend,
    clock: new FakeClock("2026-11-21T12:00:00.000Z"),
    policy: new Policy({ neverBan: [], host: () => [] }),
    lock: noLock,
    actions: new Actions({ actionsOf: () => [], run: () => never, report }),
    settingsOf: () => ({ blocktype: "drop", chain: ["INPUT"], actions: [] }),
    maxBans: 200_000,
    report,
    onResult: (result) => results.push(result),
  });
  return { executor, results };
}

const document = readFileSync(join(ROOT, "docs/architecture/bounds.md"), "utf8");

for (const [program, cases, heading] of [
  ["f2b-stream", STREAM, "| what | bound | default | what goes |"],
  ["f2b-tail", TAIL, "| what | bound | default | what goes, or waits |"],
  ["f2b-exec", EXEC, "| what | bound | what goes |"],
] as const) {
  test(`${program}: each bound that bounds.md states has its case`, () => {
    assert.deepEqual(rowsUnder(heading), Object.keys(cases));
  });

  for (const [what, how] of Object.entries(cases)) {
    if (typeof how === "function") test(`${program} bounds ${what}`, how);
    else {
      test(`${program} bounds ${what}: another test shows it`, () => {
        for (const each of how) {
          const [file = "", name = ""] = each.split(/: (.*)/s);
          assert.ok(readFileSync(join(ROOT, "test", file), "utf8").includes(name), each);
        }
      });
    }
  }
}

/** The first cells of a table's rows. */
function rowsUnder(heading: string): readonly string[] {
  const lines = document.split("\n");
  const first = lines.indexOf(heading) + 2;
  assert.ok(first > 1, heading);
  const rows = lines.slice(
    first,
    lines.findIndex((line, at) => at > first && !line.startsWith("|")),
  );
  return rows.map((row) => row.split("|")[1]?.trim() ?? "");
}
