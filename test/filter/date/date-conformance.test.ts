import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { DateDetector } from "../../../src/filter/date/date.ts";
import { setZone } from "../../../src/shared/time.ts";

interface Group {
  readonly group: string;
  readonly journal: boolean;
  readonly now: number;
  readonly tzIana: string;
  readonly cases: readonly Case[];
}

interface Case {
  readonly line: string;
  readonly actual: {
    /** Null: the date can't exist. */
    readonly epoch?: number | null;
    readonly dateSpan?: readonly [number, number];
    readonly template?: string;
  };
}

// What fail2ban said about its own samples: it comes with its own licence, not with this package.
const FOLDER = new URL("../../../../../shared/conformance/", import.meta.url);

if (!existsSync(FOLDER)) {
  test("DateDetector finds fail2ban's dates", { skip: "../shared/conformance is not there" }, () => {});
} else {
  const { filters } = read("definitions.json")[0] as {
    filters: { group: string; datepatterns: string[] | null }[];
  };
  for (const group of read("cases.jsonl") as Group[]) {
    if (group.journal) continue;
    const datepatterns = filters.find((filter) => filter.group === group.group)?.datepatterns;
    test(`DateDetector finds fail2ban's dates: ${group.group}`, () => check(group, datepatterns?.join("\n")));
  }
}

function read(name: string): unknown[] {
  const text = readFileSync(new URL(name, FOLDER), "utf8");
  if (name.endsWith(".json")) return [JSON.parse(text)];
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function check({ now, tzIana, cases }: Group, datepattern: string | undefined): void {
  setZone(tzIana);
  const detector = new DateDetector(datepattern);
  /**
   * Ours by fail2ban's name of the template: one for one. It tries first what matched last, so of two templates that differ in the
   * years they take it may name the other.
   */
  const templates = new Map<string, string>();
  for (const { line, actual } of cases) {
    const found = detector.find(line, now * 1000);
    const span = found && [found.start, found.end].map((unit) => [...line.slice(0, unit)].length);
    assert.deepEqual(span, actual.dateSpan, line);
    if (found === undefined || actual.template === undefined) continue;
    const name = detector.describe(found.template).replace("%ExY", "%Y");
    const theirs = actual.template.replace("ExYear", "Year");
    assert.equal(templates.get(theirs) ?? name, name, line);
    templates.set(theirs, name);
    if (actual.epoch === undefined || found.inherits) continue;
    assert.equal(found.time, actual.epoch === null ? undefined : actual.epoch * 1000, line);
  }
  assert.equal(new Set(templates.values()).size, templates.size);
}
