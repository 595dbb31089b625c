import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { dumpExec } from "../src/rules/fail2ban/dump-exec.ts";
import type { ExecJail } from "../src/rules/fail2ban/load.ts";
import { runProgram } from "./helpers/program.ts";

const place = { file: "action.d/x.conf", line: 1, column: 1 };
const jail: ExecJail = {
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
