import assert from "node:assert/strict";
import { before, test } from "node:test";
import { CONTAINER_EXAMPLES } from "../../../src/stream/input/containers.ts";
import { FORMATS, type Format, FormatDetector, shapeOf } from "../../../src/stream/input/format.ts";
import { HEADER_SHAPES, type HeaderShape } from "../../../src/stream/input/header-shapes.ts";
import { readEntry } from "../../../src/stream/input/read-entry.ts";

const NOW = Date.UTC(2026, 10, 28, 18);
const LOCAL = "2026-11-28T15:27:44.000Z";

before(() => {
  process.env.TZ = "Europe/Zurich";
});

for (const { name, example, isFound } of HEADER_SHAPES) {
  test(`the example of ${name} has its shape${isFound ? ", which a first line settles" : ", and settles another"}`, () => {
    assert.equal(shapeOf(example, NOW) === name, isFound);
    assert.equal(readEntry(`${example}\n`, name, NOW).message.trimEnd().length > 0, true);
    assert.ok(FORMATS.includes(name));
  });
}

for (const [format, example] of Object.entries(CONTAINER_EXAMPLES)) {
  test(`the example of ${format} has its shape, which a first line settles`, () => {
    assert.equal(new FormatDetector().formatOf(`${example}\n`, NOW), format);
    const entry = readEntry(`${example}\n`, format as Format, NOW);
    assert.equal(entry.contained?.text, "Failed password\n");
    assert.equal(new Date(entry.time ?? 0).toISOString(), "2026-11-28T15:27:44.123Z");
  });
}

