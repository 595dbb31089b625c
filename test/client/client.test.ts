import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { UsageError } from "../../src/cli/args.ts";
import { formatAnswer } from "../../src/client/answer-text.ts";
import { AnswerError } from "../../src/client/ask.ts";
import { readOptions } from "../../src/client/options.ts";
import type { Request } from "../../src/protocol/control-requests.ts";
import { SocketFolder } from "../helpers/control.ts";
import { program, runProgram } from "../helpers/program.ts";
import { Steered } from "../helpers/steered.ts";

const asked: readonly { argv: string; request: Request; socket?: string; isJson?: boolean }[] = [
  { argv: "ping", request: { do: "ping" } },
  { argv: "-s ./s --json banned", request: { do: "banned" }, socket: "./s", isJson: true },
  { argv: "status", request: { do: "status", jail: undefined } },
  { argv: "status sshd", request: { do: "status", jail: "sshd" } },
  { argv: "ban sshd 192.0.2.7", request: ban({ ip: "192.0.2.7" }, undefined) },
  { argv: "ban sshd 192.0.2.7/24 90", request: ban({ ip: "192.0.2.0/24" }, 90_000) },
  {
    argv: "ban sshd ::ffff:192.0.2.7 1d 12h --json",
    request: ban({ ip: "192.0.2.7" }, 129_600_000),
    isJson: true,
  },
  { argv: "ban sshd 192.0.2.7 -1 --json", request: ban({ ip: "192.0.2.7" }, null), isJson: true },
  { argv: "ban sshd --id alice 10m", request: ban({ id: "alice" }, 600_000) },
  { argv: "unban 2001:DB8::/64", request: { do: "unban", subject: { ip: "2001:db8::/64" } } },
  { argv: "unban --id 192.0.2.7", request: { do: "unban", subject: { id: "192.0.2.7" } } },
  { argv: "unban --all", request: { do: "unban", subject: "all" } },
  { argv: "explain 192.0.2.7", request: { do: "explain", subject: { ip: "192.0.2.7" } } },
  { argv: "reload", request: { do: "reload" } },
];

function ban(subject: { ip: string } | { id: string }, bantime: number | null | undefined): Request {
  return { do: "ban", jail: "sshd", subject, bantime };
}

for (const { argv, request, socket = "/run/f2b-stream/control", isJson = false } of asked) {
  test(`f2b-client understands ${argv}`, () => {
    assert.deepEqual(readOptions(argv.split(" ")), { action: "ask", socket, isJson, request });
  });
}

const wrong: readonly (readonly [argv: string, message: RegExp])[] = [
  ["", /^missing command$/],
  ["halt", /^unknown command "halt"$/],
  ["ping now", /^unexpected argument "now"$/],
  ["status sshd now", /^unexpected argument "now"$/],
  ["status a/b", /^expected the name of a jail, got "a\/b"$/],
  ["ban", /^missing jail$/],
  ["ban sshd", /^missing address$/],
  ["ban sshd 192.0.2.256", /^ip: expected an address or a network, got "192.0.2.256"$/],
  ["ban sshd 0.0.0.0/0", /^ip: "0.0.0.0\/0" holds all addresses$/],
  [
    "ban sshd 192.0.2.7 soon",
    /^expected a duration such as "10m", or -1 for ever, got "soon": units are s, m/,
  ],
  ["ban sshd 192.0.2.7 0", /^expected a duration/],
  ["ban sshd 192.0.2.7 -2", /^expected a duration/],
  ["unban", /^missing address$/],
  ["unban 192.0.2.7 --all", /^unexpected argument "192.0.2.7"$/],
  ["banned --all", /^option --all is for unban only$/],
  ["status --id", /^option --id is for ban, unban and explain only$/],
  ["explain host.example", /^ip: expected an address or a network/],
];

