import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chainName, ipsetName, isCut, jailOf } from "../../../src/exec/kernel/names.ts";

const CASES = [
  { jail: "sshd", chain: "f2bs-sshd" },
  { jail: "a.b_c-d", chain: "f2bs-a.b_c-d" },
  { jail: "j".repeat(22), chain: `f2bs-${"j".repeat(22)}` },
  { jail: "postfix-sasl-aggressive", chain: "f2bs-postfix-sasl-7941d470ee" },
];

for (const { jail, chain } of CASES) {
  test(`chainName of ${jail} is ${chain}`, () => assert.equal(chainName(jail), chain));
}

test("isCut tells names that do not hold the whole jail", () => {
  assert.equal(isCut(chainName("j".repeat(22))), false);
  assert.equal(isCut(chainName("j".repeat(23))), true);
});

for (const { chain, said, jail } of [
  { chain: "f2bs-sshd", said: undefined, jail: "sshd" },
  { chain: "f2bs-sshd", said: "smtp", jail: "sshd" },
  { chain: "f2bs-postfix-sasl-7941d470ee", said: "postfix-sasl-aggressive", jail: "postfix-sasl-aggressive" },
  { chain: "f2bs-postfix-sasl-7941d470ee", said: "\x1b[31mred", jail: "postfix-sasl-7941d470ee" },
  { chain: "f2bs-postfix-sasl-7941d470ee", said: undefined, jail: "postfix-sasl-7941d470ee" },
])
  test(`jailOf ${chain}, of which a comment says ${JSON.stringify(said)}, is ${jail}`, () =>
    assert.equal(jailOf(chain, said), jail));

test("chainName fits iptables and gives no two jails one name", () => {
  const jail = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
  // Jails that are named like the chains of others are the ones that could collide.
  const alike = jail.chain((name) =>
    fc.tuple(fc.constant(name), fc.oneof(jail, fc.constant(chainName(name).slice(5)))),
  );
  fc.assert(
    fc.property(alike, ([a, b]) => {
      assert.ok(chainName(a).length <= 28);
      assert.equal(chainName(a) === chainName(b), a === b);
      assert.ok(ipsetName(a, 6).length <= 31);
      assert.equal(ipsetName(a, 4) === ipsetName(b, 4), a === b);
    }),
  );
});
