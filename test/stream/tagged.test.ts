import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../src/protocol/command.ts";
import {
  formatGreeting,
  formatTaggedHeader,
  type Source,
  type TaggedHeader,
} from "../../src/protocol/tagged.ts";
import type { EngineOptions } from "../../src/stream/engine.ts";
import { formatStats } from "../../src/stream/health/stats.ts";
import { appFailure, appJails, TestEngine } from "../helpers/engine.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const TOKEN = "0123456789abcdef0123456789abcdef";

function header(content: TaggedHeader): string {
  return formatTaggedHeader(TOKEN, content);
}

function files(...names: readonly string[]): readonly Source[] {
  return names.map((name) => ({ name, kind: "file" }));
}

/** The jail `app` of app.yaml. */
async function app(...sets: readonly string[]) {
  return (await appJails("app.maxretry=2", ...sets)).filter(({ jail }) => jail.name === "app");
}

/** An engine with the jail `app` that has read the beginning of a tagged input. */
async function tagged(
  sources: readonly Source[],
  sets: readonly string[] = [],
  options: Partial<EngineOptions> = {},
): Promise<TestEngine> {
  const tried = new TestEngine(await app(...sets), NOW, options);
  tried.push(formatGreeting(TOKEN) + header({ sources }), NOW);
  return tried;
}

/** Failures of an address at a source. */
function failures(source: string, address: string, count = 2): string {
  return header({ source }) + appFailure(address, NOW).repeat(count);
}

test("Engine compares each line's source with a jail's logpath", async () => {
  const tried = await tagged(files("/var/log/app.log", "/var/log/other.log"), ["app.logpath=/var/log/app*"]);
  tried.push(failures("/var/log/other.log", "192.0.2.1"), NOW);
  tried.push(failures("/var/log/app.log", "192.0.2.2"), NOW);
  assert.deepEqual(tried.commands(), ["ban app 192.0.2.2"]);
});

test("Engine counts failures of all sources in one window, and names the source of the last line", async () => {
  const tried = await tagged(files("/a", "/b"));
  tried.push(failures("/a", "192.0.2.1", 1) + failures("/b", "192.0.2.1", 1), NOW);
  const [ban] = tried.lines.map((line) => decode(line, 0));
  assert.ok(ban?.cmd === "ban");
  assert.equal(ban.source, "/b");
  assert.equal(ban.matches?.length, 2);
});

test("Engine settles the format of each source by itself, and a journal's before its first line", async () => {
  const tried = await tagged([...files("/plain", "/syslog"), { name: "journal", kind: "journal" }]);
  const entry = {
    __REALTIME_TIMESTAMP: String(NOW * 1000),
    SYSLOG_IDENTIFIER: "app",
    MESSAGE: "login failed from 192.0.2.3",
  };
  tried.push(`${header({ source: "/plain" })}no header\n`, NOW);
  tried.push(failures("/syslog", "192.0.2.2"), NOW);
  tried.push(`${header({ source: "journal" })}not an entry\n${`${JSON.stringify(entry)}\n`.repeat(2)}`, NOW);
  assert.deepEqual(
    tried.engine.sources.map(({ name, format }) => [name, format]),
    [
      ["/plain", "plain"],
      ["/syslog", "syslog"],
      ["journal", "journal"],
    ],
  );
  assert.deepEqual(tried.commands(), ["ban app 192.0.2.2", "ban app 192.0.2.3"]);
  assert.equal(tried.engine.format, "tagged");
});

test("Engine keeps an unfinished line until its source goes on, and drops it when that is cut", async () => {
  const tried = await tagged(files("/a", "/b"));
  const [line, length] = [appFailure("192.0.2.1", NOW), 30];
  const of = (offset: number) => header({ source: "/a", place: "1", offset });
  tried.push(of(0) + line + line.slice(0, length), NOW);
  tried.push(formatGreeting(TOKEN) + of(0) + line + line.slice(0, length), NOW);
  assert.deepEqual(tried.commands(), []);
  tried.push(line.slice(length), NOW);
  assert.deepEqual(tried.commands(), ["ban app 192.0.2.1"]);
});

test("Engine warns of sources that no jail reads, and of jails that read none", async () => {
  const told = async (sources: readonly Source[], ...sets: readonly string[]) =>
    (await tagged(sources, sets)).told;
  assert.deepEqual(await told(files("/a"), "app.logpath=/b"), [
    "warning: no jail reads /a",
    "hint: the jails' logpath: /b; --set JAIL.logpath=… changes one",
    "warning: [app] reads none of the sources: its logpath is /b",
    "hint: the sources: /a",
  ]);
  assert.deepEqual(await told(files("/a")), []);
  assert.deepEqual(await told(files("/a", "/b"), "app.logpath=/a"), [
    "warning: no jail reads /b",
    "hint: the jails' logpath: /a; --set JAIL.logpath=… changes one",
  ]);
  assert.deepEqual(
    await told([{ name: "journal", kind: "journal" }], "app.logpath=/a", "app.journalmatch=_UID=0"),
    [],
  );
});

