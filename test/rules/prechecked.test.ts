import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readRules } from "../../src/rules/document.ts";
import { bundledFiles } from "../../src/rules/files.ts";
import {
  decodeData,
  encodeData,
  findPrechecked,
  type Prechecked,
  sha256,
} from "../../src/rules/prechecked.ts";

const files = await bundledFiles();

for (const { path, name } of files) {
  test(`encodeData keeps all of ${name}`, () => {
    const { layer } = readRules(readFileSync(path, "utf8"), name);
    assert.deepEqual(decodeData(encodeData(layer)), layer);
  });
}

test("encodeData keeps maps, sets and bigints", () => {
  const data = { list: [new Map([["a", new Set([1, "x"])]]), 2n ** 127n], no: null };
  assert.deepEqual(decodeData(encodeData(data)), data);
});

const text = "jails: {x: {port: ssh}}\n";
const layer = readRules(text, "rules/x.yaml").layer;
const prechecked = (changed: Partial<Prechecked>) =>
  new Map([["rules/x.yaml", { sha256: sha256(text), services: new Map([["ssh", 22]]), layer, ...changed }]]);

const cases = [
  { name: "gives what is known of the same text", files: prechecked({}), text, found: layer },
  { name: "knows no other file", files: new Map(), text, found: undefined },
  { name: "knows nothing of a changed text", files: prechecked({}), text: `${text}# `, found: undefined },
  {
    name: "knows nothing where a service has another port",
    files: prechecked({ services: new Map([["ssh", 2222]]) }),
    text,
    found: undefined,
  },
];

for (const { name, files, text, found } of cases) {
  test(`findPrechecked ${name}`, () => {
    assert.equal(findPrechecked("rules/x.yaml", text, files), found);
  });
}
