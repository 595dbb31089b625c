import type { Report } from "../../cli/report.ts";
import type { LoadedRules } from "../../rules/load-rules.ts";
import { plural } from "../../shared/plural.ts";
import { needsIn } from "../gate/plan.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import { compileOrLeaveOut } from "./load-jails.ts";

/**
 * Compiles every jail, enabled or not, runs its tests, and tries hostile lines on it. `now` in epoch milliseconds.
 *
 * @throws AggregateError of RuleErrors
 */
export async function checkRules(loaded: LoadedRules, now: number, report: Report): Promise<void> {
  // Loaded only when it is needed: a start without it is quicker.
  const { checkJails } = await import("../../check/check.ts");
  const compiled = compileOrLeaveOut(loaded.jails, loaded, report);
  const imported = new Set(loaded.exec.map(({ jail }) => jail));
  const { tests, lines } = await checkJails(compiled, imported, now, report);
  for (const each of compiled) hintAtEveryLine(each, report);
  report.line(
    `${plural(compiled.length, "jail")}, ${plural(tests, "test")} ok, ${plural(lines, "hostile line")}`,
  );
}

function hintAtEveryLine(compiled: CompiledJail, report: Report): void {
  const { name, enabled, on } = compiled.jail;
  const needs = enabled && on === "log" ? needsIn(compiled, "syslog") : undefined;
  if (needs?.every) report.hint(`[${name}] must see every line, which takes time: ${needs.why}`);
}
