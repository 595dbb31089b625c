import type { Escalation } from "../rule.ts";
import type { LocatedText } from "./located-text.ts";
import { parseSeconds } from "./seconds.ts";
import { duration, flag, type JailOptions, type Warn } from "./values.ts";

/** fail2ban's default, without blanks: the doubling that the engine does. */
const DEFAULT_FORMULA = "ban.Time*(1<<(ban.Countifban.Count<20else20))*banFactor";

/** How long a ban lasts, in milliseconds; null: permanent. */
export function readBantime(options: JailOptions, warn: Warn): number | null {
  const value = options.get("bantime");
  if (value !== undefined && (parseSeconds(value.text) ?? 0) < 0) return null;
  return duration(options, "bantime", warn) ?? 600_000;
}

/** Reads `bantime.*`. `memory`: how long a ban is remembered after its end, in milliseconds. */
export function readEscalation(options: JailOptions, memory: number, warn: Warn): Escalation {
  const increment = flag(options, "bantime.increment", false, warn);
  const multipliers = readMultipliers(options.get("bantime.multipliers"), warn);
  const formula = options.get("bantime.formula")?.text.replace(/\s/g, "");
  if (increment && formula && formula !== DEFAULT_FORMULA && multipliers === undefined) {
    warn(
      "bantime.formula is Python and is not run: bans double instead; bantime.multipliers sets other factors",
    );
  }
  const factor = options.get("bantime.factor")?.text || "1";
  const number = parseSeconds(factor) ?? 0;
  if (number <= 0) warn(`bantime.factor: expected a number above 0, got ${JSON.stringify(factor)}: using 1`);
  return {
    increment,
    factor: number > 0 ? number : 1,
    multipliers,
    maxtime: duration(options, "bantime.maxtime", warn),
    rndtime: duration(options, "bantime.rndtime", warn) ?? 0,
    overalljails: flag(options, "bantime.overalljails", false, warn),
    memory,
  };
}

function readMultipliers(value: LocatedText | undefined, warn: Warn): readonly number[] | undefined {
  const words = (value?.text ?? "").split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return undefined;
  const numbers = words.map(Number);
  if (numbers.every((number) => number > 0 && Number.isFinite(number))) return numbers;
  warn(
    `bantime.multipliers: expected numbers above 0, got ${JSON.stringify(value?.text)}: bans double instead`,
  );
  return undefined;
}
