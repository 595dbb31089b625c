import assert from "node:assert/strict";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { parseFilterSpec, readFilter } from "../../../src/rules/fail2ban/resolve-filter.ts";
import { RuleError } from "../../../src/rules/rule.ts";
import { withTree } from "../../helpers/config-tree.ts";

type Files = Readonly<Record<string, string>>;

/** The failregexes of filter.d/x.conf. */
function failregex(files: Files, options: Record<string, string> = {}): string[] {
  return withTree(inFilterFolder(files), (directory) =>
    readFilter(directory, "x", options).failregex.map(({ source }) => source),
  );
}

function inFilterFolder(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`filter.d/${name}`, text]));
}

/** A filter whose only failregex is `value`, with more in its sections. */
const one = (value: string, more = ""): Files => ({
  "x.conf": `[Definition]\nfailregex = ${value}\n${more}`,
});

describe("readFilter interpolates", () => {
  const cases: [name: string, files: Files, expected: string[]][] = [
    ["%(name)s of the section", one("^%(a)s$", "a = b"), ["^b$"]],
    ["%(name)s of [DEFAULT]", one("^%(a)s$", "[DEFAULT]\na = b"), ["^b$"]],
    ["the section before [DEFAULT]", one("%(a)s", "a = b\n[DEFAULT]\na = c"), ["b"]],
    ["through several values", one("%(a)s", "a = %(b)s\nb = %(c)s\nc = d"), ["d"]],
    ["%(section/name)s", one("%(other/a)s", "[other]\na = b"), ["b"]],
    [
      "%(section/name)s from [DEFAULT] when the section lacks it",
      one("%(o/a)s", "[o]\n[DEFAULT]\na = b"),
      ["b"],
    ],
    ["%(default/name)s past the section", one("%(default/a)s", "a = b\n[DEFAULT]\na = c"), ["c"]],
    ["%(__name__)s as the section", one("%(__name__)s"), ["Definition"]],
    ["%% as %", one("100%% of %(a)s", "a = 5%%"), ["100% of 5%"]],
    ["a value of several lines", one("%(a)s\n  ^c", "a = ^a\n  ^b"), ["^a", "^b", "^c"]],
    [
      "on the merged result: a filter changes what common.conf built",
      {
        "x.conf": "[INCLUDES]\nbefore = c.conf\n[Definition]\n_daemon = xd\nfailregex = ^%(prefix)s",
        "c.conf": "[DEFAULT]\n_daemon = \\S+\nprefix = %(_daemon)s:",
      },
      ["^xd:"],
    ],
    [
      "%(known/name)s as it was before the last file",
      {
        "x.conf": "[Definition]\nfailregex = ^a",
        "x.local": "[Definition]\nfailregex = %(known/failregex)s\n  ^b",
      },
      ["^a", "^b"],
    ],
  ];
  for (const [name, files, expected] of cases) {
    it(name, () => assert.deepEqual(failregex(files), expected));
  }
});

describe("readFilter follows %(name)s", () => {
  const chain = (length: number): Files => {
    const links = Array.from({ length: length - 1 }, (_, i) => `a${i + 1} = %(a${i + 2})s\n`).join("");
    return one("%(a1)s", `${links}a${length} = end`);
  };
  it("through ten values", () => assert.deepEqual(failregex(chain(10)), ["end"]));
  it("no further", () => assert.throws(() => failregex(chain(11)), /more than 10 deep/));
});

describe("readFilter replaces tags", () => {
  const cases: [name: string, files: Files, options: Record<string, string>, expected: string[]][] = [
    ["by an option", one("^<a>$", "a = b"), {}, ["^b$"]],
    ["innermost first", one("<re-<mode>>", "re-x = ^x\nmode = x"), {}, ["^x"]],
    [
      "by a parameter before the option",
      one("<re-<mode>>", "re-x = ^x\nre-y = ^y\nmode = x"),
      { mode: "y" },
      ["^y"],
    ],
    ["by section/option", one("<lt_<t>/re>", "[DEFAULT]\nt = a\n[lt_a]\nre = ^a"), {}, ["^a"]],
    ["by [Init] before [Definition]", one("<a>", "a = b\n[Init]\na = c"), {}, ["c"]],
    ["by a parameter before [Init]", one("<a>", "[Init]\na = c"), { a: "d" }, ["d"]],
    ["<known/name> by what [Init] says", one("<a>", "[Init]\na = c"), { a: "<known/a>|d" }, ["c|d"]],
    [
      "but those of the filter language",
      one("^<HOST> <F-USER>\\S+</F-USER> <SKIPLINES>"),
      {},
      ["^<HOST> <F-USER>\\S+</F-USER> <SKIPLINES>"],
    ],
    ["but those that nobody knows", one("^<re-<mode>>", "mode = q"), {}, ["^<re-q>"]],
    ["and drops the empty line that results", one("^a\n  <b>\n  ^c", "b ="), {}, ["^a", "^c"]],
    ["and leaves $ and & alone", one("<a>", "a = $& $1 $$"), {}, ["$& $1 $$"]],
  ];
  for (const [name, files, options, expected] of cases) {
    it(name, () => assert.deepEqual(failregex(files, options), expected));
  }

  it("keeps options that depend on a condition apart", () => {
    assert.deepEqual(failregex(one("<a>", "[Init]\na = 4\n[Init?family=inet6]\na = 6")), ["<a>"]);
  });
});

