import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "../../../src/stream/gate/gate.ts";
import { JournalEntry } from "../../../src/stream/input/journal.ts";
import { OPEN } from "../../helpers/journal-gate.ts";

/** Whether entries of a journal, as the gate cuts them, have a field of this value, which is asked twice. */
function answers(lines: readonly string[], fields = ["_UID"], field = "_UID", values = ["0"]): boolean[] {
  const found: boolean[] = [];
  const gate = new Gate({ maxLine: 100_000, onOverflow: () => undefined });
  gate.arm({ ...OPEN, fields });
  gate.push(Buffer.from(lines.map((line) => `${line}\n`).join("")), (line) => {
    assert.ok(line.entry, "the gate leaves it to JSON.parse");
    const entry = new JournalEntry(line, line.entry, line.ascii ?? false);
    const has = entry.has(field, new Set(values));
    assert.equal(entry.has(field, new Set(values)), has);
    found.push(has);
  });
  return found;
}

const ROOTS: readonly { name: string; json: string; isRoot: boolean }[] = [
  { name: "the field", json: '{"MESSAGE":"x","_UID":"0"}', isRoot: true },
  { name: "the field, its value by number", json: '{"MESSAGE":"x","_UID":"\\u0030"}', isRoot: true },
  { name: "the field as a list of bytes", json: '{"_UID":[48],"MESSAGE":[120,48]}', isRoot: true },
  { name: "the field, given twice as a list", json: '{"_UID":["0","1000"],"MESSAGE":"x"}', isRoot: true },
  { name: "another value before it", json: '{"_UID":"1000","_UID":"0","MESSAGE":"x"}', isRoot: true },
  { name: "another value after it", json: '{"_UID":"0","_UID":"1000","MESSAGE":"x"}', isRoot: false },
  { name: "an object in the message", json: '{"MESSAGE":{"_UID":"0"},"_UID":"1000"}', isRoot: false },
  { name: "a list in the message", json: '{"MESSAGE":["{",{"_UID":"0"}],"_UID":"1000"}', isRoot: false },
  { name: "a longer name", json: '{"MESSAGE":"x","X_UID":"0","_UIDX":"0"}', isRoot: false },
  { name: "a longer value", json: '{"MESSAGE":"x","_UID":"00"}', isRoot: false },
  { name: "a number", json: '{"MESSAGE":"x","_UID":0}', isRoot: false },
  { name: "a message that reads so", json: '{"MESSAGE":"\\",\\"_UID\\":\\"0\\""}', isRoot: false },
  { name: "a message that ends in a backslash", json: '{"MESSAGE":"\\\\","_UID":"0"}', isRoot: true },
];

for (const { name, json, isRoot } of ROOTS) {
  test(`_UID=0 asked of ${name}`, () => {
    assert.deepEqual(answers([json]), [isRoot]);
  });
}

test("each entry answers for itself, those without the field too", () => {
  const root = '{"MESSAGE":"x","_UID":"0"}';
  const user = '{"_UID":"1000","MESSAGE":"x"}';
  const none = '{"MESSAGE":"_UID"}';
  assert.deepEqual(answers([none, root, none, user, root, none]), [false, true, false, false, true, false]);
  assert.deepEqual(answers([user, root], ["_UID"], "_UID", ["1", "1000"]), [true, false]);
});

test("more fields can be asked for than the gate notes, and names of any length", () => {
  const long = "N".repeat(64);
  const fields = [...Array.from({ length: 40 }, (_, index) => `F${index}`), long, `${long}N`];
  const line = `{${fields.map((field, index) => `"${field}":"${index}"`).join(",")},"MESSAGE":"x"}`;
  for (const [index, field] of fields.entries()) {
    assert.deepEqual(answers([line], fields, field, [String(index)]), [true], field);
    assert.deepEqual(answers([line], fields.toReversed(), field, [String(index)]), [true], field);
    assert.deepEqual(answers([line], fields, field, ["x"]), [false], field);
  }
});

test("a value that is not ASCII is compared as text", () => {
  const line = JSON.stringify({ X: "é😀\\", MESSAGE: "x" });
  assert.deepEqual(answers([line], ["X"], "X", ["é😀\\"]), [true]);
  assert.deepEqual(answers([line], ["X"], "X", ["Ã©", "é😀", "é😀\\\\"]), [false]);
  assert.deepEqual(answers(['{"X":"\\\\u0030"}'.replace("}", ',"MESSAGE":""}')], ["X"], "X", ["\\\\u0030"]), [
    false,
  ]);
});
