import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { type Checked, checkJails } from "../../src/check/check.ts";
import { checkEach } from "../../src/check/check-threads.ts";
import { Report } from "../../src/cli/report.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { formatPlace, RuleError } from "../../src/rules/rule.ts";
import { compileJails } from "../../src/stream/jail/compile-jails.ts";
import { RulesFolder } from "../helpers/rules.ts";

const NOW = Date.UTC(2026, 10, 21, 20);

interface Told {
  readonly checked: Checked | undefined;
  /** Codes and places of mistakes. */
  readonly errors: readonly string[];
  readonly said: readonly string[];
}

describe("checkJails", () => {
  const folder = new RulesFolder();
  after(() => folder.remove());

  /** What it says of a jail `app`, which is imported or one's own. */
  async function check(
    jail: string,
    {
      isImported = false,
      identifier = "    identifier: app\n",
      journalmatch = "    journalmatch: _UID=0\n",
    } = {},
  ): Promise<Told> {
    const path = folder.write("app.yaml", `jails:\n  app:\n${identifier}${jail}${journalmatch}`);
    const { jails } = await loadRules({ specs: [path], sets: [] });
    const said: string[] = [];
    const report = new Report("f2b-stream", (line) => said.push(folder.shorten(line.trimEnd())));
    try {
      const checked = await checkJails(compileJails(jails), new Set(isImported ? ["app"] : []), NOW, report);
      return { checked, errors: [], said };
    } catch (error) {
      assert.ok(error instanceof AggregateError);
      const errors = error.errors.map((each: unknown) => {
        assert.ok(each instanceof RuleError);
        return folder.shorten(`${each.code} ${formatPlace(each.place)}: ${each.message}`);
      });
      return { checked: undefined, errors, said };
    }
  }

  test("counts jails' tests and hostile lines", async () => {
    const { checked, errors, said } = await check(`    failregex: '^login of .* failed from <ADDR>$'
    tests:
      - {line: login of x failed from 192.0.2.1, match: {ip: 192.0.2.1}}
      - {line: login of x failed, match: false}
`);
    assert.deepEqual([errors, said, checked?.tests], [[], [], 2]);
    assert.ok((checked?.lines ?? 0) > 100);
  });

  const success =
    "    failregex: '^login failed from <ADDR>$'\n    success: '^login of <F-USER>.*</F-USER> from <ADDR>$'\n";

  test("runs the tests of successful logins", async () => {
    const { checked, errors } = await check(`${success}    tests:
      - {line: login of x from 192.0.2.1, success: {ip: 192.0.2.1, user: x}}
      - {line: login of x from 192.0.2.1, success: true}
      - {line: login failed from 192.0.2.1, match: true, success: false}
`);
    assert.deepEqual([errors, checked?.tests], [[], 3]);
  });

  test("refuses a test whose line is no successful login, one of somebody else, or one unexpectedly", async () => {
    const { errors } = await check(`${success}    tests:
      - {line: logout of x from 192.0.2.1, success: true}
      - {line: login of x from 192.0.2.2, success: {ip: 192.0.2.1}}
      - {line: login of x from 192.0.2.1, match: true, success: {user: y}}
      - {line: login of x from 192.0.2.1, success: false}
`);
    assert.deepEqual(errors, [
      'ERR_RULE_TEST app.yaml:7:9: app: test: expected a success, got none (no-failregex) in "logout of x from 192.0.2.1"',
      'ERR_RULE_TEST app.yaml:8:9: app: test: expected ip "192.0.2.1", got "192.0.2.2" in "login of x from 192.0.2.2"',
      'ERR_RULE_TEST app.yaml:9:9: app: test: expected a failure, got none (no-failregex) in "login of x from 192.0.2.1"',
      'ERR_RULE_TEST app.yaml:9:9: app: test: expected user "y", got "x" in "login of x from 192.0.2.1"',
      'ERR_RULE_TEST app.yaml:10:9: app: test: expected no success, got one of "192.0.2.1" in "login of x from 192.0.2.1"',
    ]);
  });

  test("refuses a success pattern that a long line can stop", async () => {
    const { errors } = await check(
      "    failregex: '^login failed from <ADDR>$'\n    success: '^(?:a+)+ from <ADDR>$'\n",
    );
    assert.deepEqual(errors, [
      "ERR_RULE_BACKTRACKING app.yaml:5:19: success 1: a crafted line keeps this loop busy for ever",
    ]);
  });

  test("refuses a rule that a stranger can mislead, with the place, the line and both addresses", async () => {
    const { errors, said } = await check("    failregex: '^login of .*? failed from <ADDR>'\n");
    assert.deepEqual(said, []);
    assert.deepEqual(errors, [
      `ERR_RULE_INJECTION app.yaml:4:27: failregex 1: text from a client here gets "203.0.113.66" banned instead of "192.0.2.7" in "Nov 21 19:40:02 host app[4711]: login of login of x failed from 203.0.113.66 failed from 192.0.2.7"`,
    ]);
  });

  test("only tells of an imported rule that a stranger can mislead", async () => {
    const { checked, errors, said } = await check("    failregex: 'failed from <ADDR>$'\n", {
      isImported: true,
    });
    assert.deepEqual(errors, []);
    assert.ok(checked);
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /^f2b-stream: warning: app\.yaml:4:17: failregex 1: not anchored: .*: "203\.0\.113\.66" instead of "192\.0\.2\.7" in "/,
    );
  });

  test("refuses a pattern that takes a number for a host name: what is left of an address, or a test's number", async () => {
    const greedy = await check("    failregex: '^login failed from .*<HOST>$'\n");
    assert.match(
      greedy.errors.join("\n"),
      /ERR_RULE_INJECTION app\.yaml:4:17: failregex 1: takes the number "7" for a host name in "Nov 21 19:40:02 host app\[4711\]: login failed from .*192\.0\.2\.7"/,
    );
    const tested = await check(
      "    failregex: '^login failed from <HOST>$'\n    tests: [{line: login failed from 1.2, match: true}]\n",
    );
    assert.deepEqual(tested.errors, [
      'ERR_RULE_TEST app.yaml:5:13: app: test: the number "1.2" is no host name in "login failed from 1.2"',
    ]);
    const raw = await check(
      "    failregex: '^login failed from <HOST>$'\n    usedns: raw\n    tests: [{line: login failed from 1.2, match: {id: '1.2'}}]\n",
    );
    assert.deepEqual(raw.errors, []);
  });

  const doubtful = "    failregex: '^login failed for \\S+ from <ADDR>$'\n";

  test("warns of what depends on the service, in the user's own rules", async () => {
    const { checked, said } = await check(doubtful);
    assert.ok(checked);
    assert.match(
      said[0] ?? "",
      /warning: app\.yaml:4:35: .* hides "192\.0\.2\.7" \(no-failregex\), if the service /,
    );
    assert.match(said[1] ?? "", /^f2b-stream: hint: match all text /);
    assert.deepEqual((await check(doubtful, { isImported: true })).said, []);
  });

  const raw = { identifier: "", journalmatch: "" };
  const openFile = "    failregex: '^ app: login failed from <ADDR>$'\n";

  test("refuses a rule whose lines a client can write, with the line", async () => {
    const { errors } = await check(openFile, raw);
    assert.deepEqual(errors, [
      `ERR_RULE_INJECTION app.yaml:3:17: failregex 1: a client who can write a line feed into this file gets "203.0.113.66" banned with a forged line: "x\\\\x0aNov 21 19:40:02 app: login failed from 203.0.113.66\\\\x0ax"`,
    ]);
    const framed = await check(`${openFile}    framing: message\n`, raw);
    assert.deepEqual([framed.errors, framed.said], [[], []]);
  });

  test("only tells of an imported rule whose lines a client can write, in one line", async () => {
    const { errors, said } = await check(openFile, { ...raw, isImported: true });
    assert.deepEqual(errors, []);
    assert.deepEqual(said, [
      "f2b-stream: warning: [app] whoever can write a line feed into this log can get any address banned: check whether its writer escapes line feeds (then --set app.framing=message), or log to syslog instead",
    ]);
  });

  test("warns of an identifier alone, and says what to add", async () => {
    const alone = "    failregex: '^login failed from <ADDR>$'\n";
    const { checked, said } = await check(alone, { journalmatch: "" });
    assert.ok(checked);
    assert.deepEqual(said, [
      "f2b-stream: warning: app.yaml:2:3: app: identifier without journalmatch: any local user can write such journal entries (logger -t app)",
      "f2b-stream: hint: add journalmatch: _UID=0 if the service logs as root, or else its unit, such as _SYSTEMD_UNIT=app.service; it applies to the journal alone",
    ]);
    assert.deepEqual((await check(alone)).said, []);
  });

  test("finds the mistakes of tests and of patterns at once", async () => {
    const { errors } = await check(`    failregex: 'failed from <ADDR>$'
    tests:
      - {line: failed from 192.0.2.1, match: false}
`);
    assert.deepEqual(
      errors.map((each) => each.slice(0, each.indexOf(" "))),
      ["ERR_RULE_TEST", "ERR_RULE_INJECTION"],
    );
  });

  test("shows hostile text safe for a terminal", async () => {
    const { errors } = await check(
      "    failregex: '^login of [^f]*? from\\s<ADDR>'\n    ignoreregex: '\\x1b'\n",
    );
    assert.ok(errors.length > 0);
    for (const error of errors) assert.doesNotMatch(error, /\p{Cc}/u);
  });

  test("tells of a pattern that no line could be made for", async () => {
    const { said } = await check("    failregex: '^(?=.*zone=dmz)user x from <ADDR>$'\n");
    assert.deepEqual(said, [
      "f2b-stream: hint: [app] failregex 1: no hostile line could be generated; add a sample line under tests",
    ]);
  });

  const SLOW: readonly { name: string; pattern: string; at: string; says: RegExp }[] = [
    { name: "GHSA-33wh-ccjc-p397: words with blanks that may be missing, up to a word that never comes", pattern: "^login (?:[\\w.]+\\s?)+ failed from <ADDR>$", at: "4:27", says: /keeps this loop busy for ever$/ },
    { name: "GHSA-33wh-ccjc-p397: fields and their separators, each of them anything", pattern: "^(?:.*?,)*user=(?:.*?,)*from <ADDR>$", at: "4:18", says: /keeps this loop busy for ever$/ },
    { name: "three free texts in a row", pattern: "^.* user .* from .* at <ADDR>$", at: "4:18", says: /takes this loop at least eight times as long when it is twice as long$/ },
  ]; // biome-ignore format: a table

  for (const { name, pattern, at, says } of SLOW) {
    test(`refuses backtracking beyond quadratic: ${name}`, async () => {
      const { errors } = await check(`    failregex: '${pattern}'\n`);
      const slow = errors.filter((each) => each.startsWith("ERR_RULE_BACKTRACKING"));
      assert.equal(slow.length, 1);
      assert.ok(slow[0]?.includes(` app.yaml:${at}: failregex 1: a crafted line `), slow[0]);
      assert.match(slow[0] ?? "", says);
      const imported = await check(`    failregex: '${pattern}'\n`, { isImported: true });
      assert.deepEqual(imported.errors, []);
      assert.ok(imported.said.some((line) => line.includes("a crafted line ")));
    });
  }

  test("refuses backtracking in an ignoreregex and a prefregex", async () => {
    const { errors } = await check(`    prefregex: '^(?:\\w+ ?)+: <F-CONTENT>.+</F-CONTENT>$'
    failregex: '^failed from <ADDR>$'
    ignoreregex: '^failed (?:\\w+ ?)+ at home$'
`);
    const slow = errors.filter((each) => each.startsWith("ERR_RULE_BACKTRACKING"));
    assert.deepEqual(
      slow.map((each) => each.split(": ")[1]),
      ["prefregex", "ignoreregex 1"],
    );
  });
});

test("checkEach finds the same in threads, in the order of the jails", async () => {
  const { jails } = await loadRules({ specs: ["dovecot", "vsftpd", "recidive", "proftpd"], sets: [] });
  const compiled = compileJails(jails);
  const imported = new Set(["vsftpd"]);
  const alone = await checkEach(compiled, { imported, now: NOW, threads: 0 });
  assert.deepEqual(await checkEach(compiled, { imported, now: NOW, threads: 2 }), alone);
  assert.ok(alone.some(({ lines }) => lines > 100));
});
