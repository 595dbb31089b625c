import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseCall, splitCalls } from "../../../src/rules/fail2ban/calls.ts";
import { loadFail2ban } from "../../../src/rules/fail2ban/load-fail2ban.ts";
import { parseSeconds } from "../../../src/rules/fail2ban/seconds.ts";
import { RuleError } from "../../../src/rules/rule.ts";
import { newFolder } from "../../helpers/folder.ts";
import { runProgram } from "../../helpers/program.ts";

// Configuration that is odd, damaged or without end: it is told, jail by jail where it can be, and never is it a bug of ours.

/** A configuration of the jail `j`, which is as `options` say, and of the jail `other`, in which nothing is wrong. */
function configured(t: TestContext, options: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = newFolder(t);
  const all = {
    "jail.conf": `[DEFAULT]\nenabled = true\naction = iptables\n[other]\nfilter = f\n[j]\n${options}\n`,
    "filter.d/f.conf": "[Definition]\nfailregex = ^from <HOST>$\n",
    "action.d/iptables.conf": "[Definition]\nactionban = iptables -s <ip>\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const names: readonly { name: string; options: string; told: RegExp; make?: (folder: string) => void }[] = [
  { name: "a filter's name that holds a NUL", options: "filter = a\0b", told: /a name can't hold a NUL/ },
  {
    name: "an action's name that holds a NUL",
    options: "filter = f\naction = a\0b",
    told: /a name can't hold a NUL/,
  },
  {
    name: "a filter's name that is too long",
    options: `filter = ${"x".repeat(300)}`,
    told: /its name is too long/,
  },
  {
    name: "a filter's path that is too long",
    options: `filter = ${"x/".repeat(4000)}x`,
    told: /its name is too long/,
  },
  {
    name: "a filter that is a link to itself",
    options: "filter = loop",
    told: /loop\.conf:1:1: too many symbolic links/,
    make: (folder) => symlinkSync("loop.conf", join(folder, "filter.d/loop.conf")),
  },
  {
    name: "a filter's folder that is a link to itself",
    options: "filter = loop",
    told: /loop\.d:1:1: too many symbolic links/,
    make: (folder) => symlinkSync("loop.d", join(folder, "filter.d/loop.d")),
  },
  {
    name: "a filter that is a folder",
    options: "filter = dir",
    told: /dir\.conf:1:1: is a directory/,
    make: (folder) => mkdirSync(join(folder, "filter.d/dir.conf")),
  },
  { name: "a filter below a file", options: "filter = f.conf/x", told: /filter "f\.conf\/x": no file/ },
  {
    name: "a filter that is a FIFO",
    options: "filter = fifo",
    told: /fifo\.conf:1:1: is a FIFO/,
    make: (folder) => execFileSync("mkfifo", [join(folder, "filter.d/fifo.conf")]),
  },
  {
    name: "a filter that is a device without an end",
    options: "filter = zero",
    told: /zero\.conf:1:1: is a device/,
    make: (folder) => symlinkSync("/dev/zero", join(folder, "filter.d/zero.conf")),
  },
  {
    name: "a filter that is not UTF-8",
    options: "filter = latin1",
    told: /latin1\.conf:1:1: is not UTF-8/,
    make: (folder) => writeFileSync(join(folder, "filter.d/latin1.conf"), Buffer.from([0x5b, 0xe9, 0x5d])),
  },
  {
    name: "a filter that is longer than 1 MiB",
    options: "filter = long",
    told: /long\.conf:1:1: longer than 1 MiB/,
    make: (folder) => writeFileSync(join(folder, "filter.d/long.conf"), "#".repeat(1_048_577)),
  },
  {
    name: "a filter that includes what can be no path",
    options: "filter = before",
    told: /a name can't hold a NUL/,
    make: (folder) => writeFileSync(join(folder, "filter.d/before.conf"), "[INCLUDES]\nbefore = a\0b\n"),
  },
];

for (const { name, options, told, make } of names) {
  test(`loadFail2ban leaves out a jail for ${name}`, (t) => {
    const folder = configured(t, options);
    make?.(folder);
    const { jails, warnings } = loadFail2ban(folder);
    assert.deepEqual(
      jails.map((jail) => jail.name),
      ["other"],
    );
    assert.match(warnings.join("\n"), /jail j: left out: /);
    assert.match(warnings.join("\n"), told);
  });
}

test("f2b-stream goes on without a jail whose filter's name holds a NUL, and says so in one line", async (t) => {
  const folder = configured(t, "filter = a\0b\x1bc");
  const { status, stderr } = await runProgram("f2b-stream", ["-r", folder]);
  assert.equal(status, 0);
  assert.match(stderr, /^f2b-stream: warning: jail j: left out: .*a\\x00b\\x1bc.*a name can't hold a NUL\n$/);
});

test("f2b-stream refuses a jail.conf whose includes can be no paths", async (t) => {
  const folder = configured(t, "", { "jail.conf": `[INCLUDES]\nbefore = ${"x".repeat(300)}\n` });
  const { status, stderr } = await runProgram("f2b-stream", ["-r", folder]);
  assert.equal(status, 78);
  assert.match(stderr, /error: .*x:1:1: its name is too long\n/);
});

const endless: readonly { name: string; options: string; files?: Record<string, string>; told: RegExp }[] = [
  {
    name: "files that include each other in all ways",
    options: "filter = i0",
    files: Object.fromEntries(
      Array.from({ length: 12 }, (_, file) => {
        const others = Array.from({ length: 12 }, (_, other) => `i${other}.conf`).join("\n    ");
        return [
          `filter.d/i${file}.conf`,
          `[INCLUDES]\nbefore = ${others}\n[Definition]\nfailregex = ^<HOST>$\n`,
        ];
      }),
    ),
    told: /includes more than 1000 files/,
  },
  {
    name: "values that refer to others again and again",
    options: `filter = f\nlogpath = %(v9)s\nv0 =\n${Array.from({ length: 9 }, (_, level) => `v${level + 1} = ${`%(v${level})s`.repeat(50)}`).join("\n")}`,
    told: /more than 10000 %\(…\)s to replace/,
  },
  {
    name: "references without an end",
    options: `filter = f\nlogpath = ${"%(".repeat(200_000)}`,
    told: /expected "%%" or "%\(name\)s"/,
  },
  {
    name: "tags that stand for more than there is room for",
    options: "filter = tags",
    files: {
      "filter.d/tags.conf": `[Definition]\nfailregex = ${Array.from({ length: 4000 }, (_, tag) => `<t${tag}>`).join("")}${"x".repeat(100_000)}\n[Init]\n${Array.from({ length: 4000 }, (_, tag) => `t${tag} = y`).join("\n")}\n`,
    },
    told: /too many tags to replace/,
  },
  {
    name: "an action that is endless",
    options: `filter = f\naction = a[${"x ".repeat(100_000)}`,
    told: /expected name\[key=/,
  },
];

for (const { name, options, files, told } of endless) {
  test(`loadFail2ban ends with ${name}`, { timeout: 60_000 }, (t) => {
    const { jails, warnings } = loadFail2ban(configured(t, options, files));
    assert.deepEqual(
      jails.map((jail) => jail.name),
      ["other"],
    );
    assert.match(warnings.join("\n"), told);
  });
}

test("loadFail2ban reads a line of a million blanks", { timeout: 60_000 }, (t) => {
  const folder = configured(t, "", { "jail.conf": `[j]\nx${" ".repeat(1_000_000)}y\n` });
  assert.throws(() => loadFail2ban(folder), RuleError);
});

test("parseSeconds goes no deeper than a duration may be long", () => {
  assert.equal(parseSeconds(`${"(".repeat(100_000)}1${")".repeat(100_000)}`), undefined);
  assert.equal(parseSeconds("-".repeat(100_000)), undefined);
  assert.equal(parseSeconds(`${"(".repeat(300)}1${")".repeat(300)}`), 1);
});

test("splitCalls and parseCall take time in proportion to a text", { timeout: 60_000 }, () => {
  const at = (text: string) => ({ text, places: [{ file: "x", line: 1, column: 1 }] });
  for (const text of [
    `a[b=${" ".repeat(200_000)}`,
    `a${" ".repeat(200_000)}[`,
    `a${"[b=c]".repeat(40_000)}x`,
  ]) {
    assert.ok(splitCalls(at(text)).length > 0);
    assert.throws(() => parseCall(at(text)), RuleError);
  }
});