test("Engine warns of a --source that no jail reads", async () => {
  const tried = new TestEngine(await app("app.logpath=/b"), NOW, { source: "/a" });
  assert.deepEqual(tried.told.slice(0, 1), ["warning: no jail reads /a"]);
});

test("Engine warns of each source that blinds it, by name", async () => {
  const tried = await tagged(files("/a", "/b"));
  for (const source of ["/a", "/b", "/a"]) tried.push(`${header({ source })}no header\n`, NOW);
  assert.deepEqual(
    tried.told.filter((line) => line.startsWith("warning")),
    ["/a", "/b"].map(
      (name) =>
        `warning: ${name}: the log is read as lines without a syslog header, which jails with an identifier do not see: app`,
    ),
  );
  assert.deepEqual(tried.engine.monitor.alerts.of("headerless"), { isOn: true, times: 2 });
});

test("formatStats has a line for each source with a name", async () => {
  const tried = await tagged(files("/a"));
  tried.push(failures("/a", "192.0.2.1"), NOW);
  assert.equal(
    formatStats(tried.engine).find((line) => line.startsWith("/a")),
    "/a: 132 bytes read as syslog, 2 lines looked at in full",
  );
});

test("Engine reads jails anew for each source after a reload", async () => {
  const tried = await tagged(files("/a"));
  tried.push(failures("/a", "192.0.2.1", 1), NOW);
  tried.engine.reload(await app("app.logpath=/b"), NOW);
  tried.push(failures("/a", "192.0.2.1", 1), NOW);
  tried.engine.reload(await app("app.logpath=/a"), NOW);
  tried.push(failures("/a", "192.0.2.1", 1), NOW);
  assert.deepEqual(
    tried.commands().filter((line) => line.startsWith("ban")),
    ["ban app 192.0.2.1"],
  );
});

test("Engine was read up to the last line of the source that is farthest behind, quiet ones apart", async () => {
  const tried = await tagged(files("/a", "/b"));
  const minute = 60_000;
  const line = (source: string, time: number) => header({ source }) + appFailure("192.0.2.1", time);
  tried.push(line("/a", NOW - 60 * minute), NOW);
  tried.push(line("/b", NOW), NOW);
  assert.equal(tried.engine.readUpTo, NOW - 60 * minute);
  tried.push(line("/b", NOW + 2 * minute), NOW + 2 * minute);
  assert.equal(tried.engine.readUpTo, NOW);
});

test("Engine counts bans over all sources of one stream (on: ban)", async () => {
  const jails = await appJails(
    "app.maxretry=2",
    "app.bantime=1s",
    "app-again.maxretry=2",
    "app-again.findtime=1d",
  );
  const tried = new TestEngine(
    jails.filter(({ jail }) => jail.name !== "app-watch"),
    NOW,
  );
  tried.push(formatGreeting(TOKEN) + header({ sources: files("/a", "/b") }), NOW);
  tried.push(failures("/a", "192.0.2.1"), NOW);
  tried.push(failures("/a", "192.0.2.2"), NOW);
  const later = NOW + 10_000;
  tried.push(header({ source: "/b" }) + appFailure("192.0.2.1", later).repeat(2), later);
  assert.deepEqual(
    tried.commands().filter((command) => command.startsWith("ban ")),
    ["ban app 192.0.2.1", "ban app 192.0.2.2", "ban app 192.0.2.1", "ban app-again 192.0.2.1"],
  );
});

test("Engine takes headers without lines for silence", async () => {
  const tried = await tagged(files("/a"), [], { silence: 60_000 });
  tried.engine.pass(59_000, false);
  tried.push(header({ sources: files("/a") }), NOW);
  tried.engine.pass(1000, false);
  assert.equal(tried.engine.monitor.alerts.of("silence").isOn, true);
  tried.push(failures("/a", "192.0.2.1", 1), NOW);
  assert.equal(tried.engine.monitor.alerts.of("silence").isOn, false);
});

test("Engine forgets a source that f2b-tail does not read any more, but not what was counted", async () => {
  const tried = await tagged(files("/a", "/b"));
  tried.push(failures("/a", "192.0.2.1", 1) + failures("/b", "192.0.2.2", 1), NOW);
  tried.push(header({ sources: files("/b") }), NOW);
  assert.deepEqual(
    tried.engine.sources.map(({ name }) => name),
    ["/b"],
  );
  assert.equal(tried.engine.judged, 2);
  tried.push(failures("/a", "192.0.2.1", 1), NOW);
  assert.deepEqual(tried.commands(), ["ban app 192.0.2.1"]);
});
