import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, parseConfig } from "../../src/exec/config.ts";
import { settingsOf } from "../../src/exec/settings/settings.ts";

test("parseConfig reads defaults and jails", () => {
  const config = parseConfig(
    `defaults: {blocktype: drop, chain: INPUT}
jails:
  smtp:
    chain: [INPUT, DOCKER-USER]
    actions:
      - {name: alert, actionban: [logger, -t, f2b, "ALERT <ip>"], actionstart: [sleep, 5]}
`,
    "exec.yaml",
  );
  assert.deepEqual(config, {
    defaults: { blocktype: "drop", chain: ["INPUT"] },
    jails: {
      smtp: {
        chain: ["INPUT", "DOCKER-USER"],
        actions: [
          { name: "alert", actionban: ["logger", "-t", "f2b", "ALERT <ip>"], actionstart: ["sleep", "5"] },
        ],
      },
    },
  });
});

test("parseConfig accepts an empty file", () =>
  assert.deepEqual(parseConfig("# nothing\n", "exec.yaml"), {}));

const MISTAKES = [
  { text: "jail: {}", problem: 'exec.yaml:1:1: unknown key "jail"' },
  { text: "defaults:\n  blocktyp: drop", problem: 'exec.yaml:2:3: defaults: unknown key "blocktyp"' },
  {
    text: "jails:\n  sshd:\n    blocktype: deny",
    problem: 'exec.yaml:3:16: jails.sshd.blocktype: expected "reject" or "drop"',
  },
  {
    text: "jails: {sshd: {chain: 5}}",
    problem: "exec.yaml:1:23: jails.sshd.chain: expected the name of a chain, or a list of them",
  },
  {
    text: "jails: {sshd: {chain: f2bs-x}}",
    problem: "exec.yaml:1:23: jails.sshd.chain.0: expected the name of a chain",
  },
  { text: "jails: {sshd: 5}", problem: "exec.yaml:1:15: jails.sshd: expected a mapping" },
  { text: "jails: [sshd]", problem: "exec.yaml:1:8: jails: expected a mapping" },
  {
    text: '{"jails": {"a b": {}}}',
    problem: "exec.yaml:1:19: jails.a b: expected a jail's name: 1 to 64 of A-Z a-z 0-9 . _ -",
  },
  { text: "- 1", problem: "exec.yaml:1:1: expected a mapping" },
  {
    text: "defaults: {actions: [{timeout: 0}]}",
    problem: "exec.yaml:1:32: defaults.actions.0.timeout: expected 1 to 3600 seconds",
  },
  {
    text: "defaults: {actions: [{norestored: never}]}",
    problem: "exec.yaml:1:35: defaults.actions.0.norestored: expected true or false",
  },
  {
    text: 'defaults: {actions: [{actionban: "logger <ip>"}]}',
    problem:
      'exec.yaml:1:34: defaults.actions.0.actionban: expected a list of arguments such as [logger, -t, f2b, "ban <ip>"]: no shell is run',
  },
  {
    text: "defaults: {actions: [{actionban: []}]}",
    problem:
      'exec.yaml:1:34: defaults.actions.0.actionban: expected a list of arguments such as [logger, -t, f2b, "ban <ip>"]',
  },
  {
    text: 'defaults: {actions: [{actionban: [mail, "<matches>"]}]}',
    problem:
      "exec.yaml:1:41: defaults.actions.0.actionban.1: unknown tag <matches>; the whole command is passed as JSON on stdin",
  },
  {
    text: 'defaults: {actions: [{actionstart: [mail, "<ip>"]}]}',
    problem:
      "exec.yaml:1:43: defaults.actions.0.actionstart.1: unknown tag <ip>; the whole command is passed as JSON on stdin",
  },
];

for (const { text, problem } of MISTAKES) {
  test(`parseConfig: ${problem.slice(0, 70)}`, () => {
    assert.throws(
      () => parseConfig(text, "exec.yaml"),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(error.problems, [problem]);
        return true;
      },
    );
  });
}

const LIMITS: readonly (readonly [name: string, text: string, problem: RegExp])[] = [
  [
    "aliases that stand for a huge value",
    `x0: &x0 [a, a]\n${[1, 2, 3, 4, 5, 6].map((level) => `x${level}: &x${level} [${`*x${level - 1}, `.repeat(9)}]`).join("\n")}`,
    /^f:1:1: more than 100 uses of one anchor$/,
  ],
  ["an alias that leads to itself", "jails: &a {sshd: *a}", /^f:1:\d+: /],
  ["a list nested deep", `a: ${"[".repeat(20_000)}`, /^f:1:\d+: /],
  [
    "blocks nested deep",
    Array.from({ length: 3000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
    /^f:\d+:\d+: nested too deeply$/,
  ],
  ["a command with a NUL", 'defaults: {actions: [{actioncheck: ["a\\0"]}]}', /expected words without a NUL$/],
];

for (const [name, text, problem] of LIMITS) {
  test(`parseConfig refuses ${name}`, () => {
    assert.throws(
      () => parseConfig(text, "f"),
      (error) => error instanceof ConfigError && problem.test(error.problems[0] ?? ""),
    );
  });
}

test("parseConfig finds all mistakes, and those of the syntax", () => {
  const many = "defaults: {x: 1, y: 2}\njails: {sshd: {blocktype: 7}}";
  assert.throws(
    () => parseConfig(many, "f"),
    (error) => error instanceof ConfigError && error.problems.length === 3,
  );
  assert.throws(() => parseConfig("a: [", "f"), /^ConfigError: f:1:5: /);
});

test("settingsOf: the jail in the file, the command line, the file's defaults, ours", () => {
  const config = {
    defaults: { blocktype: "drop", chain: ["FORWARD"] },
    jails: { sshd: { blocktype: "reject" } },
  } as const;
  assert.deepEqual(settingsOf({}, {}, "sshd"), {
    blocktype: "reject",
    chain: ["INPUT", "DOCKER-USER"],
    actions: [],
  });
  assert.deepEqual(settingsOf(config, {}, "smtp"), { blocktype: "drop", chain: ["FORWARD"], actions: [] });
  assert.equal(settingsOf(config, { chain: ["X"] }, "smtp").chain[0], "X");
  assert.equal(settingsOf(config, { blocktype: "drop" }, "sshd").blocktype, "reject");
  assert.equal(settingsOf(config, {}, "constructor").blocktype, "drop");
});
