import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import fc from "fast-check";
import { Report } from "../../src/cli/report.ts";
import { decode } from "../../src/protocol/command.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { Engine } from "../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail/compile-jails.ts";
import { ROOT } from "../helpers/root.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;
let bundled: readonly CompiledJail[] = [];
let app: readonly CompiledJail[] = [];

before(async () => {
  process.env.TZ = "UTC";
  const load = async (...specs: string[]) => compileJails((await loadRules({ specs, sets: [] })).jails);
  bundled = await load("sshd", "sendmail", "postfix", "dovecot", "nginx", "recidive");
  app = await load(`${ROOT}test/fixtures/rules/app.yaml`);
});

/** An engine at NOW, what it writes and what it tells. */
function newEngine(
  jails: readonly CompiledJail[],
  isLive: boolean,
): { engine: Engine; lines: string[]; told: string[] } {
  const lines: string[] = [];
  const told: string[] = [];
  const report = new Report("test", (line) => told.push(line));
  const bounds = { maxLine: 65536, maxKeys: 1000, maxEvidence: 1 << 20 };
  const write = (line: string) => lines.push(line);
  const options = {
    isLive,
    silence: 0,
    prefilter: true,
    format: undefined,
    source: undefined,
    ...bounds,
    report,
    write,
  };
  return { engine: new Engine(jails, options, NOW), lines, told };
}

const liveEngine = (jails: readonly CompiledJail[]) => newEngine(jails, true);

/** An engine fed with chunks, each at its time; the time of the last one is also that of the end. */
function feed(
  jails: readonly CompiledJail[],
  chunks: readonly (Buffer | readonly [Buffer | string, number])[],
  isLive = false,
): { out: string; told: readonly string[] } {
  const { engine, lines, told } = newEngine(jails, isLive);
  let now = NOW;
  for (const chunk of chunks) {
    const [bytes, at] = Buffer.isBuffer(chunk) ? [chunk, NOW] : chunk;
    now = at;
    engine.push(Buffer.from(bytes), at);
  }
  engine.end(now);
  return { out: lines.join(""), told };
}

function commands(out: string): string[] {
  return out
    .split("\n")
    .filter(Boolean)
    .map((line) => decode(line, 0))
    .map((command) =>
      command.cmd === "sync" ? command.phase : `${command.cmd} ${command.jail} ${command.ip ?? command.id}`,
    );
}

function failure(address: string, time: number): string {
  return `${new Date(time).toISOString().replace(/\.\d+/, "")} web1 app[7]: login failed from ${address}\n`;
}

test("Engine gives the same bytes however its input is cut", () => {
  const log = Buffer.concat([
    readFileSync(`${ROOT}examples/mixed.log`).subarray(0, 20_000),
    Buffer.from("Nov 21 23:00:00 web1 sshd[1]: Failed password for ü漢😀 from 192.0.2.77 port 22 ssh2\n"),
  ]);
  const whole = feed(bundled, [log]).out;
  assert.notEqual(whole, "", "the example holds bans");
  assert.equal(feed(bundled, [log]).out, whole, "twice the same");
  const places = fc.array(fc.nat(log.length), { maxLength: 30 });
  fc.assert(
    fc.property(places, (cuts) => {
      const ends = [...new Set(cuts)].sort((a, b) => a - b);
      const chunks = [0, ...ends].map((start, index) => log.subarray(start, ends[index] ?? log.length));
      assert.equal(feed(bundled, chunks).out, whole);
    }),
    { numRuns: 15 },
  );
  const bytes = [...log.subarray(0, 3000)].map((byte) => Buffer.of(byte));
  assert.equal(feed(bundled, bytes).out, feed(bundled, [log.subarray(0, 3000)]).out, "byte by byte");
});

test("Engine throws at no bytes at all", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(
        "Nov 21 10:00:00 web1 sshd[1]: ",
        "Failed password for root from 192.0.2.1 port 22 ssh2",
        "\n",
        '{"MESSAGE":',
        '"__REALTIME_TIMESTAMP":"1"}',
        "<86>1 - - - - - - ",
        "postfix/smtpd[1]: connect from unknown[192.0.2.1]",
        "Feb 30 25:61:61 ",
        "\u2028",
        "\0",
      )
      .map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.boolean(), (pieces, isLive) => {
      for (const line of feed(bundled, pieces, isLive).out.split("\n")) if (line !== "") decode(line, 0);
    }),
    { numRuns: 300 },
  );
});

