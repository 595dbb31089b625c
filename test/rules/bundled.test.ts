import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../src/rules/load-rules.ts";

const BUNDLED = ["apache", "dovecot", "exim", "nginx", "postfix", "proftpd", "sendmail", "sshd", "vsftpd"];

// In a text with characters beyond U+FFFF, which any client can send, each of these classes is some forty alternatives a character.
test("bundled rules name the ASCII characters that they mean, in place of \\d and \\w", async () => {
  const { jails } = await loadRules({ specs: BUNDLED, sets: [] });
  const patterns = jails.flatMap(({ filter }) => [
    ...filter.failregex,
    ...filter.ignoreregex,
    ...(filter.prefregex === undefined ? [] : [filter.prefregex]),
    ...filter.success,
  ]);
  const texts = patterns.map((pattern) => pattern.source);
  assert.ok(texts.length > 50);
  assert.deepEqual(
    texts.filter((text) => /\\[dDwW]/.test(text)),
    [],
  );
});
