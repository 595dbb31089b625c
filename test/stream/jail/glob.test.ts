import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatches } from "../../../src/stream/jail/glob.ts";

const cases: readonly (readonly [glob: string, path: string, expected: boolean])[] = [
  ["/var/log/auth.log", "/var/log/auth.log", true],
  ["/var/log/auth.log", "/var/log/authxlog", false],
  ["/var/log/auth.log", "/var/log/auth.log.1", false],
  ["/var/log/*.log", "/var/log/mail.log", true],
  ["/var/log/*.log", "/var/log/apache2/error.log", false],
  ["/var/log/*/*.log", "/var/log/apache2/error.log", true],
  ["/var/log/mail.?", "/var/log/mail.1", true],
  ["/var/log/mail.?", "/var/log/mail./", false],
  ["mail.[0-9]", "mail.7", true],
  ["mail.[0-9]", "mail.x", false],
  ["mail.[!0-9]", "mail.x", true],
  ["mail.[^0-9]", "mail.7", false],
  ["mail.[!0-9]", "mail./", false],
  ["mail.[]a]", "mail.]", true],
  ["mail.[a-]", "mail.-", true],
  ["mail.[\\d]", "mail.d", true],
  ["mail.[\\d]", "mail.7", false],
  ["mail.[z-a]", "mail.b", false],
  ["mail.[z-ax]", "mail.x", true],
  ["mail.[", "mail.[", true],
  ["mail.[!", "mail.[!", true],
  ["a{b,c}", "a{b,c}", true],
  ["a.(b)|$^+", "a.(b)|$^+", true],
  ["ü?", "ü😀", true],
];

for (const [glob, path, expected] of cases) {
  test(`globMatches: ${glob} ${expected ? "takes" : "does not take"} ${path}`, () => {
    assert.equal(globMatches(glob, path), expected);
  });
}
