import type { AttackResult } from "./attack.ts";

/** The results as a table in Markdown, and a line for each victim that was banned and each attacker that was not. */
export function table(results: readonly AttackResult[]): string {
  const head = [
    "daemon",
    "field",
    "texts sent",
    "failures told",
    "failures counted",
    "attackers banned",
    "ms",
  ];
  const rows = results.flatMap(({ fields }) =>
    fields.map((each) => [
      each.daemon,
      each.field,
      `${each.sent}`,
      `${each.failed}`,
      `${each.counted}`,
      `${each.banned} of ${each.expected}`,
      each.each.toFixed(1),
    ]),
  );
  const sums = results.map(
    ({ daemon, lines, victims, seconds, fields }) =>
      `${daemon}: ${sum(fields.map(({ sent }) => sent))} texts, ${lines} lines, victims banned: ${victims.length}, attackers banned: ` +
      `${sum(fields.map(({ banned }) => banned))} of ${sum(fields.map(({ expected }) => expected))}, ${Math.round(seconds)} s`,
  );
  return [
    ...[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`),
    "",
    ...sums,
    "",
  ].join("\n");
}

/** What went wrong, a line each. */
export function faults(results: readonly AttackResult[]): readonly string[] {
  return results.flatMap(({ daemon, victims, fields }) => [
    ...victims.map((line) => `${daemon}: banned somebody who did nothing: ${line}`),
    ...fields.flatMap(({ field, spared }) =>
      spared.map((address) => `${daemon}: ${field}: ${address} failed and was not banned`),
    ),
  ]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
