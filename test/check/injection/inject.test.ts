import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Injection, inject } from "../../../src/check/injection/inject.ts";
import { findVulnerabilities } from "../../../src/check/vulnerabilities.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import { loadRules } from "../../../src/rules/load-rules.ts";
import type { Jail } from "../../../src/rules/rule.ts";
import { compileJails } from "../../../src/stream/jail/compile-jails.ts";
import { filterRule, newJail, type PatternTexts } from "../../helpers/jail.ts";
import { ROOT } from "../../helpers/root.ts";

const NOW = Date.UTC(2026, 10, 21, 20);

/** Lines and whom they are about; without an address: nobody. */
type Samples = readonly (readonly [line: string | readonly string[], ip?: string])[];

interface Rule extends PatternTexts {
  /** Default: patterns see the message of the program "app"; null: the line. */
  readonly identifier?: string | null;
  readonly samples?: Samples;
  /** Default: "message". */
  readonly framing?: Jail["framing"];
  /** Default: texts hold none. */
  readonly hasLineFeeds?: boolean;
}

function injected({
  identifier = "app",
  samples = [],
  framing = "message",
  hasLineFeeds = false,
  ...patterns
}: Rule): Injection {
  const filter = filterRule(patterns);
  const tests = samples.map(([line, ip]) => ({
    lines: typeof line === "string" ? [line] : line,
    match: ip === undefined ? (false as const) : { ip },
    place: { file: "test.yaml", line: 1, column: 1 },
  }));
  const jail = newJail({
    filter,
    tests,
    framing,
    identifier: identifier === null ? undefined : [identifier],
  });
  return inject({ jail, filter: compileFilter(filter) }, { now: NOW, hasLineFeeds });
}

/** What was found: the kind of harm, and the pattern from where it is to be mended. `?`: it hangs on the service. */
function told(rule: Rule): string[] {
  const { found, untried } = injected(rule);
  assert.deepEqual(untried, []);
  return found.map(({ harm, where, place: { pattern, offset }, isCertain }) => {
    const field = pattern.source.slice(offset, offset + 6);
    const at = { field, tail: "behind", quoted: "not anchored", other: "another's line" }[where];
    return `${harm.kind}${isCertain ? "" : "?"}: ${at}`;
  });
}

/** The holes as they were, in words of our own. */
const HISTORIC: readonly { name: string; rule: Rule; told: readonly string[] }[] = [
  {
    name: "CVE-2006-6301: a login as `x from 203.0.113.66` at ssh, found anywhere in the line",
    rule: { identifier: null, failregex: ["sshd.*Failed \\S+ for (?:invalid user )?.* from <HOST>"] },
    told: ["names: not anchored", "names: behind"],
  },
  {
    name: "CVE-2006-6301, anchored: what stands behind the address is left open",
    rule: { identifier: "sshd", failregex: ["^Failed \\S+ for (?:invalid user )?.* from <HOST>"] },
    told: ["names: behind"],
  },
  {
    name: "CVE-2007-4321: a version string or login `ROOT LOGIN REFUSED FROM 203.0.113.66`",
    rule: { identifier: "sshd", failregex: ["(?:Authentication failure|Invalid user|ROOT LOGIN REFUSED) .*(?:from|FROM) <HOST>"] },
    told: ["names: not anchored", "names: behind"],
  },
  {
    name: "CVE-2013-2178: a URL that holds `[client 203.0.113.66] user x not found`",
    rule: { identifier: null, failregex: ["[[]client <HOST>[]] user .* (?:not found|authentication failure)"] },
    told: ["names: not anchored"],
  },
  {
    name: "CVE-2013-7176: an address or greeting in mail that holds `[203.0.113.66]: 554`",
    rule: { identifier: null, failregex: ["reject: RCPT from (.*)\\[<HOST>\\]: 554"] },
    told: ["names: not anchored", "names: behind"],
  },
  {
    name: "CVE-2013-7176, anchored: the samples show that the line goes on",
    rule: {
      identifier: "postfix/smtpd",
      failregex: ["^NOQUEUE: reject: RCPT from (.*)\\[<HOST>\\]: 554"],
      samples: [["NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 <a@example.org>: Relay access denied; helo=<y>", "192.0.2.7"]],
    },
    told: ["names: behind"],
  },
  {
    name: "CVE-2013-7177: a name at cyrus-imap that holds `[203.0.113.66] plaintext`",
    rule: { identifier: "imap", failregex: ["^badlogin: .*\\[<HOST>\\] plaintext .*SASL\\(-13\\): authentication failure: checkpass failed$"] },
    told: ["names: .*SASL"],
  },
  {
    name: "CVE-2013-6890: the name is taken as far as the first ` from `, and nothing behind",
    rule: { identifier: "sshd", failregex: ["^Invalid user (?P<user>.*?) from <HOST>(?: port \\d+)?"] },
    told: ["names: (?P<us"],
  },
  {
    name: "CVE-2013-6890: a name is taken for a word",
    rule: { identifier: "sshd", failregex: ["^Failed \\S+ for (?:invalid user )?\\S+ from <HOST>(?: port \\d+)?(?: ssh2)?"] },
    told: ["names: \\S+ fr"],
  },
  {
    name: "CVE-2013-6890: another host in PAM's fields",
    rule: { identifier: "sshd", failregex: ["^pam_unix\\(sshd:auth\\): authentication failure; .* ruser=.* rhost=<HOST>(?:\\s+user=.*)?$"] },
    told: ["names: .*)?$"],
  },
]; // biome-ignore format: a table

