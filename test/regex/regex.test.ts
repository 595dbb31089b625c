import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findFilter } from "../../src/regex/find-filter.ts";
import { LineMatcher } from "../../src/regex/line-matcher.ts";
import { compileJails } from "../../src/stream/jail/compile-jails.ts";
import { program, runProgram } from "../helpers/program.ts";

const folder = mkdtempSync(join(tmpdir(), "f2b-regex-"));
after(() => rmSync(folder, { recursive: true }));

/** A file in the test's folder. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Guessed passwords at sendmail, as they were logged with and without a name of the client's; and other lines. */
const LINES = [
  "Jan  7 11:25:41 lory sendmail[1558]: s07BPgwK001558: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, relay=[192.0.2.67]",
  "Jan  7 11:25:45 lory sendmail[1558]: s07BPgwK001558: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, relay=[192.0.2.67]",
  "Jan  7 11:25:46 lory sendmail[1560]: s07BPkAB001560: from=<a@example.com>, size=1840, relay=mail.example.com [198.51.100.25]",
  "Jan  7 14:53:46 lory sendmail[28424]: s07EriLI028424: AUTH failure (PLAIN): authentication failure (-13) SASL(-13): authentication failure: Password verification failed, relay=client.example.net [192.0.2.78]",
  "Jan  7 14:53:47 lory sendmail[28424]: s07EriLI028425: AUTH failure (PLAIN): authentication failure (-13) SASL(-13): authentication failure: Password verification failed, relay=monitor.example.net [198.51.100.9]",
];
const log = file("mail.log", `${LINES.join("\n")}\n`);

const FAILREGEX = [
  String.raw`^\s\S+ sendmail\[\d+\]: \w+: AUTH failure \(\w+\): .* checkpass failed, relay=\[<HOST>\]$`,
  String.raw`^\s\S+ sendmail\[\d+\]: \w+: AUTH failure \(\w+\): .* Password verification failed, relay=\S+ \[<HOST>\]$`,
];
const config = join(folder, "config");
mkdirSync(join(config, "filter.d"), { recursive: true });
writeFileSync(
  join(config, "filter.d", "smtp-auth.conf"),
  `[Definition]
mode = all
failregex = <mdre-<mode>>
mdre-all = ${FAILREGEX.join("\n           ")}
mdre-plain = ${FAILREGEX[1]}
ignoreregex = relay=monitor\\.example\\.net
`,
);
const conf = join(config, "filter.d", "smtp-auth.conf");

const TIMES = ["--now", "2014-01-08T00:00:00Z", "--tz", "UTC"];

const regex = (args: readonly string[], input: string | Uint8Array = "") =>
  runProgram("f2b-regex", [...TIMES, ...args], input);

test("f2b-regex tells what fail2ban-regex tells", async () => {
  const { status, stdout, stderr } = await regex([
    log,
    "smtp-auth",
    "--config",
    config,
    "--bans",
    "--maxretry",
    "2",
  ]);
  assert.equal(stderr, "");
  assert.equal(
    stdout.replaceAll(folder, "FOLDER"),
    `Running tests
=============

Use      filter : smtp-auth (smtp-auth)
Use    log file : FOLDER/mail.log

Results
=======

Failregex: 3 total
|-  #) [# of hits] regular expression
|  1) [2] ${FAILREGEX[0]}
|  2) [1] ${FAILREGEX[1]}
\`-

Ignoreregex: 1 total

Summary
=======

Addresses found:
[1]
    192.0.2.67 (Tue Jan 07 11:25:41 2014)
    192.0.2.67 (Tue Jan 07 11:25:45 2014)
[2]
    192.0.2.78 (Tue Jan 07 14:53:46 2014)

Date template hits:
|- [# of hits] date format
|  [5] {^LN-BEG}(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?
\`-

Lines: 5 lines, 1 ignored, 3 matched, 1 missed
|- Ignored line(s):
|  ${LINES[4]}
\`-
|- Missed line(s):
|  ${LINES[2]}
\`-
Success, the total number of match is 3

Bans: 1 (maxretry 2, findtime 600 s)
    192.0.2.67 (Tue Jan 07 11:25:45 2014) until Tue Jan 07 11:35:45 2014
`,
  );
  assert.equal(status, 0);
});

