import assert from "node:assert/strict";
import { test } from "node:test";
import { absent, readGroups, scoreGroup } from "./helpers/conformance.ts";

for (const group of readGroups()) {
  test(`conformance ${group.group}: ${group.cases.length} lines`, async () => {
    assert.deepEqual(await scoreGroup(group), []);
  });
}

if (absent !== undefined) test("conformance", { skip: absent }, () => undefined);
