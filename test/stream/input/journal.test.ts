import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readJournal, text } from "../../../src/stream/input/journal.ts";

const sshd = {
  __REALTIME_TIMESTAMP: "1795290000123456",
  _HOSTNAME: "web1",
  SYSLOG_IDENTIFIER: "sshd",
  _COMM: "sshd-session",
  SYSLOG_PID: "7",
  _PID: "8",
  MESSAGE: "Failed password",
};

const entries: readonly { name: string; fields: object; line: string; identifier: string | undefined }[] = [
  {
    name: "syslog's identifier and pid",
    fields: sshd,
    line: "web1 sshd[7]: Failed password",
    identifier: "sshd",
  },
  {
    name: "the command and its pid where syslog's are missing",
    fields: { ...sshd, SYSLOG_IDENTIFIER: undefined, SYSLOG_PID: undefined },
    line: "web1 sshd-session[8]: Failed password",
    identifier: "sshd-session",
  },
  {
    name: "no host and no pid",
    fields: { SYSLOG_IDENTIFIER: "kernel", MESSAGE: "x" },
    line: "kernel: x",
    identifier: "kernel",
  },
  { name: "a message alone", fields: { MESSAGE: "x" }, line: "x", identifier: undefined },
  {
    name: "a message of bytes",
    fields: { MESSAGE: [120, 195, 188, 255] },
    line: "xü\ufffd",
    identifier: undefined,
  },
  {
    name: "a message given twice",
    fields: { MESSAGE: ["first", "second"] },
    line: "first",
    identifier: undefined,
  },
  {
    name: "a message of bytes given twice",
    fields: { MESSAGE: [[97], [98]] },
    line: "a",
    identifier: undefined,
  },
  {
    name: "line feeds as a backslash and an n, as fail2ban shows them",
    fields: { ...sshd, MESSAGE: "one\ntwo\r\n", SYSLOG_IDENTIFIER: "s\n" },
    line: "web1 s\\n[7]: one\\ntwo\r\\n",
    identifier: "s\\n",
  },
  {
    name: "a message left out",
    fields: { ...sshd, MESSAGE: null },
    line: "web1 sshd[7]: ",
    identifier: "sshd",
  },
];

for (const { name, fields, line, identifier } of entries) {
  test(`readJournal reads ${name}`, () => {
    const entry = readJournal(JSON.stringify(fields));
    assert.equal(entry?.line, line);
    assert.equal(entry?.identifier, identifier);
    assert.equal(entry?.isDateless, true);
  });
}

test("readJournal reads json-seq and json-sse as json", () => {
  const json = JSON.stringify(sshd);
  for (const line of [json, `\x1e${json}`, `data: ${json}`])
    assert.equal(readJournal(line)?.time, 1_795_290_000_123);
});

test("readJournal gives no time where the journal says none", () => {
  for (const stamp of [undefined, "", "x", "-1", 1_795_290_000_123_456, "1".repeat(18), ["1"]])
    assert.equal(readJournal(JSON.stringify({ MESSAGE: "x", __REALTIME_TIMESTAMP: stamp }))?.time, undefined);
});

const others = [
  "",
  "{",
  "{}",
  "[]",
  "null",
  "data: ",
  "\x1e",
  '{"message":"x"}',
  ' {"MESSAGE":"x"}',
  '{"MESSAGE":"x"} x',
  '{"__proto__":{"MESSAGE":"x"}}',
  "Nov 21 10:00:00 web1 app: x",
];

for (const line of others) {
  test(`readJournal refuses ${JSON.stringify(line)}`, () => {
    assert.equal(readJournal(line), undefined);
  });
}

test("readJournal throws at no JSON, however deep", () => {
  const deep = `{"MESSAGE":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
  assert.equal(readJournal(deep)?.message, "\n");
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(sshd)), fc.jsonValue()), (fields) => {
      const entry = readJournal(JSON.stringify({ MESSAGE: "", ...fields }));
      assert.equal(typeof entry?.line, "string");
    }),
  );
});

test("text gives no text for what is none", () => {
  for (const value of [undefined, null, 1, {}, [null], [{}], [[[97]]], ["x", 1].reverse()])
    assert.equal(text(value), undefined);
});

test("readJournal tells a message left out from an empty one", () => {
  const isCut = (message: unknown) => readJournal(JSON.stringify({ MESSAGE: message }))?.isCut;
  assert.equal(isCut(null), true);
  assert.equal(isCut(""), false);
});
