import assert from "node:assert/strict";
import { test } from "node:test";
import { formatStatus, formatStatusJson } from "../../../src/exec/report/format-status.ts";

const FOREIGN = "a\x1b[31m\x9b2J\x7f\u202e\u2028b";
const LISTS = [
  {
    backend: "iptables",
    jails: [
      { name: FOREIGN, ports: [], protocols: [], chains: [FOREIGN], bans: new Map([["192.0.2.7", null]]) },
      { name: "smtp", ports: ["25"], protocols: ["tcp"], chains: ["INPUT"], bans: new Map() },
    ],
  },
];

test("formatStatus escapes what others wrote into the kernel", () => {
  const text = formatStatus(LISTS);
  assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
  assert.match(text, /^a\\x1b\[31m\\x9b2J\\x7f\\u\{202e\}\\u\{2028\}b +192\.0\.2\.7 +for ever +all +a\\x1b/m);
  assert.match(text, /^smtp +- +- +25\/tcp +INPUT +iptables$/m);
});

test("formatStatusJson escapes what a terminal would act on, and means the same", () => {
  const text = formatStatusJson(LISTS);
  assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
  assert.equal(JSON.parse(text.split("\n")[0] ?? "").jail, FOREIGN);
});