test("f2b-regex --json prints an object a line", async () => {
  const { stdout, status } = await regex(["--json", log, "smtp-auth", "-c", config]);
  const miss = (line: number, why: string) => ({ line, match: false, why });
  const hit = (line: number, id: string, time: number, index: number) => ({
    ...{ line, match: true, id, time, regex: index, attempts: 1, groups: { ip4: id } },
  });
  assert.deepEqual(
    stdout.trimEnd().split("\n").map((line) => JSON.parse(line)),
    [
      hit(1, "192.0.2.67", 1389093941, 0),
      hit(2, "192.0.2.67", 1389093945, 0),
      miss(3, "no-failregex"),
      hit(4, "192.0.2.78", 1389106426, 1),
      miss(5, "ignoreregex"),
    ],
  ); // biome-ignore format: a table
  assert.equal(status, 0);
});

const rules = file(
  "mail.yaml",
  `jails:
  first: {failregex: '^ \\S+ sendmail\\[\\d+\\]: .* checkpass failed, relay=\\[<ADDR>\\]$'}
  second: {failregex: '^ \\S+ sendmail\\[\\d+\\]: .* verification failed, relay=\\S+ \\[<ADDR>\\]$'}
`,
);

const NO_CHANGES = {
  ...{ config: undefined, ignoreregex: undefined, datepattern: undefined },
  ...{ maxlines: undefined, journalmatch: undefined, maxretry: undefined, findtime: undefined },
};

/** Ways to name a filter, and the lines that it finds. */
const FILTERS: readonly {
  name: string;
  args: readonly string[];
  config?: string;
  found: readonly number[];
}[] = [
  { name: "a name in --config", args: ["smtp-auth"], config, found: [1, 2, 4] },
  { name: "a name with options", args: ["smtp-auth[mode=plain]"], config, found: [4] },
  { name: "a path", args: [conf], found: [1, 2, 4] },
  { name: "a path with options in quotes", args: [`${conf}[mode="plain"]`], found: [4] },
  { name: "a jail of a rules file", args: [`${rules}[second]`], found: [4, 5] },
  { name: "a jail of the bundled rules", args: ["sendmail[sendmail-auth]"], found: [1, 2, 4, 5] },
  { name: "a pattern", args: ["checkpass failed, relay=\\[<HOST>\\]$"], found: [1, 2] },
  {
    name: "several patterns",
    args: ["checkpass failed, relay=\\[<HOST>\\]$\n\\[<HOST>\\]$"],
    found: [1, 2, 3, 4, 5],
  },
  { name: "a pattern and an ignoreregex", args: ["\\[<HOST>\\]$", "sendmail\\[28424\\]"], found: [1, 2, 3] },
  { name: "a pattern that looks like a call", args: ["[relay]+=[[]<HOST>"], found: [1, 2] },
];

for (const { name, args, config: directory, found } of FILTERS) {
  test(`findFilter takes ${name}`, async () => {
    const [spec = "", ignoreregex] = args;
    const [jail] = compileJails(await findFilter(spec, { ...NO_CHANGES, config: directory, ignoreregex }));
    assert.ok(jail);
    const judge = new LineMatcher(jail, undefined, Date.UTC(2014, 0, 8));
    const verdicts = LINES.map((line) => judge.push(line).verdict.match);
    assert.deepEqual(
      verdicts.flatMap((match, index) => (match ? [index + 1] : [])),
      found,
    );
  });
}