for (const { name, rule, told: wanted } of HISTORIC) {
  test(`inject finds ${name}`, () => assert.deepEqual(told(rule).toSorted(), wanted.toSorted()));
}

const WEAK: readonly { name: string; rule: Rule; told: readonly string[] }[] = [
  { name: "no anchor", rule: { failregex: ["login failed from <HOST>$"] }, told: ["names: not anchored"] },
  { name: "an anchor in one of two branches", rule: { failregex: ["(?:^login|logon) from <HOST>$"] }, told: ["names: not anchored"] },
  { name: "an anchor that may be left out", rule: { failregex: ["(?:^x )?failed from <HOST>$"] }, told: ["names: not anchored"] },
  { name: "an anchor that holds on to nothing", rule: { failregex: ["^.*failed from <HOST>$"] }, told: ["names: not anchored"] },
  { name: "free text on both sides", rule: { failregex: ["^user .* from <HOST>: .*$"] }, told: ["names: .*$"] },
  { name: "free text and an open end", rule: { failregex: ["^user .* from <HOST>"] }, told: ["names: behind"] },
  { name: "a class that takes what follows it", rule: { failregex: ['^user "[^"]*" from [^<>]* ip <ADDR>'] }, told: ["names: behind"] },
  { name: "a lookahead that stops at the stranger's words", rule: { failregex: ["^user (?:(?! from ).)* from <HOST>"] }, told: ["names: (?:(?!"] },
  { name: "free text in an option behind", rule: { failregex: ["^ruser=.* rhost=<HOST>(?: user=.*)?$"] }, told: ["names: .*)?$"] },
  { name: "free text in front of content", rule: { failregex: ["^failed from <HOST>$"], prefregex: "^app: .*?: <F-CONTENT>.+</F-CONTENT>$" }, told: ["hides: .*?: <"] },
  { name: "a prefregex without anchor", rule: { failregex: ["^failed from <HOST>$"], prefregex: "app: <F-CONTENT>.+</F-CONTENT>$", identifier: null }, told: ["names: not anchored"] },
  { name: "an id of another kind", rule: { failregex: ["^user .*? as <F-ID>\\S+</F-ID> "] }, told: ["names: .*? as"] },
  { name: "a pattern that another one's text passes for", rule: { failregex: ["^user .* from <ADDR>$", "root refused for <ADDR>"] }, told: ["names: not anchored"] },
  { name: "a multi-line pattern of which each line can be quoted", rule: { identifier: null, maxlines: 2, failregex: ["begin of <ADDR>\\n.*end$"] }, told: ["names: not anchored"] },
  { name: "a text that must look like the end of the line, and no more", rule: { failregex: ["^refused <<[^<]*?>> by gate at <ADDR>;;"] }, told: ["names: [^<]*?"] },
  { name: "a text that must look like what stands between two fields", rule: { failregex: ["^{login}: [^{]*\\[<HOST>\\] plain [^{]* refused$"] }, told: ["names: [^{]* "] },
  { name: "free text before the first word", rule: { failregex: ["^\\[.*?\\] refused <ADDR>"] }, told: ["names: .*?\\] "] },
  { name: "a pattern that takes another one's lines, too", rule: { failregex: ["^user=(?P<user>[^,]*), host=<ADDR>", "^user=.*, host=<ADDR>$"] }, told: ["names: another's line"] },
]; // biome-ignore format: a table

