import assert from "node:assert/strict";
import { test } from "node:test";
import { askCommand, type CommandValues, commandQuestion } from "../../../src/stream/jail/ignore-command.ts";
import { newJail } from "../../helpers/jail.ts";

const VALUES: CommandValues = {
  ip: "192.0.2.7",
  fid: "192.0.2.7",
  jail: newJail({ name: "app", bantime: 600_500 }),
  time: 1_389_093_941_500,
  bancount: 2,
  lines: ["line one <ip>", "line two"],
  groups: () => ({ user: "bob $(id) <ip>", ip4: "192.0.2.7", fport: "22" }),
};

/** Tags as fail2ban's Actions.ActionInfo fills them, and what it makes of them. */
const TAGS: readonly (readonly [word: string, filled: string, values?: Partial<CommandValues>])[] = [
  ["<ip>", "192.0.2.7"],
  ["<fid>", "192.0.2.7"],
  ["<fid>/<ip>", "abc/192.0.2.9", { fid: "abc", ip: "192.0.2.9" }],
  ["<family>", "inet4"],
  ["<family>", "inet6", { ip: "2001:db8::7" }],
  ["<family>", "", { ip: "abc" }],
  ["<ip-rev>", "7.2.0.192."],
  ["<ip-rev>", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.", { ip: "2001:db8::7" }],
  ["<failures> <restored>", "0 0"],
  ["<time>", "1389093941.5"],
  ["<bantime>", "600"],
  ["<bantime>", "-1", { jail: newJail({ bantime: null }) }],
  ["<bancount>", "2"],
  ["<matches>", "line one <ip>\nline two"],
  ["<F-USER>", "bob $(id) <ip>"],
  ["<F-PORT>", "22"],
  ["<F-NONE>", ""],
  ["<F-IP4>", "192.0.2.7"],
  ["<name>", "app"],
  ["<unknown>", "<unknown>"],
  ["--user=<F-USER>, <ip>", "--user=bob $(id) <ip>, 192.0.2.7"],
  ["<F-USER>", "x".repeat(4096), { groups: () => ({ user: "x".repeat(200_000) }) }],
];

for (const [word, filled, values] of TAGS) {
  test(`commandQuestion fills ${word} with ${JSON.stringify(filled.slice(0, 40))}`, () => {
    const { argv } = JSON.parse(commandQuestion(["x", word], { ...VALUES, ...values }));
    assert.deepEqual(argv, [["x"], [filled]]);
  });
}

const COMMANDS: readonly (readonly [argv: readonly string[], answer: boolean | undefined])[] = [
  [["true"], true],
  [["false"], false],
  [["sh", "-c", 'test "$1" = "a b;c"', "sh", "a b;c"], true],
  [["sh", "-c", "test \"$1\" = 'bob $(id) <''ip>'", "sh", "<F-USER>"], true],
  [["sh", "-c", 'test "$1" = "[localhost]"', "sh", "[<ip-host>]"], true],
  [["sh", "-c", "kill -9 $$"], undefined],
  [["/nowhere/to/be/found"], undefined],
];

for (const [argv, answer] of COMMANDS) {
  test(`askCommand answers ${answer} for ${argv.join(" ")}`, async () => {
    assert.equal(await askCommand(commandQuestion(argv, { ...VALUES, ip: "127.0.0.1" })), answer);
  });
}

test("askCommand leaves the host's name empty where there is none, and takes no text of a log for the tag", async () => {
  const question = commandQuestion(
    ["sh", "-c", 'test "$1" = "[]" && test "$2" = "<""ip-host>"', "sh", "[<ip-host>]", "<F-USER>"],
    {
      ...VALUES,
      ip: "abc",
      groups: () => ({ user: "<ip-host>" }),
    },
  );
  assert.equal(await askCommand(question), true);
});
