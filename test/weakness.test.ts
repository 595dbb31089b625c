import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { findWeaknesses } from "../src/filter/weakness.ts";
import { loadRules } from "../src/rules/load.ts";
import type { FilterRule } from "../src/rules/rule.ts";
import { filterRule } from "./helpers/jail.ts";
import { ROOT } from "./helpers/program.ts";

function rule(failregex: string, prefregex?: string): FilterRule {
  return filterRule({ failregex: [failregex], ...(prefregex !== undefined && { prefregex }) });
}

/** What a warning is about, and the text it points at. */
function told(filter: FilterRule): string[] {
  return findWeaknesses(filter).map(({ pattern: { source }, offset, message }) => {
    const [, why] = /^\w+(?: \d+)?: (not anchored|anything can stand here)/.exec(message) ?? [];
    return `${why} at ${source.slice(offset, offset + 8)}`;
  });
}

/** The holes as they were, in words of our own. */
const HISTORIC: readonly { name: string; failregex: string; told: string }[] = [
  // A user name "x from 203.0.113.9" at ssh.
  { name: "CVE-2006-6301", failregex: "sshd.*Failed \\S+ for (?:invalid user )?.* from <HOST>", told: "not anchored at sshd.*Fa" },
  // The version string of an ssh client: "ROOT LOGIN REFUSED FROM 203.0.113.9".
  { name: "CVE-2007-4321", failregex: "(?:Authentication failure|Invalid user|ROOT LOGIN REFUSED) .*(?:from|FROM) <HOST>", told: "not anchored at (?:Authe" },
  // A URL that holds "[client 203.0.113.9] user x not found".
  { name: "CVE-2013-2178", failregex: "[[]client <HOST>[]] user .* (?:not found|authentication failure)", told: "not anchored at [[]clien" },
  // A mechanism or name at cyrus-imap with an address in brackets.
  { name: "CVE-2013-7176", failregex: "^\\S+ imaps?\\[\\d+\\]: badlogin: .*\\[<HOST>\\] \\S+ .*SASL\\(-13\\): authentication failure: .*$", told: "anything can stand here at .*\\[<HOS" },
  // A user name at ssh once more: the address behind it ends the pattern, not the line.
  { name: "CVE-2013-6890", failregex: "^Failed \\S+ for (?:invalid user )?(?P<user>.*?) from <HOST>(?: port \\d+)?(?: ssh2)?", told: "anything can stand here at .*?) fro" },
]; // biome-ignore format: a table

for (const { name, failregex, told: wanted } of HISTORIC) {
  test(`findWeaknesses tells of ${name}`, () => assert.deepEqual(told(rule(failregex)), [wanted]));
}

const WEAK: readonly { name: string; failregex: string; prefregex?: string; told: string }[] = [
  { name: "no anchor", failregex: "login failed from <HOST>$", told: "not anchored at login fa" },
  { name: "an anchor in one of two branches", failregex: "(?:^login|logon) from <HOST>$", told: "not anchored at (?:^logi" },
  { name: "an anchor that may be left out", failregex: "(?:^x )?failed from <HOST>$", told: "not anchored at (?:^x )?" },
  { name: "an anchor that holds on to nothing", failregex: "^.*failed from <HOST>$", told: "not anchored at ^.*faile" },
  { name: "an anchor behind text", failregex: "a^failed from <HOST>$", told: "not anchored at a^failed" },
  { name: "free text on both sides", failregex: "^user .* from <HOST>: .*$", told: "anything can stand here at .* from " },
  { name: "free text and an open end", failregex: "^user .* from <HOST>", told: "anything can stand here at .* from " },
  { name: "a class that takes what follows it", failregex: '^user "[^"]*" from [^<>]* ip <ADDR>', told: "anything can stand here at [^<>]* i" },
  { name: "free text in an option behind", failregex: "^ruser=.* rhost=<HOST>(?: user=.*)?$", told: "anything can stand here at .* rhost" },
  { name: "free text in front of content", failregex: "^failed from <HOST>$", prefregex: "^app: .*: <F-CONTENT>.+</F-CONTENT>$", told: "anything can stand here at .*: <F-C" },
  { name: "a prefregex without anchor", failregex: "^failed from <HOST>$", prefregex: "app: <F-CONTENT>.+</F-CONTENT>$", told: "not anchored at app: <F-" },
  { name: "an id of another kind", failregex: "^user .* as <F-ID>\\S+</F-ID> ", told: "anything can stand here at .* as <F" },
]; // biome-ignore format: a table

for (const { name, failregex, prefregex, told: wanted } of WEAK) {
  test(`findWeaknesses tells of ${name}`, () => assert.deepEqual(told(rule(failregex, prefregex)), [wanted]));
}

const STRONG: readonly { name: string; failregex: string; prefregex?: string }[] = [
  { name: "the end of the line behind the address", failregex: "^user .* from <HOST>$" },
  { name: "the service's own text behind the address", failregex: "^user .* from <HOST> port \\d+(?: ssh2)?$" },
  { name: "free text behind the address alone", failregex: "^failed from <HOST>: .*$" },
  { name: "a class that ends before what follows", failregex: '^user "[^"]*" from <HOST>, ' },
  { name: "a class behind that stops at the true text", failregex: "^user=<.*>, rip=<ADDR>, lip=[^<>]*$" },
  { name: "text without blanks", failregex: "^refused from \\S+ \\(<ADDR>\\)" },
  { name: "text that cannot hold what follows", failregex: "^user (?:(?! from ).)* from <HOST>" },
  { name: "the same text again behind the address", failregex: "^to=(?P<to>.*), relay=<ADDR>, (?P=to) refused" },
  { name: "an anchor in a group, behind a lookahead", failregex: "(?:(?=.)(?:^failed from <HOST>))" },
  { name: "a prefregex with its content", failregex: "^failed from <HOST>", prefregex: "^app\\[\\d+\\]: <F-CONTENT>.+</F-CONTENT>$" },
]; // biome-ignore format: a table

for (const { name, failregex, prefregex } of STRONG) {
  test(`findWeaknesses has nothing to say of ${name}`, () =>
    assert.deepEqual(told(rule(failregex, prefregex)), []));
}

test("findWeaknesses tells of backtracking beyond quadratic", () => {
  const found = findWeaknesses(rule("^(?:x+x+)+(?=y)<ADDR>$"));
  assert.deepEqual(
    found.map(({ message }) => message.replace(/takes.*:/, "takes …:")),
    ["failregex 1: a line made to hurt this loop takes …: it will be given up, and nobody banned for it"],
  );
  assert.deepEqual(findWeaknesses(rule("^x+(?=y)<ADDR>$")), []);
});

test("the bundled rules have no weakness", async () => {
  const names = readdirSync(`${ROOT}rules`).filter((name) => name.endsWith(".yaml"));
  const { jails } = await loadRules({ specs: names.map((name) => `${ROOT}rules/${name}`), sets: [] });
  assert.ok(jails.length > names.length);
  assert.deepEqual(
    jails.flatMap(({ filter }) => findWeaknesses(filter)),
    [],
  );
});
