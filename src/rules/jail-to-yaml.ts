import { formatNetwork } from "../shared/address.ts";
import { formatDuration } from "../shared/duration.ts";
import { formatJournalMatch } from "./journalmatch.ts";
import type { Escalation, IgnoreRule, Jail, Pattern, RuleTest } from "./rule.ts";

/** The keys of a jail as in a rules file, durations as text. Absent ones are undefined. */
export function jailToKeys(jail: Jail): Readonly<Record<string, unknown>> {
  const { filter, ignore } = jail;
  return {
    description: jail.description,
    enabled: jail.enabled,
    on: jail.on,
    mode: jail.mode,
    identifier: jail.identifier,
    session: jail.session,
    journalmatch: jail.journalmatch && formatJournalMatch(jail.journalmatch),
    logpath: jail.logpath,
    framing: jail.on === "log" ? jail.framing : undefined,
    prefregex: filter.prefregex?.source,
    failregex: sources(filter.failregex),
    ignoreregex: sources(filter.ignoreregex),
    maxlines: filter.maxlines,
    datepattern: filter.datepattern?.source,
    compat: filter.compat,
    maxretry: jail.maxretry,
    findtime: formatDuration(jail.findtime),
    bantime: jail.bantime === null ? -1 : formatDuration(jail.bantime),
    escalation: escalationKeys(jail.escalation),
    count: jail.count,
    ignoreip: ignoredAddresses(ignore),
    ignoreself: ignore.self,
    ignorecommand: ignore.command,
    usedns: jail.usedns,
    port: jail.port,
    protocol: jail.protocol,
    maxmatches: jail.maxmatches,
    success: sources(filter.success),
    tests: jail.tests.length === 0 ? undefined : jail.tests.map(testKeys),
  };
}

function sources(patterns: readonly Pattern[]): readonly string[] | undefined {
  return patterns.length === 0 ? undefined : patterns.map(({ source }) => source);
}

function escalationKeys(escalation: Escalation): Readonly<Record<string, unknown>> {
  const { maxtime, rndtime, memory } = escalation;
  return {
    ...escalation,
    maxtime: maxtime === undefined ? undefined : formatDuration(maxtime),
    rndtime: formatDuration(rndtime),
    memory: formatDuration(memory),
  };
}

function ignoredAddresses({ networks, files, hosts }: IgnoreRule): readonly string[] | undefined {
  const all = [...networks.map(formatNetwork), ...files.map(fileUri), ...hosts];
  return all.length === 0 ? undefined : all;
}

/** `file:/path`; for a path that begins with `//`, an empty host comes before it. */
function fileUri(path: string): string {
  return path.startsWith("//") ? `file://${path}` : `file:${path}`;
}

function testKeys({ lines, match, success }: RuleTest): Readonly<Record<string, unknown>> {
  return { line: lines.length === 1 ? lines[0] : lines, match, success };
}
