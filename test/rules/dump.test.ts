import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { dumpRules } from "../../src/rules/dump.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { mergeLayers, resolveJail, settingsOf } from "../../src/rules/merge.ts";
import type { Jail, RuleTest } from "../../src/rules/rule.ts";
import { widen } from "../../src/shared/address.ts";
import { RulesFolder } from "../helpers/rules.ts";

const folder = new RulesFolder();
after(() => folder.remove());

const PLACE = { file: "x.yaml", line: 1, column: 1 };

/** The same, with every place the same. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null || value instanceof Map) return value;
  const fields = Object.entries(value).map(([key, inner]) => [
    key,
    key === "place" ? PLACE : withoutPlaces(inner),
  ]);
  return Object.fromEntries(fields);
}

const { constant, constantFrom, nat, option, uniqueArray } = fc;
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T, keyof T>(fields, { noNullPrototype: true });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => option(arbitrary, { nil: undefined });
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 3 });

const awkward = constantFrom(
  "no",
  "~",
  "1e3",
  "- a",
  "a: b",
  " x ",
  "a #b",
  "'",
  '"',
  "\\",
  "\x00",
  "\r\n\u2028",
  "//a",
  "\ud800",
  "é😀",
  "|",
);
const text = fc.oneof(awkward, fc.string({ unit: "binary", minLength: 1, maxLength: 20 }));
const source = text.filter((each) => !each.includes("\n"));
const pattern = record({ source, place: constant(PLACE) });
const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
const duration = fc.integer({ min: 1, max: 3_155_760_000_000 });
const network = fc.oneof(
  record({ family: constant(4 as const), value: fc.bigInt(0n, 2n ** 32n - 1n), prefix: constant(32) }).chain(
    (address) => nat(32).map((prefix) => widen(address, prefix)),
  ),
  record({
    family: constant(6 as const),
    value: fc.bigInt(2n ** 120n, 2n ** 128n - 1n),
    prefix: constant(128),
  }).chain((address) => nat(128).map((prefix) => widen(address, prefix))),
);
const port = fc.oneof(
  fc.integer({ min: 1, max: 65535 }),
  fc.tuple(nat(30000), fc.integer({ min: 30001, max: 60000 })).map(([from, to]) => `${from}:${to}`),
);
const terms = fc
  .uniqueArray(
    fc.tuple(fc.stringMatching(/^_[A-Z][A-Z_]{0,8}$/), uniqueArray(text, { minLength: 1, maxLength: 2 })),
    {
      minLength: 1,
      maxLength: 3,
      selector: ([field]) => field,
    },
  )
  .map((fields) => new Map(fields.map(([field, values]) => [field, new Set(values)])));

const expectedId = constantFrom<RuleTest["match"]>(
  false,
  {},
  { ip: "192.0.2.0/24", user: "" },
  { id: "x: y" },
);

const jail: fc.Arbitrary<Jail> = record({
  name: word,
  description: maybe(fc.string()),
  enabled: fc.boolean(),
  place: constant(PLACE),
  identifier: maybe(some(text)),
  session: maybe(constant("pid" as const)),
  journalmatch: maybe(some(terms)),
  logpath: maybe(some(text)),
  framing: constantFrom("file" as const, "message" as const),
  filter: record({
    prefregex: maybe(pattern),
    failregex: some(pattern),
    ignoreregex: fc.array(pattern, { maxLength: 2 }),
    success: fc.array(pattern, { maxLength: 2 }),
    maxlines: fc.integer({ min: 1, max: 1000 }),
    datepattern: maybe(
      record({ source: constantFrom("{^LN-BEG}", "%Y\n%d: %m", "^'"), place: constant(PLACE) }),
    ),
  }),
  maxretry: fc.integer({ min: 1, max: 100_000 }),
  findtime: duration,
  bantime: option(duration),
  escalation: record({
    increment: fc.boolean(),
    factor: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    multipliers: maybe(some(fc.integer({ min: 1, max: 1000 }))),
    maxtime: maybe(duration),
    rndtime: nat(),
    overalljails: fc.boolean(),
    memory: nat(),
  }),
  count: record({ ipv4: fc.integer({ min: 16, max: 32 }), ipv6: fc.integer({ min: 32, max: 128 }) }),
  ignore: record({
    networks: fc.array(network, { maxLength: 2 }),
    files: fc.array(
      text.map((name) => `/${name}`),
      { maxLength: 2 },
    ),
    hosts: fc.array(constantFrom("host.example", "xn--a.test", "localhost"), { maxLength: 2 }),
    self: fc.boolean(),
    command: maybe(some(text.filter((each) => !each.includes("\0")))),
  }),
  usedns: constantFrom("no", "yes", "warn", "raw"),
  port: maybe(uniqueArray(port, { minLength: 1, maxLength: 3 })),
  protocol: constantFrom(["tcp"], ["tcp", "udp"], ["sctp"]),
  mode: constantFrom("enforce", "shadow"),
  on: constantFrom("log", "ban"),
  maxmatches: nat(1000),
  tests: fc.array(
    record({
      lines: some(fc.string()),
      match: expectedId,
      success: expectedId,
      place: constant(PLACE),
    }).map(({ success, ...test }) => ({ ...test, ...(success !== false && { success }) })),
    { maxLength: 2 },
  ),
}).map((each) => (each.on === "ban" ? { ...each, framing: "message" } : each));

describe("dumpRules", () => {
  it("writes what loads as the same jails", async () => {
    const jails = uniqueArray(jail, { minLength: 1, maxLength: 3, selector: ({ name }) => name });
    await fc.assert(
      fc.asyncProperty(jails, async (jails) => {
        const loaded = await folder.load([dumpRules(jails)]);
        assert.deepEqual(withoutPlaces(loaded.jails), withoutPlaces(jails));
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the bundled rules", async () => {
    for (const name of ["sshd", "recidive"]) {
      const { jails } = await loadRules({ specs: [name], sets: [] });
      const loaded = await folder.load([dumpRules(jails)]);
      assert.deepEqual(withoutPlaces(loaded.jails), withoutPlaces(jails));
    }
  });

  it("quotes patterns so that they can be read", async () => {
    const { jails } = await folder.load(["jails: {a: {failregex: '^\\d+: <HOST>'}}"]);
    assert.match(dumpRules(jails), / {6}- '\^\\d\+: <HOST>'\n/);
  });
});

describe("settingsOf", () => {
  it("says all that a jail is", () => {
    fc.assert(
      fc.property(jail, (jail) => {
        const layer = {
          defaults: {},
          jails: new Map([[jail.name, { place: PLACE, settings: settingsOf(jail) }]]),
        };
        const settings = mergeLayers([layer]).jails.get(jail.name)?.settings ?? {};
        assert.deepEqual(resolveJail(jail.name, PLACE, settings), jail);
      }),
    );
  });
});