test("f2b-regex shows every jail of a rules file", async () => {
  const { stdout } = await regex([log, rules]);
  assert.deepEqual(
    stdout.match(/^Use {6}filter : .*$/gm)?.map((line) => line.replace(folder, "")),
    ["Use      filter : first (/mail.yaml)", "Use      filter : second (/mail.yaml)"],
  );
  assert.deepEqual(stdout.match(/^Failregex: .*$/gm), ["Failregex: 2 total", "Failregex: 2 total"]);
});

/** Ways to give the log. */
const LOGS: readonly { name: string; log: string; input: string | Uint8Array; shown: string }[] = [
  { name: "a file", log, input: "", shown: `Use    log file : ${log}` },
  { name: "stdin", log: "-", input: LINES.join("\n"), shown: "Use    log file : stdin" },
  {
    name: "the lines themselves",
    log: LINES.join("\n"),
    input: "",
    shown: `Use single line : ${LINES.join("\\x0a").slice(0, 40)}`,
  },
  { name: "lines with CRLF", log: "-", input: LINES.map((line) => `${line}\r\n`).join(""), shown: "stdin" },
  {
    name: "lines behind bytes that are no UTF-8",
    log: "-",
    input: Buffer.from(`\xff\xfe\x00\n${LINES.join("\n")}\n`, "latin1"),
    shown: "|  \ufffd\ufffd\\x00\n",
  },
];

for (const { name, log: typed, input, shown } of LOGS) {
  test(`f2b-regex takes for LOG ${name}`, async () => {
    const { stdout, stderr, status } = await regex(["-c", config, "--", typed, "smtp-auth"], input);
    assert.match(stdout, /^Failregex: 3 total$/m, stderr);
    assert.ok(stdout.includes(shown), stdout);
    assert.equal(status, 0);
  });
}

test("f2b-regex takes a line over 16 MiB for an empty one", async () => {
  const long = Buffer.alloc(17 * 1024 * 1024, "a");
  const { stdout, stderr } = await regex(
    ["-", "smtp-auth", "-c", config],
    Buffer.concat([long, Buffer.from(`\n${LINES[0]}\n`)]),
  );
  assert.match(stdout, /^Lines: 2 lines, 0 ignored, 1 matched, 1 missed$/m);
  assert.equal(
    stderr,
    "f2b-regex: warning: a line is longer than 16777216 bytes: it is read as an empty line\n",
  );
});

/** Options that change the report. */
const OPTIONS: readonly { name: string; args: readonly string[]; has?: RegExp; lacks?: RegExp }[] = [
  { name: "--print-all-matched", args: ["--print-all-matched"], has: /^\|- Matched line\(s\):\n\| {2}Jan {2}7 11:25:41/m },
  { name: "no option", args: [], lacks: /Matched line/ },
  { name: "--print-no-missed", args: ["--print-no-missed"], lacks: /Missed line/ },
  { name: "--print-no-ignored", args: ["--print-no-ignored"], lacks: /Ignored line/ },
  { name: "-v", args: ["-v", "-d", "^NOTHING"], has: /^\| {2}1\) \[0\] /m },
  { name: "-d", args: ["-d", "^%b %d %H"], has: /^\| {2}\[5\] \^%b %d %H$/m },
  { name: "--format none", args: ["--format", "none"], lacks: /LN-BEG/ },
  { name: "--tz", args: ["--tz", "America/New_York", "--now", "2014-01-09T00:00:00Z"], has: /Tue Jan 07 11:25:41 2014/ },
  { name: "--now", args: ["--now", "2013-06-01T00:00:00Z"], has: /Mon Jan 07 11:25:41 2013/ },
]; // biome-ignore format: a table

for (const { name, args, has = /./, lacks = /^$a/ } of OPTIONS) {
  test(`f2b-regex with ${name}`, async () => {
    const { stdout, stderr } = await runProgram("f2b-regex", [
      ...(args.includes("--now") ? [] : ["--now", "2014-01-08T00:00:00Z"]),
      ...args, log, "smtp-auth", "-c", config,
    ]); // biome-ignore format: args in a row
    assert.match(stdout, has, stderr);
    assert.doesNotMatch(stdout, lacks);
  });
}

