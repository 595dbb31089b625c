import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { Report } from "../../../src/cli/report.ts";
import { loadRules } from "../../../src/rules/load-rules.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../../src/stream/jail/compile-jails.ts";
import { ROOT } from "../../helpers/root.ts";

// The invariant that everything rests on: a line that the gate drops changes nothing that can be seen.

const NOW = Date.UTC(2026, 10, 21, 12);
let jails: readonly CompiledJail[] = [];

before(async () => {
  process.env.TZ = "UTC";
  const specs = [`${ROOT}test/fixtures/rules/gate.yaml`];
  jails = compileJails((await loadRules({ specs, sets: [] })).jails);
});

/** Everything that can be seen of a run: what was written, what was told, what was counted. */
function seen(chunks: readonly Buffer[], prefilter: boolean, isLive: boolean): string {
  const seen: string[] = [];
  const report = new Report("test", (line) => seen.push(line));
  const bounds = { maxLine: 300, maxKeys: 1000, maxEvidence: 1 << 20 };
  const write = (line: string) => seen.push(line);
  const options = {
    isLive,
    silence: 0,
    prefilter,
    format: undefined,
    source: undefined,
    ...bounds,
    report,
    write,
  };
  const engine = new Engine(jails, options, NOW);
  chunks.forEach((chunk, index) => {
    engine.push(Buffer.from(chunk), NOW + index * 1000);
  });
  engine.end(NOW + chunks.length * 1000);
  const counts = [...engine.jails].map(([name, each]) => [name, each.counts, each.window.size]);
  return [
    ...seen.sort(),
    JSON.stringify(counts),
    JSON.stringify([engine.counts, engine.failures.counts, engine.decisions.counts]),
  ].join("\n");
}

const address = fc.constantFrom("192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::7", "999.1.1.1");
const message = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("hello", "x".repeat(290), "ſ ünïcode", "", " ", "\0", "\t", "1 2 3"),
  },
  address.map((ip) => `login failed from ${ip}`),
  address.map((ip) => `kiſs FAILED from ${ip}`),
  address.map((ip) => `KISS failed FROM ${ip}`),
  address.map((ip) => `kiſs of 5 x FAILED from ${ip}`),
  address.map((ip) => `KISS of 5 ünï failed FROM ${ip}`),
  address.map((ip) => `Kiss of 5 x failed from ${ip}`),
  fc.tuple(fc.constantFrom("42", "٤2", "٤٢", "x2"), address).map(([head, ip]) => `${head}02 ${ip}`),
  fc.tuple(fc.nat(2), address).map(([pid, ip]) => `begin of ${pid} from ${ip}`),
  fc.nat(2).map((pid) => `end of ${pid}`),
  fc.constantFrom(
    "sess[1]: opened by 192.0.2.9",
    "sess[1]: noise",
    "sess[2]: noise",
    "17 192.0.2.3",
    "17 192.0.2.4",
  ),
  address.map((ip) => `denied ${ip}`),
);
const second = fc.integer({ min: 0, max: 59 }).map((each) => String(each).padStart(2, "0"));

const syslogLine = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(second, message).map(([at, text]) => `Nov 21 11:59:${at} web1 app[7]: ${text}`),
  },
  fc.tuple(second, message).map(([at, text]) => `Nov 21 11:59:${at} ${text}`),
  // The date stands within what the pattern sees in one piece.
  fc.tuple(second, address).map(([at, ip]) => `web1 app refNov 21 11:59:${at}used ${ip}`),
  fc.tuple(second, address).map(([at, ip]) => `web1 app Nov 21 11:59:${at} refused ${ip}`),
  fc.tuple(second, address).map(([at, ip]) => `web1 app+0000 Nov 21 11:59:${at} refused ${ip}`),
  fc.tuple(second, message).map(([at, text]) => `2026-11-21 11:59:${at} ${text}`),
  fc.tuple(second, address).map(([at, ip]) => `[2026-11-21 11:59:${at}] knock ${ip}`),
  fc.tuple(second, address).map(([at, ip]) => `${ip} a+21/Nov/2026:11:59:${at}+b`),
  fc.tuple(second, address).map(([at, ip]) => `${ip} 21/Nov/2026:11:59:${at} a++b`),
  address.map((ip) => `${ip} a++b`),
  message,
);

