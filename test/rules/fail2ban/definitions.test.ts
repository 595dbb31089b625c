import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigFiles } from "../../../src/rules/fail2ban/include.ts";
import { loadFail2ban } from "../../../src/rules/fail2ban/load-fail2ban.ts";
import {
  FILTER_OPTIONS,
  type ResolvedFilter,
  readFilter,
} from "../../../src/rules/fail2ban/resolve-filter.ts";
import { addConstants, readJail } from "../../../src/rules/fail2ban/resolve-jail.ts";

const root = fileURLToPath(new URL("../../../../../shared/conformance/", import.meta.url));
const skip = existsSync(`${root}definitions.json`) ? false : `no conformance data in ${root}`;

/** A filter as fail2ban resolved it. */
interface Definition extends Record<(typeof FILTER_OPTIONS)[number], unknown> {
  readonly maxlines: number | null;
}

interface FilterCase extends Definition {
  readonly group: string;
  readonly config: string;
  readonly configDir: string;
  readonly options: Record<string, string>;
}

interface JailCase {
  readonly jail: string;
  readonly filterSpec: string;
  readonly opts: Record<string, string | number>;
  readonly definition: Definition;
  readonly definitionSystemd?: Definition;
}

const { filters, jails } = (
  skip ? { filters: [], jails: [] } : JSON.parse(readFileSync(`${root}definitions.json`, "utf8"))
) as { filters: FilterCase[]; jails: JailCase[] };

describe("readFilter gives what fail2ban gives", { skip }, () => {
  for (const wanted of filters) {
    it(wanted.group, () => {
      const directory = `${root}fail2ban/${wanted.configDir}`;
      assert.deepEqual(plain(readFilter(directory, wanted.config, wanted.options)), normal(wanted));
    });
  }
});

describe("readFilter loads every filter of fail2ban", { skip }, () => {
  const directory = `${root}fail2ban/config`;
  const names = skip
    ? []
    : readdirSync(`${directory}/filter.d`).flatMap((file) => file.match(/.+(?=\.conf$)/) ?? []);
  // selinux-common only makes sense when included: fail2ban refuses it alone, too.
  for (const name of names.filter((name) => name !== "selinux-common")) {
    it(name, () => assert.ok(readFilter(directory, name).files.length > 0));
  }
});

describe("readJail gives what fail2ban gives", { skip }, () => {
  const directory = `${root}fail2ban/config`;
  for (const wanted of jails) {
    it(wanted.jail, () => {
      const jail = readOne(directory, wanted.jail);
      const options = Object.keys(wanted.opts).map((key) => [key, jail.options.get(key)?.text] as const);
      assert.equal(jail.options.get("filter")?.text, wanted.filterSpec);
      assert.deepEqual(Object.fromEntries(options), textOf(wanted.opts, directory));
      assert.deepEqual(plain(jail.filter), normal(wanted.definition));
    });
    const { definitionSystemd } = wanted;
    if (definitionSystemd === undefined) continue;
    it(`${wanted.jail} with backend systemd`, () => {
      assert.deepEqual(plain(readOne(directory, wanted.jail, "systemd").filter), normal(definitionSystemd));
    });
  }
});

describe("loadFail2ban", { skip }, () => {
  it("carries over all 99 jails of fail2ban's jail.conf", () => {
    const { jails, warnings } = loadFail2ban(`${root}fail2ban/config`, "*");
    assert.equal(jails.length, 99);
    assert.deepEqual(
      warnings.filter((warning) => warning.includes("left out")),
      [],
    );
  });
});

function readOne(directory: string, name: string, backend?: string) {
  const files = new ConfigFiles();
  const config = files.load(`${directory}/jail`);
  assert.ok(config);
  addConstants(config, directory);
  if (backend !== undefined) {
    const place = { file: "test", line: 1, column: 1 };
    const section = new Map([["backend", { text: backend, places: [place] }]]);
    config.merge({ defaults: new Map(), sections: new Map([[name, section]]) });
  }
  return readJail(config, name, directory, files);
}

function plain(filter: Omit<ResolvedFilter, "files">) {
  const { usedns, prefregex, failregex, ignoreregex, maxlines, datepattern, journalmatch } = filter;
  return {
    usedns: usedns ?? null,
    prefregex: prefregex?.source ?? null,
    failregex: failregex.map(({ source }) => source),
    ignoreregex: ignoreregex.map(({ source }) => source),
    maxlines,
    datepattern: datepattern?.source ?? null,
    journalmatch,
  };
}

/** The options of a definition alone; fail2ban's server takes one line where nothing is said. */
function normal(definition: Definition) {
  const entries = FILTER_OPTIONS.map((key) => [key, definition[key]] as const);
  return { ...Object.fromEntries(entries), maxlines: definition.maxlines ?? 1 };
}

/** The values as text, with the configuration's directory where it was when they were recorded. */
function textOf(options: Record<string, string | number>, directory: string) {
  const entries = Object.entries(options).map(([key, value]) => {
    const text = String(value);
    return [key, key === "ignorecommand" ? text.replace(/^\/.*(?=\/filter\.d\/)/, directory) : text] as const;
  });
  return Object.fromEntries(entries);
}