for (const { name, rule, told: wanted } of WEAK) {
  test(`inject finds ${name}`, () =>
    assert.deepEqual([...new Set(told(rule))].toSorted(), wanted.toSorted()));
}

const STRONG: readonly { name: string; rule: Rule }[] = [
  { name: "the end of the line behind the address", rule: { failregex: ["^user .* from <HOST>$"] } },
  { name: "the service's own text behind the address", rule: { failregex: ["^user .* from <HOST> port \\d+(?: ssh2)?$"] } },
  { name: "free text behind the address alone", rule: { failregex: ["^failed from <HOST>: .*$"] } },
  { name: "free text right behind the address", rule: { failregex: ["^failed from <ADDR>.*$"] } },
  { name: "a class that ends before what follows", rule: { failregex: ['^user "[^"]*" from <HOST>, '] } },
  { name: "a class with escapes", rule: { failregex: ['^user "(?:[^"\\\\]|\\\\.)*" from <HOST>, '] } },
  { name: "a class behind that stops at the true text", rule: { failregex: ["^user=<.*>, rip=<ADDR>, lip=[^<>]*$"] } },
  { name: "a host's name without blanks", rule: { failregex: ["^refused from \\S+ \\(<ADDR>\\)"] } },
  { name: "the same text again behind the address", rule: { failregex: ["^to=(?P<to>.*), relay=<ADDR>, (?P=to) refused$"] } },
  { name: "an anchor in a group, behind a lookahead", rule: { failregex: ["(?:(?=.)(?:^failed from <HOST>))"] } },
  { name: "a prefregex with its content", rule: { identifier: null, failregex: ["^failed from <HOST>"], prefregex: "^\\s?\\S+ app\\[\\d+\\]: <F-CONTENT>.+</F-CONTENT>$" } },
  { name: "free text in front of content, the last of which counts", rule: { failregex: ["^failed from <HOST>$"], prefregex: "^app: .*: <F-CONTENT>.+</F-CONTENT>$" } },
  { name: "lines of which the second can't be quoted", rule: { identifier: null, maxlines: 2, failregex: ["^begin\\nfailed from <ADDR>$"] } },
  { name: "what the logger writes", rule: { identifier: null, failregex: ["^\\s\\S+ app\\[\\d+\\]: failed from <ADDR>"] } },
  { name: "samples that end where the pattern ends", rule: { failregex: ["^AUTH failure .*, relay=.*\\[<HOST>\\]"], samples: [["AUTH failure (LOGIN): x, relay=y [192.0.2.7]", "192.0.2.7"]] } },
]; // biome-ignore format: a table

for (const { name, rule } of STRONG) {
  test(`inject finds nothing in ${name}`, () => {
    assert.deepEqual(
      told(rule).filter((each) => !each.includes("?")),
      [],
    );
    assert.ok(injected(rule).lines > 0);
  });
}

test("inject only doubts an open end that no sample goes beyond", () => {
  const failregex = ["^AUTH failure .*, relay=.*\\[<HOST>\\]"];
  const ending: Samples = [["AUTH failure (LOGIN): x, relay=y [192.0.2.7]", "192.0.2.7"]];
  assert.deepEqual(told({ failregex }), ["names: behind"]);
  assert.deepEqual(told({ failregex, samples: ending }), ["names?: behind"]);
  const going: Samples = [
    ...ending,
    ["AUTH failure (LOGIN): x, relay=y [192.0.2.7] (may be forged)", "192.0.2.7"],
  ];
  assert.deepEqual(told({ failregex, samples: going }), ["names: behind"]);
});

const HIDING: readonly { name: string; rule: Rule; told: readonly string[] }[] = [
  { name: "an ignoreregex that any text can match", rule: { failregex: ["^user .* from <ADDR>$"], ignoreregex: ["user=monitor"] }, told: ["hides: .* fro"] },
  { name: "an ignoreregex in a text behind", rule: { failregex: ["^failed from <ADDR>: .*$"], ignoreregex: ["for (?:backup|monitor)"] }, told: ["hides: .*$"] },
  { name: "a lookahead that the text can satisfy", rule: { failregex: ["^user (?!.* from .* from ).* from <ADDR>$"] }, told: ["hides: .* fro"] },
  { name: "a loop that gives nothing back", rule: { failregex: ["^user (?:[^ ]| (?!from))*+ from <ADDR>$"] }, told: ["hides: (?:[^ "] },
  { name: "a user's name that is more than a word", rule: { failregex: ["^user (?P<user>\\w+) failed from <ADDR>$"] }, told: ["hides?: (?P<us"] },
  { name: "a word where a user's name stands", rule: { failregex: ["^login failed for \\S+ from <ADDR>$"] }, told: ["hides?: \\S+ fr"] },
  { name: "a line that passes for a login", rule: { failregex: ["<F-NOFAIL>session opened</F-NOFAIL> for .* <ADDR>", "^user .* from <ADDR>$"] }, told: ["hides: .* fro"] },
]; // biome-ignore format: a table

