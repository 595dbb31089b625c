import type { CompiledJail } from "../../stream/jail/compile-jails.ts";
import { HostilePattern } from "../hostile/hostile-pattern.ts";

/** The patterns of a jail, with their fields. */
export interface JailPatterns {
  readonly compiled: CompiledJail;
  readonly prefregex: HostilePattern | undefined;
  readonly failregex: readonly HostilePattern[];
  readonly ignoreregex: readonly HostilePattern[];
}

export function jailPatternsOf(compiled: CompiledJail): JailPatterns {
  const { jail, filter } = compiled;
  const role = jail.identifier === undefined ? "line" : "message";
  const handsOn = handsOnContent(compiled);
  const { prefregex, failregex, ignoreregex } = jail.filter;
  return {
    compiled,
    prefregex:
      prefregex &&
      filter.prefregex &&
      new HostilePattern(prefregex, "prefregex", filter.prefregex, handsOn ? "prefix" : role),
    failregex: filter.failregex.flatMap((pattern, index) => {
      const written = failregex[index];
      return written
        ? [new HostilePattern(written, `failregex ${index + 1}`, pattern, handsOn ? "message" : role)]
        : [];
    }),
    ignoreregex: filter.ignoreregex.flatMap((pattern, index) => {
      const written = ignoreregex[index];
      return written ? [new HostilePattern(written, `ignoreregex ${index + 1}`, pattern, role)] : [];
    }),
  };
}

/** Whether failregexes see the content of the prefregex instead of the whole line. */
export function handsOnContent({ filter }: CompiledJail): boolean {
  return filter.prefregex?.pattern.groupNames.includes("content") ?? false;
}