describe("readFilter includes", () => {
  const say = (word: string, includes = ""): string =>
    `${includes === "" ? "" : `[INCLUDES]\n${includes}\n`}[Definition]\nfailregex = ${word}\nfrom-${word} = 1\n`;
  const cases: [name: string, files: Files, order: string[], last: string][] = [
    [
      "before and after",
      { "x.conf": say("x", "before = b.conf\nafter = a.conf"), "b.conf": say("b"), "a.conf": say("a") },
      ["b.conf", "x.conf", "a.conf"],
      "a",
    ],
    [
      "several files, a line each",
      { "x.conf": say("x", "before = b.conf\n  a.conf"), "b.conf": say("b"), "a.conf": say("a") },
      ["b.conf", "a.conf", "x.conf"],
      "x",
    ],
    ["x.local after x.conf", { "x.conf": say("x"), "x.local": say("l") }, ["x.conf", "x.local"], "l"],
    [
      "the .local of an included file",
      { "x.conf": say("x", "before = b.conf"), "b.conf": say("b"), "b.local": say("l") },
      ["b.conf", "b.local", "x.conf"],
      "x",
    ],
    [
      "x.d/*.conf before x.local",
      { "x.conf": say("x"), "x.d/2.conf": say("2"), "x.d/1.conf": say("1"), "x.local": say("l") },
      ["x.conf", "1.conf", "2.conf", "x.local"],
      "l",
    ],
    ["no file that is not there", { "x.conf": say("x", "before = b.conf\nafter = a.conf") }, ["x.conf"], "x"],
    [
      "nothing endlessly",
      {
        "x.conf": say("x", "before = b.conf"),
        "b.conf": say("b", "before = ../filter.d/x.conf\nafter = b.conf"),
      },
      ["b.conf", "x.conf"],
      "x",
    ],
  ];
  for (const [name, files, order, last] of cases) {
    it(name, () => {
      withTree(inFilterFolder(files), (directory) => {
        const filter = readFilter(directory, "x");
        assert.deepEqual(
          filter.files.map((file) => basename(file)),
          order,
        );
        assert.deepEqual(
          filter.failregex.map(({ source }) => source),
          [last],
        );
      });
    });
  }
});

describe("readFilter", () => {
  it("takes a path as well as a name", () => {
    withTree(
      { "filter.d/x.conf": "[Definition]\nfailregex = ^a", "own/y.conf": "[Definition]\nfailregex = ^b" },
      (directory) => {
        assert.equal(readFilter(directory, "filter.d/x.conf").failregex[0]?.source, "^a");
        assert.equal(readFilter("/nowhere", `${directory}/own/y.conf`).failregex[0]?.source, "^b");
      },
    );
  });

  it("gives each pattern the place where it was written", () => {
    const files = {
      "x.conf":
        "[INCLUDES]\nbefore = c.conf\n[Definition]\nfailregex = ^a\n            <more-<mode>>\n            z%(tail)s\n",
      "c.conf": "[DEFAULT]\nmode = m\ntail = end\nmore-m = ^b\n\n         ^c\n",
    };
    withTree(inFilterFolder(files), (directory) => {
      const places = readFilter(directory, "x").failregex.map(
        ({ source, place }) => `${source} ${basename(place.file)}:${place.line}:${place.column}`,
      );
      assert.deepEqual(places, ["^a x.conf:4:13", "^b c.conf:4:10", "^c c.conf:6:10", "zend x.conf:6:13"]);
    });
  });

  it("takes a name and options from parseFilterSpec", () => {
    assert.deepEqual(parseFilterSpec('own/x.conf[mode=ddos, p="a,b"]'), {
      name: "own/x.conf",
      options: { mode: "ddos", p: "a,b" },
    });
    assert.throws(() => parseFilterSpec("x[mode]"), /expected name\[key/);
  });

  it("splits journalmatch as a shell would", () => {
    withTree(inFilterFolder(one("a", 'journalmatch = A=1 + B="2 3"\n  C=4')), (directory) => {
      assert.deepEqual(readFilter(directory, "x").journalmatch, [["A=1", "+", "B=2 3"], ["C=4"]]);
    });
  });

  const mistakes: [name: string, files: Files, place: string, message: RegExp][] = [
    ["a name that leads nowhere", one("%(nope)s"), "x.conf:2", /failregex: %\(nope\)s is not defined/],
    ["a lone %", one("5% of"), "x.conf:2", /expected "%%"/],
    ["names in a circle", one("%(a)s", "a = %(b)s\nb = %(a)s"), "x.conf:", /more than 10 deep/],
    ["a tag that leads back to itself", one("<a>", "a = <b>\nb = <a>"), "x.conf:", /contains itself/],
    ["values that double without end", one("<a>", "a = <b><b>\nb = <c><c>\nc = x<a>"), "x.conf:", /itself/],
    ["a maxlines that is no number", one("a", "[Init]\nmaxlines = many"), "x.conf:4", /got "many"/],
    [
      "a mistake in an included file",
      { "x.conf": "[INCLUDES]\nbefore = c.conf\n", "c.conf": "[a\n" },
      "c.conf:1",
      /before/,
    ],
    ["a filter that is not there", { "y.conf": "" }, "x:0", /no file .*filter\.d\/x\.conf/],
  ];
  for (const [name, files, place, message] of mistakes) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => failregex(files),
        (error) =>
          error instanceof RuleError &&
          `${basename(error.place.file)}:${error.place.line}`.startsWith(place) &&
          message.test(error.message),
      );
    });
  }

  it("refuses a file that is not UTF-8", () => {
    withTree({ "filter.d/x.conf": Uint8Array.of(0x23, 0xff, 0x0a) }, (directory) => {
      assert.throws(() => readFilter(directory, "x"), /is not UTF-8/);
    });
  });
});