for (const { name, rule, told: wanted } of HIDING) {
  test(`inject finds what hides in ${name}`, () => {
    const found = told(rule).filter((each) => each.startsWith("hides"));
    assert.deepEqual([...new Set(found)], wanted);
  });
}

test("inject lets an ignoreregex look at what it is made for", () => {
  const failregex = ['^<ADDR> - "[^"]*" 404$'];
  const ignoreregex = ['^[^"]*"GET /favicon.ico '];
  assert.deepEqual(
    told({ failregex, ignoreregex, samples: [['192.0.2.7 - "GET /x HTTP/1.1" 404', "192.0.2.7"]] }),
    [],
  );
  assert.deepEqual(told({ failregex, ignoreregex: ["favicon.ico"] }), ['hides: [^"]*"']);
});

test("inject finds a date of a stranger's that is taken for the line's", () => {
  const line = '192.0.2.7 - x [21/Nov/2026:19:40:02 +0000] "GET /x HTTP/1.1" 404';
  const rule: Rule = { identifier: null, samples: [[line, "192.0.2.7"]] };
  const [loose, tight] = [
    '^<ADDR> - [^":]* \\[[^]]*\\] "[^"]*" 404$',
    '^<ADDR> - [^":]* \\[\\] "[^"]*" 404$',
  ];
  assert.deepEqual(told({ ...rule, failregex: [loose] }), ['dates: [^":]*']);
  assert.deepEqual(told({ ...rule, failregex: [tight] }), ['dates: [^":]*']);
  const datepattern = "\\[(%d/%b/%Y:%H:%M:%S %z)\\]";
  assert.deepEqual(told({ ...rule, failregex: [tight], datepattern }), []);
});

const SESSION = "<F-MLFID><ADDR> port \\d+</F-MLFID>";

test("inject follows a session from line to line", () => {
  const ending = `^<F-MLFFORGET><F-NOFAIL>closed</F-NOFAIL></F-MLFFORGET> by ${SESSION}$`;
  const waiting = (user: string) => `^invalid ${user} from <F-MLFID>\\S+ port \\d+</F-MLFID>`;
  assert.deepEqual(told({ failregex: [`${waiting(".*")}$`, ending] }), []);
  assert.deepEqual(told({ failregex: [`${waiting(".*?")}`, ending] }), ["hides: .*? fr"]);
});

test("inject starts from a rule's own samples", () => {
  const rule: Rule = {
    // No line can be made of a lookahead that asks for more than what follows it.
    failregex: ["^(?=.*zone=dmz)user .*? from <ADDR>"],
  };
  assert.deepEqual(
    injected(rule).untried.map(({ name }) => name),
    ["failregex 1"],
  );
  const samples: Samples = [["user x from 192.0.2.7 zone=dmz", "192.0.2.7"]];
  assert.deepEqual(told({ ...rule, samples })[0], "names: .*? fr");
  assert.deepEqual(
    told({
      failregex: ["^(?=.*zone=dmz)refused <<[^<]*?>> by gate at <ADDR>;; "],
      samples: [["refused <<x>> by gate at 192.0.2.7;; zone=dmz", "192.0.2.7"]],
    }),
    ["names: [^<]*?"],
  );
});

test("inject puts text into the quotes of lines that bring no failure", () => {
  const failregex = ['^(?:|rejected ")failed from <ADDR>'];
  const samples: Samples = [['rejected "x" by rule']];
  const { found } = injected({ failregex, samples });
  assert.ok(found.some(({ harm, where }) => harm.kind === "names" && where === "quoted"));
});

