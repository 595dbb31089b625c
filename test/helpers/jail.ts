import type { FilterRule, Jail, Pattern } from "../../src/rules/rule.ts";

const place = { file: "test.yaml", line: 1, column: 1 };

/** Patterns as they stand in a rule. */
export interface PatternTexts {
  readonly prefregex?: string;
  readonly failregex?: readonly string[];
  readonly ignoreregex?: readonly string[];
  readonly success?: readonly string[];
  readonly maxlines?: number;
  readonly datepattern?: string;
}

/** A filter rule of these patterns. */
export function filterRule({
  prefregex,
  failregex = [],
  ignoreregex = [],
  success = [],
  maxlines = 1,
  datepattern,
}: PatternTexts): FilterRule {
  const pattern = (source: string): Pattern => ({ source, place });
  return {
    prefregex: prefregex === undefined ? undefined : pattern(prefregex),
    failregex: failregex.map(pattern),
    ignoreregex: ignoreregex.map(pattern),
    success: success.map(pattern),
    maxlines,
    datepattern: datepattern === undefined ? undefined : pattern(datepattern),
  };
}

/** A jail as rules without a word of their own have it, but for what is given; it spares nobody. */
export function newJail(settings: Partial<Jail> = {}): Jail {
  return {
    name: "web",
    description: undefined,
    enabled: true,
    place,
    identifier: undefined,
    session: undefined,
    journalmatch: undefined,
    logpath: undefined,
    framing: "message",
    filter: filterRule({}),
    maxretry: 5,
    findtime: 600_000,
    bantime: 600_000,
    escalation: {
      increment: false,
      factor: 1,
      multipliers: undefined,
      maxtime: undefined,
      rndtime: 0,
      overalljails: false,
      memory: 604_800_000,
    },
    count: { ipv4: 32, ipv6: 64 },
    ignore: { networks: [], files: [], hosts: [], self: false, command: undefined },
    usedns: "no",
    port: undefined,
    protocol: ["tcp"],
    mode: "enforce",
    on: "log",
    maxmatches: 10,
    tests: [],
    ...settings,
  };
}