test("Engine writes each unban after its ban, at its end, and never twice", () => {
  const step = fc.record({
    address: fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"),
    minutes: fc.integer({ min: -3, max: 9 }),
  });
  const property = fc.property(
    fc.array(step, { minLength: 1, maxLength: 80 }),
    fc.boolean(),
    (steps, isLive) => {
      let time = NOW;
      const chunks = steps.map(({ address, minutes }): [string, number] => {
        time += minutes * minute;
        return [failure(address, time), Math.max(time, NOW)];
      });
      const last = Math.max(...chunks.map(([, at]) => at)) + 60 * minute;
      const { out } = feed(app, [...chunks, [failure("203.0.113.1", last), last]], isLive);
      const until = new Map<string, string>();
      for (const line of out.split("\n").filter(Boolean)) {
        const command = JSON.parse(line) as Record<string, string>;
        const key = `${command.jail} ${command.ip}`;
        if (command.cmd?.endsWith("unban")) {
          assert.equal(command.time, until.get(key), `unban of ${key} at its end`);
          until.delete(key);
        } else if (command.repeat) {
          assert.equal(command.until, until.get(key), `repeat of ${key} changes nothing`);
        } else {
          assert.ok(!until.has(key), `${key} is not banned twice`);
          until.set(key, command.until ?? "");
        }
      }
      for (const [key, end] of until) {
        if (Date.parse(end) <= last) assert.fail(`no unban of ${key} at ${end}`);
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("Engine live writes the unban when it is due, without input", () => {
  const { engine, lines } = liveEngine(app.slice(0, 1));
  for (const second of [1, 2, 3]) engine.push(Buffer.from(failure("192.0.2.1", NOW)), NOW + second);
  assert.equal(engine.decisions.nextEnd, NOW + 10 * minute);
  engine.tick(NOW + 10 * minute - 1);
  assert.deepEqual(commands(lines.join("")), ["ban app 192.0.2.1"]);
  engine.tick(NOW + 10 * minute);
  assert.deepEqual(commands(lines.join("")), ["ban app 192.0.2.1", "unban app 192.0.2.1"]);
  assert.equal(engine.decisions.nextEnd, undefined);
});

test("Engine live takes a line from the future for now and names the zone", () => {
  const chunks = [0, 3000, 6000].map((later): [string, number] => [
    failure("192.0.2.1", NOW + 120 * minute + later),
    NOW + later,
  ]);
  const { out, told } = feed(app.slice(0, 1), chunks, true);
  assert.match(out, /"time":"2026-11-21T12:00:06.000Z"/);
  assert.deepEqual(told, [
    "test: warning: lines are always 2h early, and count as now\n",
    "test: hint: the log is in another time zone: try --tz Etc/GMT-2\n",
  ]);
});

test("Engine live keeps the time of a late line", () => {
  const late = NOW - 5 * minute;
  const chunks = [0, 1, 2].map((second): [string, number] => [
    failure("192.0.2.1", late + second * 1000),
    NOW,
  ]);
  assert.match(feed(app.slice(0, 1), chunks, true).out, /"until":"2026-11-21T12:05:02.000Z"/);
});

test("Engine reload keeps bans and windows, and ends bans of jails that are gone", () => {
  const [first] = app;
  assert.ok(first);
  const { engine, lines } = liveEngine(app);
  for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"]) {
    engine.push(Buffer.from(failure(address, NOW)), NOW);
  }
  lines.length = 0;
  engine.reload([first], NOW + 1);
  engine.push(Buffer.from(failure("192.0.2.2", NOW + 2000)), NOW + 2000);
  assert.deepEqual(commands(lines.join("")), [
    "would-unban app-watch 192.0.2.1",
    "would-unban app-watch 192.0.2.2",
    "begin",
    "ban app 192.0.2.1",
    "end",
    "ban app 192.0.2.2",
  ]);
});

test("Engine replay believes a line far ahead only when a second confirms it", () => {
  const app3 = app.slice(0, 1);
  const ban = [0, 1, 2].map((second) => failure("192.0.2.1", NOW + second * 1000)).join("");
  const wild = failure("192.0.2.9", NOW + 30 * 86_400_000);
  const next = failure("192.0.2.8", NOW + minute);
  const done = commands(feed(app3, [Buffer.from(ban + wild + next)]).out);
  assert.deepEqual(done, ["ban app 192.0.2.1"], "one wild line ends no ban");
  const confirmed = commands(feed(app3, [Buffer.from(ban + wild + wild)]).out);
  assert.deepEqual(confirmed, ["ban app 192.0.2.1", "unban app 192.0.2.1"]);
});