for (const [argv, message] of wrong) {
  test(`f2b-client refuses ${JSON.stringify(argv)}`, () => {
    assert.throws(
      () => readOptions(argv.split(" ").filter(Boolean)),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

const NOW = Date.parse("2026-11-21T19:40:02.500Z");
const at = (clock: string) => `2026-11-21T${clock}.000Z`;
const rule = { file: "rules/sshd.yaml", line: 3, column: 3 };
const sshd = {
  jail: "sshd",
  mode: "enforce",
  on: "log",
  failures: 12,
  ignored: 1,
  bans: 2,
  unbans: 1,
  repeats: 4,
  banned: 1,
};
const counts = { ...sshd, addresses: 3, evicted: 0 };
const inForce = { cmd: "ban", jail: "sshd", ip: "192.0.2.7", time: at("19:40:00"), until: at("19:50:00") };
const whole = { ...inForce, port: [22], protocol: ["tcp"], failures: 5, bancount: 2 };
const about = {
  jail: "sshd",
  ip: "192.0.2.7",
  mode: "enforce",
  rule,
  maxretry: 5,
  findtime: 600,
  ignored: null,
};
const nothing = { ban: null, repeats: 0, repeated: null, failures: [], forgotten: null, matches: [] };
const never = { bancount: 0, remembered: null, next: 600 };
const explain: Request = { do: "explain", subject: { ip: "192.0.2.7" } };

const texts: readonly { name: string; request: Request; lines: object[]; text: string }[] = [
  {
    name: "ping",
    request: { do: "ping" },
    lines: [{ version: "1.2.3", pid: 42 }],
    text: "f2b-stream 1.2.3 answers, process 42\n",
  },
  {
    name: "status",
    request: { do: "status", jail: undefined },
    lines: [
      {
        version: "1.2.3",
        pid: 42,
        started: at("18:00:00"),
        now: at("19:40:02"),
        format: "tagged",
        source: null,
        sources: [
          { name: "/var/log/auth.log", format: "syslog", bytes: 100_000, lastinput: at("19:40:01") },
          { name: "/srv/\x1b[2J.log", format: null, bytes: 0, lastinput: null },
        ],
        bytes: 123_456,
        lastinput: at("19:40:01"),
        blind: ["dateless", "unmatched"],
        overlong: 1,
        givenup: 0,
        nobody: 3,
        ended: 1,
        full: 0,
        evicted: 0,
        warnings: 2,
        memory: 72_000_000,
        banned: 1,
        jails: [counts, { ...counts, jail: "recidive", on: "ban", mode: "shadow", evicted: 7 }],
      },
    ],
    text: `f2b-stream 1.2.3, process 42, since 2026-11-21T18:00:00.000Z (1h 40m 2s)
input     stdin, tagged, 123456 bytes, the last at 2026-11-21T19:40:01.000Z
          /var/log/auth.log, syslog, 100000 bytes
          /srv/\\x1b[2J.log, format not known yet, 0 bytes
alerts    dateless, unmatched: see METRICS in f2b-stream(1)
left out  1 overlong line, 0 searches given up
no ban    3 failures without an address that can be banned
          1 ban that had ended, 0 for want of room
memory    68.7 MiB
warnings  2
banned    1

JAIL      MODE     COUNTS  FAILURES  IGNORED  BANS  AGAIN  BANNED  ADDRESSES  FORGOTTEN
sshd      enforce  lines   12        1        2     4      1       3          0
recidive  shadow   bans    12        1        2     4      1       3          7
`,
  },
  {
    name: "status of a jail",
    request: { do: "status", jail: "sshd" },
    lines: [
      {
        ...counts,
        evicted: 1,
        rule,
        settings: { maxretry: 5, failregex: ["^a <HOST>$", "^b\u009b <HOST>$"], count: { ipv4: 32 } },
      },
      whole,
    ],
    text: `jail       sshd
rule       rules/sshd.yaml:3:3
failures   12, 1 ignored, 1 address forgotten to make room
addresses  3 remembered
bans       2, 1 in force
maxretry   5
failregex  ^a <HOST>$
           ^b\\x9b <HOST>$
count      {"ipv4":32}

JAIL  ADDRESS    SINCE                     UNTIL                     LEFT    BANCOUNT
sshd  192.0.2.7  2026-11-21T19:40:00.000Z  2026-11-21T19:50:00.000Z  9m 58s  2
`,
  },
  {
    name: "banned",
    request: { do: "banned" },
    lines: [
      whole,
      { ...whole, ip: "2001:db8:1:2::/64", until: null, manual: true, bancount: 1 },
      { cmd: "would-ban", jail: "app", id: "al\x1b[2Jice", time: at("19:00:00"), until: at("19:40:00") },
    ],
    text: `JAIL  ADDRESS            SINCE                     UNTIL                     LEFT    BANCOUNT
sshd  192.0.2.7          2026-11-21T19:40:00.000Z  2026-11-21T19:50:00.000Z  9m 58s  2
sshd  2001:db8:1:2::/64  2026-11-21T19:40:00.000Z  for ever                          1  by hand
app   al\\x1b[2Jice       2026-11-21T19:00:00.000Z  2026-11-21T19:40:00.000Z  0s        not enforced
`,
  },
  { name: "banned: nobody", request: { do: "banned" }, lines: [], text: "no bans\n" },
  {
    name: "ban",
    request: ban({ ip: "192.0.2.7" }, undefined),
    lines: [{ result: "banned", ban: whole }],
    text: "192.0.2.7 is banned in sshd until 2026-11-21T19:50:00.000Z (9m 58s left)\n",
  },
  {
    name: "ban of one who was banned",
    request: ban({ ip: "192.0.2.7" }, undefined),
    lines: [{ result: "already", ban: whole }],
    text: "192.0.2.7 is banned in sshd already, until 2026-11-21T19:50:00.000Z (9m 58s left)\n",
  },
  {
    name: "ban with another end",
    request: ban({ ip: "192.0.2.7" }, null),
    lines: [{ result: "changed", ban: { ...whole, until: null } }],
    text: "192.0.2.7 is banned in sshd, now for ever\n",
  },
  {
    name: "ban in a jail that only watches",
    request: ban({ ip: "192.0.2.7" }, null),
    lines: [{ result: "banned", ban: { ...whole, cmd: "would-ban", until: null } }],
    text: "192.0.2.7 would be banned in sshd for ever, which is in mode shadow\n",
  },
  {
    name: "unban",
    request: { do: "unban", subject: { ip: "192.0.2.7" } },
    lines: [
      { bans: 2, jails: { sshd: 1, recidive: 1 }, counted: 1, still: [{ jail: "sshd", ip: "192.0.2.0/24" }] },
    ],
    text: `2 bans ended: sshd 1, recidive 1
failures forgotten in 1 jail
192.0.2.7 is still banned in sshd, with 192.0.2.0/24
`,
  },
  {
    name: "unban of nobody",
    request: { do: "unban", subject: { ip: "192.0.2.7" } },
    lines: [{ bans: 0, jails: {}, counted: 0, still: [] }],
    text: "192.0.2.7 was not banned\n",
  },
  {
    name: "unban of all there are none of",
    request: { do: "unban", subject: "all" },
    lines: [{ bans: 0, jails: {}, counted: 0, still: [] }],
    text: "there were no bans\n",
  },
  {
    name: "explain: banned, and still logging",
    request: explain,
    lines: [
      {
        ...about,
        ban: { ...whole, source: "/var/log/auth.log" },
        repeats: 2,
        repeated: at("19:40:01"),
        failures: [at("19:40:01"), at("19:40:02")],
        forgotten: at("19:50:02"),
        matches: ["Nov 21 19:39:58 gw sshd[7]: no \x1b]0;owned\x07", "Nov 21 19:40:00 gw sshd[7]: no"],
        bancount: 2,
        remembered: null,
        next: 2400,
      },
    ],
    text: `192.0.2.7 is banned in sshd until 2026-11-21T19:50:00.000Z (9m 58s left)
  since     2026-11-21T19:40:00.000Z
  why       5 failures within 10m, and maxretry is 5
  log       /var/log/auth.log
  logging   still: 2 windows completed since, the last at 2026-11-21T19:40:01.000Z
  failures  2 of 5 since, the last at 2026-11-21T19:40:02.000Z, forgotten at 2026-11-21T19:50:02.000Z (10m left)
  bancount  2; the next would last 40m
  rule      rules/sshd.yaml:3:3
  lines     Nov 21 19:39:58 gw sshd[7]: no \\x1b]0;owned\\x07
            Nov 21 19:40:00 gw sshd[7]: no
`,
  },
  {
    name: "explain: banned by hand for ever, and on its way elsewhere",
    request: explain,
    lines: [
      {
        ...about,
        ...nothing,
        ...never,
        ban: { ...whole, until: null, manual: true, failures: 1, bancount: 1 },
        bancount: 1,
        next: null,
      },
      {
        ...about,
        ...nothing,
        ...never,
        jail: "recidive",
        failures: [at("19:40:00")],
        forgotten: at("19:50:00"),
        matches: ["2026-11-21T19:40:00.000Z [sshd] Ban 192.0.2.7"],
      },
    ],
    text: `192.0.2.7 is banned in sshd for ever
  since     2026-11-21T19:40:00.000Z
  why       by hand; 1 failure within 10m was counted
  bancount  1; the next would last for ever
  rule      rules/sshd.yaml:3:3
192.0.2.7 is not banned in recidive: 1 of 5 failures within 10m
  failures  the last at 2026-11-21T19:40:00.000Z, forgotten at 2026-11-21T19:50:00.000Z (9m 58s left)
  rule      rules/sshd.yaml:3:3
  lines     2026-11-21T19:40:00.000Z [sshd] Ban 192.0.2.7
`,
  },
  {
    name: "explain: was banned once",
    request: explain,
    lines: [{ ...about, ...nothing, bancount: 3, remembered: at("23:00:00"), next: 4800 }],
    text: `192.0.2.7 is not banned in sshd: 0 of 5 failures within 10m
  bancount  3, remembered until 2026-11-21T23:00:00.000Z; the next would last 1h 20m
  rule      rules/sshd.yaml:3:3
`,
  },
  {
    name: "explain: never banned",
    request: explain,
    lines: [{ ...about, ...nothing, ...never, ignored: "it is an address that ignoreip names" }],
    text: `192.0.2.7 is never banned in sshd: it is an address that ignoreip names
  rule  rules/sshd.yaml:3:3
`,
  },
  {
    name: "explain: no failures and no bans",
    request: { do: "explain", subject: { id: "a\tb" } },
    lines: [],
    text: "a\\x09b: no failures counted and no bans\n",
  },
  { name: "reload", request: { do: "reload" }, lines: [{ jails: 1 }], text: "rules reloaded: 1 jail\n" },
];

for (const { name, request, lines, text } of texts) {
  test(`formatAnswer ${name}`, () => {
    assert.equal(formatAnswer(request, lines, NOW), text);
  });
}

test("formatAnswer does not understand what is no answer", () => {
  for (const lines of [[], [{}], [{ version: 1, pid: "x" }]]) {
    assert.throws(() => formatAnswer({ do: "ping" }, lines, NOW), AnswerError);
  }
  assert.throws(() => formatAnswer({ do: "banned" }, [{ cmd: "\x1b[2J" }], NOW), AnswerError);
});

describe("f2b-client", () => {
  let folder: SocketFolder;
  let server: Server | undefined;

  before(() => {
    folder = new SocketFolder();
  });
  afterEach(async () => {
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    server = undefined;
  });
  after(() => folder.remove());

  /** What it does with somebody who is no f2b-stream and answers so. */
  async function answered(text: string, ...argv: string[]) {
    server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(text));
    });
    const path = folder.path("other");
    await new Promise<void>((resolve) => server?.listen(path, resolve));
    return runProgram("f2b-client", ["-s", path, ...argv]);
  }

  const strange: readonly { name: string; text: string; argv: string[]; status: number; told: RegExp }[] = [
    { name: "nothing", text: "", argv: ["ping"], status: 69, told: /error: \S+: the answer broke off\n$/ },
    {
      name: "half an answer",
      text: '{"version":"1","pid":1}\n',
      argv: ["--json", "ping"],
      status: 69,
      told: /error: \S+: the answer broke off\n$/,
    },
    {
      name: "no JSON",
      text: "\x1b[2J\n",
      argv: ["ping"],
      status: 69,
      told: /broke off: Unexpected token .*\n$/,
    },
    {
      name: "no objects",
      text: "5\n",
      argv: ["ping"],
      status: 69,
      told: /broke off: a line is not a JSON object\n$/,
    },
    {
      name: "something else",
      text: '{"hello":1}\n{"ok":true}\n',
      argv: ["ping"],
      status: 69,
      told: /error: cannot read the answer of f2b-stream: are both programs of one version\?\n$/,
    },
    {
      name: "a refusal that is none",
      text: '{"ok":false,"code":"\\u001b[2J"}\n',
      argv: ["ping"],
      status: 69,
      told: /error: cannot read the answer of f2b-stream/,
    },
    {
      name: "a refusal with escapes",
      text: '{"ok":false,"code":"ERR_CONTROL_JAIL","message":"no \\u001b[2J jail"}\n',
      argv: ["status", "x"],
      status: 65,
      told: /^f2b-client: error: no \\x1b\[2J jail\n$/,
    },
    {
      name: "that it is busy",
      text: '{"ok":false,"code":"ERR_CONTROL_BUSY","message":"16 clients"}\n',
      argv: ["ping"],
      status: 69,
      told: /^f2b-client: error: 16 clients\n$/,
    },
  ];

  for (const { name, text, argv, status, told } of strange) {
    test(`says so when the answer is ${name}`, async () => {
      const ended = await answered(text, ...argv);
      assert.equal(ended.status, status, ended.stderr);
      assert.match(ended.stderr, told);
    });
  }

  test("takes fields of later versions", async () => {
    const ended = await answered('{"version":"9","pid":1,"more":[]}\n{"ok":true}\n', "ping");
    assert.deepEqual([ended.status, ended.stdout], [0, "f2b-stream 9 answers, process 1\n"]);
  });

  const absent: readonly { name: string; path: () => string; told: RegExp }[] = [
    {
      name: "no socket",
      path: () => folder.path("none"),
      told: /^f2b-client: error: \S+\/none: no such socket\nf2b-client: hint: f2b-stream --control SOCKET creates it/,
    },
    {
      name: "a file",
      path: () => {
        writeFileSync(folder.path("file"), "");
        return folder.path("file");
      },
      told: /\/file: no program listens there\nf2b-client: hint: f2b-stream has ended/,
    },
    {
      name: "too long a path",
      path: () => "x".repeat(108),
      told: /the path is 108 bytes long, at most 107 are allowed\n$/,
    },
  ];

  for (const { name, path, told } of absent) {
    test(`ends with 69 where there is ${name}`, async () => {
      const { status, stdout, stderr } = await runProgram("f2b-client", ["-s", path(), "ping"]);
      assert.deepEqual([status, stdout], [69, ""]);
      assert.match(stderr, told);
    });
  }

  test("--help fits a screen and ends in an example; --version tells the version", async () => {
    const help = await runProgram("f2b-client", ["--help"]);
    assert.deepEqual([help.status, help.stderr], [0, ""]);
    assert.ok(help.stdout.split("\n").length <= 36);
    assert.match(help.stdout, /\n {2}f2b-client explain 192\.0\.2\.7\n$/);
    const { stdout } = await runProgram("f2b-client", ["--version"]);
    assert.match(stdout, /^f2b-client \d+\.\d+\.\d+\n$/);
  });

  test("usage errors end with 64 and a hint", async () => {
    const { status, stderr } = await runProgram("f2b-client", ["halt"]);
    assert.equal(status, 64);
    assert.equal(
      stderr,
      'f2b-client: error: unknown command "halt"\nf2b-client: hint: f2b-client --help lists the commands\n',
    );
  });
});

describe("f2b-client with f2b-stream", () => {
  let steered: Steered;
  before(async () => {
    steered = await Steered.start();
    await steered.fail(["198.51.100.1", "198.51.100.1", "198.51.100.1", "192.0.2.2"]);
  });
  after(() => steered.stop());

  /** Times and other numbers of this run made the same for all. */
  function steady(text: string): string {
    return text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replace(/\((?:\S+ )+left\)/g, "(LEFT)")
      .replaceAll(steered.folder.path("/"), "");
  }

  const told: readonly { argv: string[]; status?: number; stdout?: string; stderr?: string }[] = [
    {
      argv: ["explain", "198.51.100.1"],
      stdout: `198.51.100.1 is banned in app until TIME (LEFT)
  since     TIME
  why       3 failures within 10m, and maxretry is 3
  bancount  1; the next would last 10m
  rule      rules.yaml:3:3
  lines     TIME web1 app[7]: login failed from 198.51.100.1
            TIME web1 app[7]: login failed from 198.51.100.1
            TIME web1 app[7]: login failed from 198.51.100.1
198.51.100.1 is not banned in again: 1 of 2 failures within 1d
  failures  the last at TIME, forgotten at TIME (LEFT)
  rule      rules.yaml:8:3
  lines     TIME [app] Ban 198.51.100.1
`,
    },
    { argv: ["ban", "app", "192.0.2.7", "-1"], stdout: "192.0.2.7 is banned in app for ever\n" },
    {
      argv: ["ban", "app", "192.0.2.200"],
      status: 65,
      stderr: "f2b-client: error: 192.0.2.200 is not banned in app: it is an address that ignoreip names\n",
    },
    {
      argv: ["status", "nowhere"],
      status: 65,
      stderr: 'f2b-client: error: no jail "nowhere": there are app, again\n',
    },
    {
      argv: ["--json", "status", "nowhere"],
      status: 65,
      stdout:
        '{"ok":false,"code":"ERR_CONTROL_JAIL","message":"no jail \\"nowhere\\": there are app, again"}\n',
      stderr: 'f2b-client: error: no jail "nowhere": there are app, again\n',
    },
    { argv: ["--json", "reload"], stdout: '{"jails":2}\n' },
    { argv: ["unban", "192.0.2.7"], stdout: "1 ban ended: app 1\nfailures forgotten in 1 jail\n" },
    { argv: ["--json", "explain", "198.51.100.2"] },
  ];

  for (const { argv, status = 0, stdout = "", stderr = "" } of told) {
    test(argv.join(" "), async () => {
      const ended = await steered.client(...argv);
      assert.deepEqual([ended.status, steady(ended.stdout), ended.stderr], [status, stdout, stderr]);
    });
  }

  test("--json banned can be given to f2b-exec", async () => {
    const { stdout } = await steered.client("--json", "banned");
    const { status, stdout: commands } = await runProgram(
      "f2b-exec",
      ["--dry-run", "--backend", "ipset", "--never-ban", "203.0.113.1"],
      stdout,
    );
    assert.equal(status, 0);
    assert.match(commands, /198\.51\.100\.1\b/);
  });

  test("leaves quietly with 141 when nobody reads", async () => {
    await steered.ask(
      ...Array.from({ length: 2000 }, (_, n) => ({
        do: "ban",
        jail: "app",
        ip: `203.0.${n >> 8}.${n & 255}`,
      })),
    );
    const argv = [process.execPath, program("f2b-client"), "-s", steered.path, "--json", "banned"];
    const script = '"$@" | head -n 1 >/dev/null; echo $PIPESTATUS';
    const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", ...argv], { encoding: "utf8" });
    assert.deepEqual([stdout, stderr], ["141\n", ""]);
  });
});