/** What is read of a line: its time, identifier, process and message. */
const read: readonly (readonly [
  HeaderShape,
  line: string,
  time: string | undefined,
  identifier: string | undefined,
  process: string | undefined,
  message: string,
])[] = [
  // BusyBox 1.35 writes these.
  ["syslog", "Nov 28 16:27:44 gw auth.info sshd[77]: x", LOCAL, "sshd", "gw 77", "x"],
  ["syslog", "Nov 28 16:27:44 gw local3.warn app: hi", LOCAL, "app", undefined, "hi"],
  ["syslog", "Nov 28 16:27:44 gw kern.info kernel: [1.2] x", LOCAL, "kernel", undefined, "[1.2] x"],
  ["syslog", "Nov 28 16:27:44 gw auth.info two lines", LOCAL, undefined, undefined, "auth.info two lines"],
  ["syslog", "Nov 28 16:27:44 gw <999> app: x", LOCAL, undefined, undefined, "<999> app: x"],
  ["syslog", "Nov 28 16:27:44 gw auth.loud sshd[7]: x", LOCAL, undefined, undefined, "auth.loud sshd[7]: x"],
  ["syslog", "Nov 28 16:27:44 auth.info sshd[77]: x", LOCAL, "sshd", "auth.info 77", "x"],
  ["syslog", "Nov 28 16:27:44 gw gw sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["syslog", "Nov 28 16:27:44 2001:db8::1 2001:db8::1 sshd[7]: x", LOCAL, "sshd", "2001:db8::1 7", "x"],
  ["syslog-pri", "<38>Nov 28 16:27:44 gw gw sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["syslog-dated", "Sat Nov 28 16:27:44 2026 gw sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["syslog-dated", "Nov 28 2025 16:27:44 gw sshd[7]: x", "2025-11-28T15:27:44.000Z", "sshd", "gw 7", "x"],
  ["syslog-dated", "Nov  8 16:27:44 2025 gw sshd[7]: x", "2025-11-08T15:27:44.000Z", "sshd", "gw 7", "x"],
  ["syslog-dated", "2024 Nov 28 16:27:44 gw sshd: x", "2024-11-28T15:27:44.000Z", "sshd", undefined, "x"],
  ["syslog-dated", "Sat Nov 28 16:27:44 2024-web sshd[7]: x", LOCAL, "sshd", "2024-web 7", "x"],
  ["syslog-dated", "Sat Nov 28 16:27:44 2026 gw auth.info sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["syslog-dated", "Sat Feb 30 16:27:44 2026 gw sshd[7]: x", undefined, "sshd", "gw 7", "x"],
  ["logread", "Sat Nov 28 16:27:44 2025 auth.info sshd[7]: x", "2025-11-28T15:27:44.000Z", "sshd", " 7", "x"],
  ["logread", "Sat Nov 28 16:27:44 2026 [1795879664.123] authpriv.warn sshd[7]: x", LOCAL, "sshd", " 7", "x"],
  ["logread", "Sat Nov 28 16:27:44 2026 kern.info kernel: [1.2] x", LOCAL, "kernel", undefined, "[1.2] x"],
  ["logread", "Sat Nov 28 16:27:44 2026 user.notice a text", LOCAL, undefined, undefined, "a text"],
  [
    "with-unit",
    "Sat 2026-11-28 16:27:44 CET gw ssh@1-192.0.2.1:22-192.0.2.7:4.service[7]: x",
    LOCAL,
    "ssh@1-192.0.2.1:22-192.0.2.7:4.service",
    "gw 7",
    "x",
  ],
  [
    "with-unit",
    "Sat 2026-11-28 16:27:44 CET gw user@1000.service/app.service[7]: x",
    LOCAL,
    "user@1000.service/app.service",
    "gw 7",
    "x",
  ],
  ["dovecot", "Nov 28 16:27:44 imap-login: Info: x", LOCAL, "dovecot", undefined, "imap-login: x"],
  ["dovecot", "Nov 28 16:27:44 auth-worker(7): Error: x", LOCAL, "dovecot", undefined, "auth-worker(7): x"],
  [
    "dovecot",
    "Nov 28 16:27:44 imap(bob)<7><a+b/c>: Info: x",
    LOCAL,
    "dovecot",
    undefined,
    "imap(bob)<7><a+b/c>: x",
  ],
  ["relayed", "Nov 28 16:27:44 relay gw sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["relayed", "<38>2026-11-28T15:27:44Z relay gw sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
  ["relayed", "Nov 28 16:27:44 relay sshd[7]: x", LOCAL, "sshd", "relay 7", "x"],
  ["host-colon", "Nov 28 16:27:44 gw: sshd[7]: x", LOCAL, "sshd", "gw 7", "x"],
];

for (const [shape, line, time, identifier, process, message] of read) {
  test(`readEntry reads ${shape} ${JSON.stringify(line)}`, () => {
    const entry = readEntry(`${line}\n`, shape, NOW);
    const at = entry.time === undefined ? undefined : new Date(entry.time).toISOString();
    assert.deepEqual(
      [at, entry.identifier, entry.process, entry.message],
      [time, identifier, process, `${message}\n`],
    );
  });
}

/**
 * Lines in whose message a client has written what looks like a tag. For each: the format that it settles as a first line, and the identifier
 * that is read of it then. None may be sshd.
 */
const forged: readonly (readonly [line: string, format: Format, identifier: string | undefined])[] = [
  ["Nov 28 16:27:44 gw app: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 gw app[7]: gw sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 app: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 app[7]: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 app: gw sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 app: auth.info sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 app: app: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 gw gw: sshd[1]: x", "syslog", "gw"],
  ["Nov 28 16:27:44 gw: gw: sshd[1]: x", "syslog", "gw"],
  ["Nov 28 16:27:44 gw login sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 gw login auth.info sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 gw gw gw sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 gw auth.info gw sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 gw auth.info app: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 gw auth.info auth.info sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 gw 2026 sshd[1]: x", "syslog", undefined],
  ["Nov 28 16:27:44 2026 app: sshd[1]: x", "syslog", "app"],
  ["Nov 28 16:27:44 relay gw sshd[1]: x", "syslog", undefined],
  ["Sat Nov 28 16:27:44 2026 gw app: sshd[1]: x", "syslog-dated", "app"],
  ["Sat Nov 28 16:27:44 2026 app: sshd[1]: x", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 ERROR sshd[1]: x", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 [pid 7] sshd[1]: x", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 [pid 7] [gw sshd[1]: x] FAIL LOGIN", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 1 192.0.2.7 9 /gw sshd[1]: x b _ i r bob ftp 0 * c", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 : Auth: gw sshd[1]: x", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 192.0.2.7:4 VERIFY sshd[1]: x", "plain", undefined],
  ["Sat Nov 28 16:27:44 2026 user.info app: sshd[1]: x", "logread", "app"],
  ["Sat Nov 28 16:27:44 2026 user.info text auth.info sshd[1]: x", "logread", undefined],
  ["Sat 2026-11-28 16:27:44 CET gw app.service[7]: sshd.service[1]: x", "with-unit", "app.service"],
  ["Sat 2026-11-28 16:27:44 CET gw app[7]: sshd.service[1]: x", "short-full", "app"],
  ["2026-11-28T16:27:44+01:00 stderr F gw sshd[1]: x", "cri", undefined],
  ["2026-11-28T16:27:44+01:00 stdout P sshd[1]: x", "cri", undefined],
  [
    '{"log":"Nov 28 16:27:44 gw sshd[1]: x\\n","stream":"stdout","time":"2026-11-28T15:27:44Z"}',
    "json-file",
    undefined,
  ],
  ["Nov 28 16:27:44 imap-login: Info: user=<x>, auth: Info: sshd[1]: x", "dovecot", "dovecot"],
  ["Nov 28 16:27:44 app: Info: imap-login: Info: x", "syslog", "app"],
  ["2026-11-28 16:27:44 INFO sshd[1]: x", "plain", undefined],
];

for (const [line, format, identifier] of forged) {
  test(`no text in ${JSON.stringify(line)} passes for a tag`, () => {
    const settled = new FormatDetector().formatOf(`${line}\n`, NOW);
    assert.deepEqual([settled, readEntry(`${line}\n`, settled, NOW).identifier], [format, identifier]);
    for (const other of FORMATS.filter((each) => each !== "relayed" && each !== "host-colon"))
      assert.notEqual(readEntry(`${line}\n`, other, NOW).identifier, "sshd");
  });
}