test("f2b-regex shows the first lines of a kind, and all of them when asked", async () => {
  const input = Array.from({ length: 30 }, (_, i) => `no match ${i}\n`).join("");
  const some = await regex(["-", "smtp-auth", "-c", config], input);
  assert.match(
    some.stdout,
    /^Missed line\(s\): too many to print. Use --print-all-missed to print all 30 lines$/m,
  );
  const all = await regex(["-", "smtp-auth", "-c", config, "--print-all-missed"], input);
  assert.match(all.stdout, /^\| {2}no match 29$/m);
});

test("f2b-regex reads lines without dates as of now", async () => {
  const { stdout } = await regex([
    "--json",
    "--format",
    "none",
    "failed from 192.0.2.1",
    "^failed from <ADDR>$",
  ]);
  assert.equal(JSON.parse(stdout).time, 1389139200);
});

test("f2b-regex lets a pattern span --maxlines lines", async () => {
  const lines = "Jan  7 11:25:41 login of bob\nJan  7 11:25:42 that failed from 192.0.2.1";
  const { stdout } = await regex([
    "--json",
    "-L",
    "2",
    lines,
    "^ login of \\S+$<SKIPLINES>^ that failed from <ADDR>$",
  ]);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).match),
    [false, true],
  );
});

const SESSIONS = String.raw`^<F-MLFID>\s\S+ app\[\d+\]</F-MLFID>: <F-NOFAIL>connected from</F-NOFAIL> <HOST>$
^<F-MLFID>\s\S+ app\[\d+\]</F-MLFID>: login failed$`;

test("f2b-regex counts hits of patterns that are no failure by themselves, and ignores their lines", async () => {
  const lines = [
    "Jan  7 11:25:41 lory app[7]: connected from 192.0.2.67",
    "Jan  7 11:25:42 lory app[8]: login failed",
    "Jan  7 11:25:43 lory app[7]: login failed",
  ].join("\n");
  const { stdout, stderr } = await regex([lines, SESSIONS]);
  assert.equal(stderr, "");
  assert.match(stdout, /^Failregex: 3 total$/m);
  assert.match(stdout, /^\| {2}1\) \[1\] .*\n\| {2}2\) \[2\] /m);
  assert.match(stdout, /^Ignoreregex: 0 total$/m);
  assert.match(stdout, /^Addresses found:\n\[2\]\n {4}192\.0\.2\.67 \(Tue Jan 07 11:25:43 2014\)\n\n/m);
  assert.match(stdout, /^Lines: 3 lines, 1 ignored, 2 matched, 0 missed$/m);
  assert.match(stdout, /^Success, the total number of match is 1$/m);
});

test("f2b-regex counts lines that a match joins as matched", async () => {
  const lines = [
    ...["Jan  7 11:25:40 other", "Jan  7 11:25:41 login of bob", "Jan  7 11:25:42 between"],
    ...["Jan  7 11:25:43 that failed from 192.0.2.1", "Jan  7 11:25:44 login of eve"],
  ].join("\n");
  const pattern = "^ login of \\S+$<SKIPLINES>^ that failed from <ADDR>$";
  const { stdout } = await regex(["-L", "3", "--print-all-matched", lines, pattern]);
  assert.match(stdout, /^Lines: 5 lines, 0 ignored, 2 matched, 3 missed$/m);
  assert.match(stdout, /^\|- Matched line\(s\):\n\| .*login of bob\n\| .*that failed .*\n`-$/m);
  assert.match(stdout, /^\|- Missed line\(s\):\n\| .*other\n\| .*between\n\| .*login of eve\n`-$/m);
});