const journalLine = fc
  .tuple(second, message, fc.constantFrom("app", "sess[1]", "x"), fc.nat(6))
  .map(([at, text, identifier, how]) => {
    const bytes = [...Buffer.from(text)];
    const fields = {
      __REALTIME_TIMESTAMP: String(Date.parse(`2026-11-21T11:59:${at}Z`) * 1000),
      SYSLOG_IDENTIFIER: identifier,
      _HOSTNAME: "web1",
      MESSAGE: how === 0 ? bytes : how === 1 ? [text, "second"] : how === 2 ? null : text,
    };
    const json = JSON.stringify(fields);
    if (how === 3) return json.replace("failed", "f\\u0061iled");
    if (how === 4) return json.replace('"MESSAGE":', '"MESSAGE" : ');
    return json;
  });

/** A container's lines, some in pieces, some too long, some none. */
const containerText = fc
  .tuple(syslogLine, fc.constantFrom("", "<", '"', "\\", "\t", "é"))
  .map((parts) => parts.join(""));
const containerPiece = fc.tuple(containerText, fc.constantFrom("stdout", "stderr"), fc.nat(5));
const jsonFileLine = containerPiece.map(([text, stream, how]) => {
  if (how === 0) return "";
  const json = JSON.stringify({
    log: how === 1 ? text : `${text}\n`,
    stream,
    time: "2026-11-21T11:59:07.123456789Z",
  });
  return how === 2 ? json.replaceAll("<", "\\u003c").replace("failed", "f\\u0061iled") : json;
});
const criLine = containerPiece.map(([text, stream, how]) =>
  how === 0 ? "" : `2026-11-21T11:59:07.123456789Z ${stream} ${how === 1 ? "P" : "F"} ${text}`,
);
const dovecotLine = fc
  .tuple(second, message, fc.constantFrom("auth", "imap-login", "app"))
  .map(([at, text, service]) => `Nov 21 11:59:${at} ${service}: Info: ${text}`);
const oddLine = fc
  .tuple(second, message, fc.constantFrom("web1 auth.info app[7]", "web1 web1 app[7]", "web1: app[7]", "app"))
  .chain(([at, text, source]) =>
    fc.constantFrom(
      `Nov 21 11:59:${at} ${source}: ${text}`,
      `Sat Nov 21 11:59:${at} 2026 ${source}: ${text}`,
      `Sat Nov 21 11:59:${at} 2026 user.info ${source}: ${text}`,
      `Sat 2026-11-21 11:59:${at} UTC web1 app.service[7]: ${text}`,
      `<38>Nov 21 11:59:${at} ${source}: ${text}`,
    ),
  );

/** Chunks of a log, cut anywhere, inside a character too. */
function chunksOf(line: fc.Arbitrary<string>): fc.Arbitrary<Buffer[]> {
  return fc
    .tuple(fc.array(line, { maxLength: 40, size: "max" }), fc.array(fc.nat(3000), { maxLength: 8 }))
    .map(([lines, places]) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
      return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
    });
}

/** The first line, which settles the format, is of either kind, and so are the others. */
const anyLine = fc.oneof(
  syslogLine,
  journalLine,
  fc.constantFrom('{"MESSAGE":1}', "-- No entries --", '{"a":"b"}'),
);

for (const [name, line] of [
  ["syslog", syslogLine],
  ["journal JSON", journalLine],
  ["both in one", anyLine],
  ["docker's JSON", jsonFileLine],
  ["the CRI's lines", criLine],
  ["dovecot's own log", dovecotLine],
  ["odd headers", oddLine],
  ["all in one", fc.oneof(anyLine, jsonFileLine, criLine, dovecotLine, oddLine)],
] as const) {
  test(`Engine shows the same with the gate and without, ${name}`, () => {
    const property = fc.property(chunksOf(line), fc.boolean(), (chunks, isLive) => {
      assert.equal(seen(chunks, true, isLive), seen(chunks, false, isLive));
    });
    fc.assert(property, { numRuns: 200 });
  });
}
