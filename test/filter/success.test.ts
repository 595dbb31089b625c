import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileFilter, FilterError, successFilter } from "../../src/filter/compile-filter.ts";
import { Matcher } from "../../src/filter/matcher.ts";
import { prefilterOf } from "../../src/filter/prefilter-literals.ts";
import { filterRule } from "../helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 20);
const RULE = {
  failregex: ["^login failed from <HOST>$"],
  success: ["^ ?login of <F-USER>.*</F-USER> from <HOST>$"],
};

/** What is wrong with the success patterns of a rule. */
function mistakes(success: readonly string[]): readonly string[] {
  try {
    compileFilter(filterRule({ ...RULE, success }), true);
  } catch (error) {
    assert.ok(error instanceof AggregateError);
    return error.errors.map((each: unknown) => {
      assert.ok(each instanceof FilterError);
      return `${each.offset}: ${each.message}`;
    });
  }
  return [];
}

describe("compileFilter compiles success patterns", () => {
  const cases = [
    { name: "a pattern without a mistake", success: RULE.success, wrong: [] },
    {
      name: "a group that is not closed",
      success: ["^ok ((( from <HOST>$"],
      wrong: ["6: expected a ) that ends this group"],
    },
    {
      name: "no id, though the lines of a process are a session",
      success: ["^ok$", "^<F-MLFID>ok</F-MLFID>$"],
      wrong: [
        "0: no tag for an address or id, such as <HOST>, <ADDR> or <F-ID>",
        "0: no tag for an address or id, such as <HOST>, <ADDR> or <F-ID>",
      ],
    },
  ];
  for (const { name, success, wrong } of cases) it(name, () => assert.deepEqual(mistakes(success), wrong));
});

describe("successFilter", () => {
  const filter = compileFilter(filterRule(RULE));

  it("finds the address and the user of a login in a line with a date", () => {
    const whole = "Nov 21 19:40:02 login of alice from 192.0.2.7";
    const line = { text: `${whole}\n`, whole, hasDate: true, time: undefined };
    const verdict = new Matcher(successFilter(filter)).match(line, { now: NOW, clock: NOW });
    assert.ok(verdict.match);
    assert.deepEqual([verdict.id, verdict.groups().user], ["192.0.2.7", "alice"]);
  });

  it("does not see failures", () => {
    const whole = "login failed from 192.0.2.7";
    const line = { text: `${whole}\n`, whole, hasDate: false, time: NOW };
    assert.equal(new Matcher(successFilter(filter)).match(line, { now: NOW, clock: NOW }).match, false);
  });

  it("changes nothing about which lines failregexes need", () => {
    const without = compileFilter(filterRule({ ...RULE, success: [] }));
    assert.deepEqual(prefilterOf(filter, true), prefilterOf(without, true));
  });
});