const ENTRY = {
  ...{ __REALTIME_TIMESTAMP: "1389093941000000", _HOSTNAME: "lory", SYSLOG_IDENTIFIER: "app", _PID: "7" },
  _SYSTEMD_UNIT: "app.service",
};
const ENTRIES = ["login failed from 192.0.2.67", "hello"]
  .map((MESSAGE) => `${JSON.stringify({ ...ENTRY, MESSAGE })}\n`)
  .join("");

test("f2b-regex shows journal entries as patterns see them", async () => {
  const { stdout } = await regex(
    ["--print-all-matched", "-", "app\\[7\\]: login failed from <ADDR>$"],
    ENTRIES,
  );
  assert.match(stdout, /^\| {2}lory app\[7\]: login failed from 192\.0\.2\.67$/m);
  assert.match(stdout, /^\|- Missed line\(s\):\n\| {2}lory app\[7\]: hello$/m);
});

/** A journalctl that prints its arguments on stderr, two entries, and ends with a status. */
function fakeJournal(status: number): { PATH: string } {
  const path = mkdtempSync(join(folder, "bin-"));
  const entries = file("entries.json", ENTRIES);
  const script = `#!/bin/sh\nprintf '<%s>' "$@" >&2\n/bin/cat ${entries}\nexit ${status}\n`;
  writeFileSync(join(path, "journalctl"), script, { mode: 0o755 });
  return { PATH: path };
}

const JOURNALS: readonly { name: string; args: readonly string[]; told: string }[] = [
  { name: "all entries", args: ["systemd-journal", "failed from <ADDR>$"], told: "<--system>" },
  {
    name: "what --journalmatch says",
    args: ["-m", "_UID=0 + _SYSTEMD_UNIT='app.service' _UID=1", "systemd-journal", "failed from <ADDR>$"],
    told: "<--system><_UID=0><+><_SYSTEMD_UNIT=app.service><_UID=1>",
  },
  {
    name: "what the filter says",
    args: ["systemd-journal", "unit", "-c", config],
    told: "<--system><_SYSTEMD_UNIT=app.service><+><_COMM=app>",
  },
  {
    name: "another journal",
    args: ["systemd-journal[journalpath=/j, journalflags=8, namespace=app]", "failed from <ADDR>$"],
    told: "<--directory=/j><--namespace=app><--user>",
  },
  {
    name: "files",
    args: ['systemd-journal[journalfiles="/j/a.journal /j/b*"]', "failed from <ADDR>$"],
    told: "<--file=/j/a.journal><--file=/j/b*>",
  },
];

writeFileSync(
  join(config, "filter.d", "unit.conf"),
  "[Definition]\nfailregex = failed from <ADDR>$\njournalmatch = _SYSTEMD_UNIT=app.service + _COMM=app\n",
);

for (const { name, args, told } of JOURNALS) {
  test(`f2b-regex reads ${name} of systemd-journal`, async () => {
    const { stdout, stderr } = await runProgram("f2b-regex", ["--tz", "UTC", ...args], "", fakeJournal(0));
    assert.equal(stderr, `<-qao><json>${told}`);
    assert.match(stdout, /^Use {5}journal : journalctl -qao json /m);
    assert.ok(!told.includes("_UID") === /^ {4}192\.0\.2\.67 \(Tue Jan 07 11:25:41 2014\)$/m.test(stdout));
  });
}

test("f2b-regex tells when journalctl fails", async () => {
  const env = fakeJournal(1);
  const failed = await runProgram("f2b-regex", ["systemd-journal", "failed from <ADDR>$"], "", env);
  assert.match(failed.stderr, /f2b-regex: error: journalctl ended with status 1\n$/);
  assert.equal(failed.status, 74);
  const none = { PATH: "/none" };
  const missing = await runProgram("f2b-regex", ["systemd-journal", "failed from <ADDR>$"], "", none);
  assert.match(missing.stderr, /error: spawn journalctl ENOENT/);
  assert.equal(missing.status, 74);
});

