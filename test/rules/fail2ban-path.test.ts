import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configurationPart } from "../../src/rules/fail2ban-path.ts";
import { loadRules, RulesError } from "../../src/rules/load-rules.ts";
import { withTree } from "../helpers/config-tree.ts";

const CASES: readonly { spec: string; hint: string }[] = [
  { spec: "jail.conf", hint: "write -r DIR for its enabled jails, or -r 'DIR[sshd]'" },
  { spec: "jail.local", hint: "or -r 'DIR[sshd]'" },
  { spec: "jail.conf[app]", hint: "or -r 'DIR[app]'" },
  { spec: "jail.d", hint: "write -r DIR for its enabled jails" },
  { spec: "jail.d/a.local", hint: "write -r DIR for its enabled jails" },
  { spec: "filter.d/app.conf", hint: "or -r 'DIR[app]'" },
];

const TREE = { "jail.conf": "[app]\n[web]\n", "filter.d/app.conf": "" };

for (const { spec, hint } of CASES) {
  test(`configurationPart says what to write in place of ${spec}`, () => {
    withTree(TREE, (directory) => {
      const part = configurationPart(join(directory, spec));
      assert.match(part?.message ?? "", /of a fail2ban configuration, which is read as a whole$/);
      assert.ok(part?.hint.replaceAll(directory, "DIR").includes(hint), part?.hint);
    });
  });
}

test("configurationPart leaves other paths alone", () => {
  withTree({}, (directory) => {
    mkdirSync(join(directory, "jail.d"));
    for (const spec of ["sshd", "./a.yaml", directory, `${directory}[app]`, join(directory, "jail.d")])
      assert.equal(configurationPart(spec), undefined, spec);
  });
});

test("loadRules says which jails a configuration has when one is not there", async () => {
  const hintFor = (spec: string) =>
    loadRules({ specs: [spec], sets: [] }).then(
      () => "",
      (error) => {
        assert.ok(error instanceof RulesError);
        return `${error.errors[0]?.message}: ${error.errors[0]?.hint}`;
      },
    );
  const fixture = "test/fixtures/fail2ban";
  assert.match(await hintFor(`${fixture}[dor]`), /^there is no jail "dor": .*door/);
  assert.match(
    await hintFor(`${fixture}[nosuch]`),
    /^there is no jail "nosuch": write -r 'test\/fixtures\/fail2ban\[NAME,…\]' with names of its jails \(.*door.*\), or 'test\/fixtures\/fail2ban\[\*\]' for all$/,
  );
  assert.match(
    await hintFor(`${fixture}/jail.conf`),
    /^is a file of a fail2ban configuration.*: write -r test\/fixtures\/fail2ban for/,
  );
});
