import { existsSync, readdirSync, readFileSync } from "node:fs";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import { type AttackString, attackStrings, attackText } from "../../src/python/analyse/attack-strings.ts";
import type { PythonPattern } from "../../src/python/pattern.ts";
import { SearchBudget } from "../../src/python/search/budget.ts";
import { compilePattern } from "../../src/python/search/compile-pattern.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { ROOT } from "./root.ts";

// Patterns to be hurt: our own, and fail2ban's as it compiles them, kept beside the repository.

const DEFINITIONS = `${ROOT}../shared/conformance/definitions.json`;

export const absent = existsSync(DEFINITIONS) ? undefined : "there is no ../shared/conformance here";

interface Definitions {
  readonly filters: readonly {
    readonly compiled: {
      readonly prefregex: string | null;
      readonly failregex: readonly string[];
      readonly multiline: boolean;
    };
  }[];
}

/** Each failregex and prefregex of fail2ban's filters once. */
export function fail2banPatterns(): readonly PythonPattern[] {
  if (absent !== undefined) return [];
  const { filters } = JSON.parse(readFileSync(DEFINITIONS, "utf8")) as Definitions;
  const patterns = new Map<string, PythonPattern>();
  for (const { compiled } of filters) {
    const { prefregex, failregex, multiline } = compiled;
    for (const source of failregex) patterns.set(source, compilePattern(source, { multiline }));
    if (prefregex !== null) patterns.set(prefregex, compilePattern(prefregex));
  }
  return [...patterns.values()];
}

/** All patterns of the bundled rules, by jail and kind. */
export async function bundledPatterns(): Promise<readonly { name: string; pattern: PythonPattern }[]> {
  const names = readdirSync(`${ROOT}rules`).filter((name) => name.endsWith(".yaml"));
  const { jails } = await loadRules({ specs: names.map((name) => `${ROOT}rules/${name}`), sets: [] });
  return jails.flatMap((jail) => {
    const { prefregex, failregex, ignoreregex, success } = compileFilter(
      jail.filter,
      jail.session !== undefined,
    );
    return [
      ...(prefregex ? [{ name: `${jail.name} prefregex`, ...prefregex }] : []),
      ...failregex.map((compiled, i) => ({ name: `${jail.name} failregex ${i + 1}`, ...compiled })),
      ...ignoreregex.map((compiled, i) => ({ name: `${jail.name} ignoreregex ${i + 1}`, ...compiled })),
      ...success.map((compiled, i) => ({ name: `${jail.name} success ${i + 1}`, ...compiled })),
    ];
  });
}

/** What the hostile texts of one length did to a pattern. */
export interface Hurt {
  readonly pattern: PythonPattern;
  readonly texts: number;
  readonly gaveUp: number;
  /** Of the slowest search, in milliseconds of CPU time. */
  readonly milliseconds: number;
  readonly slowest: AttackString | undefined;
}

/** Searches the hostile texts of a pattern, each as a line of its own; `most`: so many of them, evenly picked. */
export function hurt(
  pattern: PythonPattern,
  length: number,
  most = Number.POSITIVE_INFINITY,
  budget = new SearchBudget(),
): Hurt {
  const all = attackStrings(pattern.tree);
  const step = Math.max(1, Math.ceil(all.length / most));
  const texts = all.filter((_, index) => index % step === 0);
  // What is found out once about a pattern is no part of a search.
  budget.search(pattern, " ".repeat(20));
  let milliseconds = 0;
  let slowest: AttackString | undefined;
  for (const text of texts) {
    budget.nextLine();
    const line = attackText(text, length);
    const start = cpuTime();
    budget.search(pattern, line);
    const time = cpuTime() - start;
    if (time > milliseconds) [milliseconds, slowest] = [time, text];
  }
  return { pattern, texts: texts.length, gaveUp: budget.gaveUp, milliseconds, slowest };
}

/** Milliseconds that this process has computed: what else the machine does is left out. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