test("f2b-regex --check warns of patterns that a stranger can abuse", async () => {
  const weak = file("weak.yaml", "jails:\n  a:\n    failregex: failed from <HOST>\n");
  assert.equal((await regex([log, weak])).stderr, "");
  const { stderr, status } = await regex(["--check", log, weak]);
  assert.equal(
    stderr.replace(folder, "").slice(0, 150),
    "f2b-regex: warning: /weak.yaml:3:16: failregex 1: not anchored: text anywhere in a line can match, so whoever writes into the log can choose the addre",
  );
  assert.equal(status, 0);
});

test("f2b-regex reports searches that took too long", async () => {
  const { stdout, stderr } = await regex([`${"a".repeat(60)} from 192.0.2.1`, "^(?:a|a)*(?!b)$<ADDR>"]);
  assert.match(stdout, /^Searches stopped because they took too long: 1$/m);
  assert.match(stderr, /warning: a search took too long and was stopped: /);
});

const WRONG: readonly { name: string; args: readonly string[]; status: number; stderr: RegExp }[] = [
  { name: "nothing", args: [], status: 64, stderr: /expected a log and a filter/ },
  { name: "too much", args: ["a", "b", "c", "d"], status: 64, stderr: /unexpected "d"/ },
  { name: "an unknown option", args: ["--verbos", "a", "b"], status: 64, stderr: /verbos/ },
  { name: "--json with --bans", args: ["--json", "--bans", "a", "<HOST>"], status: 64, stderr: /exclude each other/ },
  { name: "--json for two jails", args: ["--json", "a", rules], status: 64, stderr: /one of first, second/ },
  { name: "a log that is not there", args: ["/none/mail.log", "<HOST>"], status: 64, stderr: /no such file/ },
  { name: "a folder for a log", args: [folder, "<HOST>"], status: 74, stderr: /is a directory, expected a log/ },
  { name: "a filter that is not there", args: ["a", "none"], status: 78, stderr: /not the name of a filter, and not a pattern/ },
  { name: "options for bundled rules", args: ["a", "nginx[mode=x]"], status: 78, stderr: /bundled rules take no options/ },
  { name: "options that are none", args: ["a", "smtp-auth[mode]", "-c", config], status: 78, stderr: /expected name\[key="value", …\]/ },
  { name: "a jail that is not there", args: ["a", `${rules}[third]`], status: 78, stderr: /the jails are first, second/ },
  { name: "a pattern without id", args: ["a", "fail ed"], status: 78, stderr: /no tag for an address or id/ },
  { name: "a journalmatch that is none", args: ["-m", "ssh", "systemd-journal", "<HOST>"], status: 64, stderr: /--journalmatch: expected FIELD=VALUE, got "ssh"/ },
  { name: "an unknown option for the journal", args: ["systemd-journal[path=/x]", "<HOST>"], status: 78, stderr: /unknown option "path"/ },
  { name: "a broken pattern", args: ["a", "(<HOST>"], status: 78, stderr: /ends this group/ },
  { name: "an empty pattern", args: ["a", " "], status: 78, stderr: /empty pattern/ },
]; // biome-ignore format: a table

for (const { name, args, status: wanted, stderr: told } of WRONG) {
  test(`f2b-regex refuses ${name}`, async () => {
    const { status, stdout, stderr } = await regex(args);
    assert.match(stderr, told);
    assert.equal(stdout, "");
    assert.equal(status, wanted);
  });
}

test("f2b-regex leaves with 141 when nobody reads on", async () => {
  const many = file("many.log", `${LINES[0]}\n`.repeat(50_000));
  const child = spawn(process.execPath, [program("f2b-regex"), "--json", many, conf]);
  child.stdout.once("data", () => child.stdout.destroy());
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(stderr, "");
  assert.equal(status, 141);
});
