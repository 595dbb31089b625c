import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../../src/exec/config.ts";
import { dumpExec } from "../../../src/rules/fail2ban/dump-exec.ts";
import { type ImportedActions, loadFail2ban } from "../../../src/rules/fail2ban/load-fail2ban.ts";
import { withTree } from "../../helpers/config-tree.ts";
import { runProgram } from "../../helpers/program.ts";

const place = { file: "action.d/x.conf", line: 1, column: 1 };
const jail: ImportedActions = {
  jail: "sshd",
  blocktype: "drop",
  chains: ["INPUT", "FORWARD"],
  allports: false,
  commands: [
    {
      kind: "command",
      name: "tell",
      place,
      commands: {
        actionban: [
          ["logger", "ban <ip>"],
          ["touch", "/tmp/<ip>"],
        ],
        actionunban: [["logger", "unban <ip>"]],
      },
    },
  ],
  unsupported: [{ name: "mail", why: "is run by\na shell" }],
};

test("dumpExec writes what f2b-exec -c reads, and names the rest", async () => {
  const text = dumpExec([jail]);
  assert.match(text, /^# sshd: mail: is run by a shell\n/);
  assert.deepEqual(parse(text), {
    jails: {
      sshd: {
        blocktype: "drop",
        chain: ["INPUT", "FORWARD"],
        actions: [
          { name: "tell-1", actionban: ["logger", "ban <ip>"], actionunban: ["logger", "unban <ip>"] },
          { name: "tell-2", actionban: ["touch", "/tmp/<ip>"] },
        ],
      },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "f2b-dump-"));
  try {
    const file = join(folder, "exec.yaml");
    writeFileSync(file, text);
    const { status, stderr } = await runProgram("f2b-exec", ["--dry-run", "-c", file]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("dumpExec names chains that f2b-exec would not take, each in a comment of one line", () => {
  const text = dumpExec([
    { ...jail, chains: ["INPUT", "f2bs-x", "a b\nc", "x".repeat(29)], commands: [], unsupported: [] },
  ]);
  assert.deepEqual(parseConfig(text, "exec.yaml"), {
    jails: { sshd: { blocktype: "drop", chain: ["INPUT"] } },
  });
  assert.deepEqual(text.split("\n").slice(0, 3), [
    '# sshd: chain "f2bs-x": no name of a chain',
    '# sshd: chain "a b\\nc": no name of a chain',
    `# sshd: chain "${"x".repeat(29)}": no name of a chain`,
  ]);
});

const COMMANDS: readonly (readonly [action: string, why: RegExp | undefined])[] = [
  ["actionban = tell <ip>\nactionstart = tell <name>", undefined],
  ["actionban = tell <ip>\nactionstart = tell <ip>", /actionstart uses the tag <ip>/],
  ["actionban = tell '<a?b>'", /actionban uses the tag <a\?b>/],
  ["actionban = '' <ip>", /actionban names no program/],
  ["actionban = tell a\0b", /actionban needs a shell for "\\u0000"/],
];

for (const [action, why] of COMMANDS) {
  test(`what dumpExec writes is what f2b-exec takes: ${JSON.stringify(action)}`, () => {
    const files = {
      "jail.conf": "[j]\nenabled = true\nfilter = f\naction = x\n",
      "filter.d/f.conf": "[Definition]\nfailregex = ^<HOST>$\n",
      "action.d/x.conf": `[Definition]\n${action}\n`,
    };
    const { exec } = withTree(files, (folder) => loadFail2ban(folder));
    assert.ok(parseConfig(dumpExec(exec), "exec.yaml").jails);
    const told = exec.flatMap(({ unsupported }) => unsupported.map((each) => each.why)).join("\n");
    if (why === undefined) assert.equal(told, "");
    else assert.match(told, why);
  });
}