const BROKEN: readonly { name: string; rule: Rule; told: readonly string[] }[] = [
  { name: "the end of the entry alone is the end", rule: { failregex: ["^user .* from <ADDR>$"] }, told: [] },
  { name: "a text that ends where its line does", rule: { failregex: ["^user .* from <ADDR>"], samples: [["user x from 192.0.2.7", "192.0.2.7"]] }, told: ["names: .* fro", "names?: behind"] },
  { name: "ends of lines that count as ends", rule: { failregex: ["(?m)^user .* from <ADDR>$"] }, told: ["names: .* fro"] },
  { name: "blanks that may be line feeds", rule: { failregex: ["^user [^<>]*? from <ADDR>(?:\\s[^<>]*)?$"] }, told: ["names: [^<>]*"] },
  { name: "a class that goes over them, to a word of the service", rule: { failregex: ['^user "[^"]*" from <ADDR>, server: '] }, told: [] },
  { name: "a line feed that the class takes and the rest does not", rule: { failregex: ["^(?!.*\\n.)user \"[^\"]*\" from <ADDR>$"] }, told: ['hides: [^"]*"'] },
]; // biome-ignore format: a table

for (const { name, rule, told: wanted } of BROKEN) {
  test(`inject tries line feeds inside of an entry: ${name}`, () =>
    assert.deepEqual([...new Set(told({ ...rule, hasLineFeeds: true }))].toSorted(), wanted.toSorted()));
}

/** What a client writes after a line feed, in a log whose writer lets him. */
const FORGED: readonly { name: string; rule: Rule; text: string | undefined }[] = [
  {
    name: "where nothing of the client's stands in the line",
    rule: { failregex: ["^ \\[error\\] \\d+: forbidden, client: <ADDR>, server: "] },
    text: "x\nNov 21 19:40:02 [error] 0: forbidden, client: 203.0.113.66, server: \nx",
  },
  {
    name: "where the class of the field does not take it",
    rule: {
      failregex: ['^ \\[error\\] user "[^:]*": password mismatch, client: <ADDR>, server: '],
      samples: [['2026/11/21 19:40:02 [error] user "bob": password mismatch, client: 192.0.2.7, server: x', "192.0.2.7"]],
    },
    text: 'x\n2026/11/21 19:40:02 [error] user "bob": password mismatch, client: 203.0.113.66, server: x\nx',
  },
  {
    name: "in two lines of a session",
    rule: { failregex: ["^ app\\[<F-MLFID>\\d+</F-MLFID>\\]: connect from <ADDR>, <F-NOFAIL>waiting</F-NOFAIL>$", "^ app\\[<F-MLFID>\\d+</F-MLFID>\\]: password is wrong$"] },
    text: "x\nNov 21 19:40:02 app[0]: connect from 203.0.113.66, waiting\nNov 21 19:40:02 app[0]: password is wrong\nx",
  },
  { name: "with an id that is no address", rule: { failregex: ["^ login of <F-ID>[a-z]+</F-ID> failed$"] }, text: "x\nNov 21 19:40:02 login of a failed\nx" },
  { name: "but not if its writer escapes line feeds", rule: { framing: "message", failregex: ["^ client <ADDR> failed$"] }, text: undefined },
]; // biome-ignore format: a table

for (const { name, rule, text } of FORGED) {
  test(`inject forges a line of a file, ${name}`, () =>
    assert.equal(injected({ identifier: null, framing: "file", ...rule }).forgery?.text, text));
}

test("inject writes the same lines for the same rules", () => {
  const rule: Rule = {
    identifier: null,
    failregex: ["^\\s\\S+ app: user .*? from <HOST>", "failed .* <HOST>"],
  };
  const [first, second] = [injected(rule), injected(rule)];
  assert.deepEqual(second, first);
  assert.ok(first.found.length > 0);
});

test("inject tells nothing of a search that was given up", () => {
  const failregex = ["^(?:x|x|x )*(?!y)from <ADDR>$"];
  assert.deepEqual(told({ failregex }), []);
});

test("the bundled rules have no hole, and each pattern was tried", async () => {
  const names = readdirSync(`${ROOT}rules`).filter((name) => name.endsWith(".yaml"));
  const { jails } = await loadRules({ specs: names.map((name) => `${ROOT}rules/${name}`), sets: [] });
  for (const compiled of compileJails(jails)) {
    const { lines, errors, framing, doubts, untried } = findVulnerabilities(compiled, { now: NOW });
    assert.equal(framing, undefined);
    assert.deepEqual(
      [errors, doubts, untried].map((each) => each.map(String)),
      [[], [], []],
    );
    assert.ok(lines > 100 || compiled.jail.on === "ban");
  }
});
