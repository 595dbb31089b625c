import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type HeaderShape, readHeader } from "../../../src/stream/input/header-shapes.ts";
import type { SyslogHeader } from "../../../src/stream/input/syslog.ts";

before(() => {
  process.env.TZ = "Europe/Zurich";
});

const NOW = Date.UTC(2026, 10, 21, 12);

/** A header as its time in UTC, its identifier and its message. */
function shown(line: string, header: SyslogHeader | undefined): readonly (string | undefined)[] | undefined {
  if (header === undefined) return undefined;
  const time = header.time === undefined ? undefined : new Date(header.time).toISOString();
  return [time, header.identifier, line.slice(header.start)];
}

const TEN = "2026-11-21T09:00:00.000Z";

const headers: readonly (readonly [
  HeaderShape,
  line: string,
  time: string | undefined,
  identifier: string | undefined,
  message: string,
])[] = [
  ["syslog", "Nov 21 10:00:00 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog", "Nov  1 10:00:00 web1 sshd[1]: hello", "2026-11-01T09:00:00.000Z", "sshd", "hello"],
  ["syslog", "Nov 21 10:00:00.123456 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog", "Nov 23 10:00:00 web1 sshd[1]: hello", "2025-11-23T09:00:00.000Z", "sshd", "hello"],
  ["syslog", "Jul 21 10:00:00 web1 sshd[1]: hello", "2026-07-21T08:00:00.000Z", "sshd", "hello"],
  ["syslog", "Feb 30 10:00:00 web1 sshd[1]: hello", undefined, "sshd", "hello"],
  ["syslog", "Nov 21 25:00:00 web1 sshd[1]: hello", undefined, "sshd", "hello"],
  ["syslog", "Xyz 21 10:00:00 web1 sshd[1]: hello", undefined, "sshd", "hello"],
  ["syslog", "Nov 21 10:00:00 web1 sshd: no pid", TEN, "sshd", "no pid"],
  ["syslog", "Nov 21 10:00:00 web1 postfix/smtpd[1]: x", TEN, "postfix/smtpd", "x"],
  ["syslog", "Nov 21 10:00:00 web1 su(pam_unix)[1]: x", TEN, "su", "x"],
  ["syslog", "Nov 21 10:00:00 web1 kernel: [12.345] x: y", TEN, "kernel", "[12.345] x: y"],
  ["syslog", "Nov 21 10:00:00 web1 app:tight", TEN, "app", "tight"],
  ["syslog", "Nov 21 10:00:00 web1 app[1]:  two blanks", TEN, "app", " two blanks"],
  ["syslog", "Nov 21 10:00:00 web1 app[1]:", TEN, "app", ""],
  [
    "syslog",
    "Nov 21 10:00:00 web1 last message repeated 3 times",
    TEN,
    undefined,
    "last message repeated 3 times",
  ],
  ["syslog", "Nov 21 10:00:00 web1 -- MARK --", TEN, undefined, "-- MARK --"],
  ["syslog", "Nov 21 10:00:00 sshd[1]: error: PAM: x", TEN, "sshd", "error: PAM: x"],
  ["syslog", "Nov 21 10:00:00 sshd[1]:", TEN, "sshd", ""],
  ["syslog", "Nov 21 10:00:00 2001:db8::1 sshd[1]: x", TEN, "sshd", "x"],
  [
    "syslog",
    "Nov 21 10:00:00 2001:db8::1 last message repeated 2 times",
    TEN,
    undefined,
    "last message repeated 2 times",
  ],
  ["syslog", "2026-11-21T10:00:00+01:00 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog", "2026-11-21T10:00:00+0100 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog", "2026-11-21T09:00:00Z web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog", "2026-11-21T09:00:00.123456Z web1 sshd[1]: hello", "2026-11-21T09:00:00.123Z", "sshd", "hello"],
  ["syslog", "2026-02-30T10:00:00+01:00 web1 sshd[1]: hello", undefined, "sshd", "hello"],
  ["syslog-pri", "<38>Nov 21 10:00:00 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["syslog-pri", "<0>2026-11-21T10:00:00+01:00 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  [
    "rfc5424",
    "<38>1 2026-11-21T10:00:00.5+01:00 web1 sshd 7 ID47 - hello",
    "2026-11-21T09:00:00.500Z",
    "sshd",
    "hello",
  ],
  ["rfc5424", "<38>1 - - - - - - hello", undefined, undefined, "hello"],
  ["rfc5424", "<38>1 2026-11-21T09:00:00Z web1 sshd - - - \ufeffhello", TEN, "sshd", "hello"],
  ["rfc5424", '<38>1 2026-11-21T09:00:00Z web1 sshd - - [a@1 x="1" y="2"][b@1] hello', TEN, "sshd", "hello"],
  ["rfc5424", '<38>1 2026-11-21T09:00:00Z web1 sshd - - [a x="\\"] [\\]"] hello', TEN, "sshd", "hello"],
  ["rfc5424", '<38>1 2026-11-21T09:00:00Z web1 sshd - - [a x="] \\\u2028"] hello', TEN, "sshd", "hello"],
  ["rfc5424", "<38>1 2026-11-21T09:00:00Z web1 sshd - - -", TEN, "sshd", ""],
  ["short-full", "Sat 2026-11-21 10:00:00 CET web1 sshd[1]: hello", TEN, "sshd", "hello"],
  [
    "short-full",
    "Sat 2026-11-21 09:00:00.123456 UTC web1 sshd[1]: hello",
    "2026-11-21T09:00:00.123Z",
    "sshd",
    "hello",
  ],
  ["short-full", "Sat 2026-11-21 12:00:00 +03 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["short-full", "Sat 2026-11-21 14:30:00 +0530 web1 sshd[1]: hello", TEN, "sshd", "hello"],
  ["short-unix", "1795251600.123456 web1 sshd[1]: hello", "2026-11-21T09:00:00.123Z", "sshd", "hello"],
  ["short-monotonic", "[   12.345678] web1 sshd[1]: hello", undefined, "sshd", "hello"],
];

for (const [shape, line, ...expected] of headers) {
  test(`readHeader reads ${shape} ${JSON.stringify(line)}`, () => {
    assert.deepEqual(shown(line, readHeader(line, shape, NOW)), expected);
  });
}

const others: readonly (readonly [HeaderShape, line: string])[] = [
  ["syslog", ""],
  ["syslog", "<38>Nov 21 10:00:00 web1 sshd[1]: hello"],
  ["syslog", " Nov 21 10:00:00 web1 sshd[1]: hello"],
  ["syslog", "nov 21 10:00:00 web1 sshd[1]: hello"],
  ["syslog", "2026-11-21 10:00:00 web1 sshd[1]: hello"],
  ["syslog", "2026-11-21T10:00:00 web1 sshd[1]: hello"],
  ["syslog-pri", "Nov 21 10:00:00 web1 sshd[1]: hello"],
  ["syslog-pri", "<038>Nov 21 10:00:00 web1 sshd[1]: hello"],
  ["syslog-pri", "<1234>Nov 21 10:00:00 web1 sshd[1]: hello"],
  ["rfc5424", "<38>2 - - - - - - hello"],
  ["rfc5424", "<38>1 - - - - - hello"],
  ["rfc5424", '<38>1 - - - - - [a x="1] hello'],
  ["rfc5424", '<38>1 - - - - - [a x="1"]hello'],
  ["short-full", "2026-11-21 10:00:00 CET web1 sshd[1]: hello"],
  ["short-unix", "1795251600 web1 sshd[1]: hello"],
  ["short-monotonic", "12.345678 web1 sshd[1]: hello"],
];

for (const [shape, line] of others) {
  test(`readHeader does not take ${JSON.stringify(line)} for ${shape}`, () => {
    assert.equal(readHeader(line, shape, NOW), undefined);
  });
}

test("readHeader reads megabytes of structured data", () => {
  const long = "x".repeat(16 << 20);
  const line = `<1>1 - - - - - [a b="${long}"] hi`;
  assert.equal(readHeader(line, "rfc5424", NOW)?.start, line.length - "hi".length);
  assert.equal(readHeader(`<1>1 - - - - - [a b="${long}`, "rfc5424", NOW), undefined);
});
