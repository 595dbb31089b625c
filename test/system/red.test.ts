import assert from "node:assert/strict";
import { test } from "node:test";
import { startProftpd } from "../daemons/proftpd.ts";
import { ROOT } from "../helpers/root.ts";
import { attack } from "../red/attack.ts";
import { TARGETS } from "../red/daemons.ts";
import { faults } from "../red/table.ts";

// A few hostile texts in each field of each daemon; `make red` is the whole of it.

const FEW = { texts: 10, seed: 1, progress: () => undefined };

for (const target of TARGETS) {
  test(`hostile texts to ${target.name} ban who sends them, and nobody else`, {
    skip: target.skip(),
  }, async () => {
    const result = await attack(target, FEW);
    assert.deepEqual(faults([result]), []);
    assert.notEqual(sum(result.fields.map(({ counted }) => counted)), 0);
    assert.notEqual(sum(result.fields.map(({ banned }) => banned)), 0);
  });
}

const proftpd = TARGETS.find(({ name }) => name === "proftpd");
const nginx = TARGETS.find(({ name }) => name === "nginx");

test("a rule that reads nginx's error.log bans who did nothing", {
  skip: nginx?.skip() ?? "no nginx",
}, async () => {
  assert.ok(nginx);
  const result = await attack(nginx, {
    ...FEW,
    texts: 40,
    rules: [`${ROOT}test/fixtures/rules/error-log.yaml`],
    logs: ["/var/log/nginx/error.log"],
    fields: (name) => name === "path, %-encoded" || name === "Basic user",
  });
  assert.match(result.victims.join("\n"), /"ip":"203\.0\.113\.9"/);
});

test("a rule that reads proftpd's own file bans who did nothing", {
  skip: proftpd?.skip() ?? "no proftpd",
}, async () => {
  assert.ok(proftpd);
  const result = await attack(
    { ...proftpd, start: (host) => startProftpd(host, ["DelayEngine off"]) },
    {
      ...FEW,
      texts: 40,
      rules: [`${ROOT}test/fixtures/rules/proftpd-file.yaml`],
      logs: ["/var/log/proftpd/proftpd.log"],
      fields: (name) => name === "USER",
    },
  );
  assert.match(result.victims.join("\n"), /"ip":"203\.0\.113\.9"/);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
