import type { PatternMatch } from "../python/pattern.ts";
import type { Groups } from "./verdict.ts";

/** The groups that a verdict is made of: each is a tag `<F-…>`, or a part of `<HOST>` and its kin. */
const GROUP_NAMES = [
  "content",
  "mlfid",
  "mlfgained",
  "mlfforget",
  "mlfonce",
  "nofail",
  "times",
  "user",
  "fid",
  "ip4",
  "ip6",
  "dns",
  "cidr",
] as const;

type GroupName = (typeof GROUP_NAMES)[number];

/** The groups of one match. All have one hidden class: `readGroups` alone makes them. */
export interface MatchGroups extends Readonly<Record<GroupName, string | undefined>> {
  /** Gives all named groups, those above among them, when somebody asks. */
  readonly match: Pick<PatternMatch, "groups">;
  /** The groups of the prefregex, which stand below these. */
  readonly prefregex: MatchGroups | undefined;
}

/** The groups that name the address or id of a failure, and the prefix length of a network. */
export type IdGroups = Pick<MatchGroups, "fid" | "ip4" | "ip6" | "dns" | "cidr">;

/** Where a pattern has these groups, as indices of its `groupNames`; -1: it has no such group. */
export type GroupIndices = Readonly<Record<GroupName, number>>;

export function groupIndices(groupNames: readonly string[]): GroupIndices {
  return Object.fromEntries(GROUP_NAMES.map((name) => [name, groupNames.indexOf(name)])) as GroupIndices;
}

/**
 * Reads the groups of a match. `at` belongs to its pattern; `prefregex` are the groups of the prefregex before it, which stand where
 * the match has none.
 */
export function readGroups(
  match: Pick<PatternMatch, "group" | "groups">,
  at: GroupIndices,
  prefregex?: MatchGroups,
): MatchGroups {
  return {
    content: prefregex ? undefined : groupAt(match, at.content),
    mlfid: groupAt(match, at.mlfid) ?? prefregex?.mlfid,
    mlfgained: groupAt(match, at.mlfgained) ?? prefregex?.mlfgained,
    mlfforget: groupAt(match, at.mlfforget) ?? prefregex?.mlfforget,
    mlfonce: groupAt(match, at.mlfonce) ?? prefregex?.mlfonce,
    nofail: groupAt(match, at.nofail) ?? prefregex?.nofail,
    times: groupAt(match, at.times) ?? prefregex?.times,
    user: groupAt(match, at.user) ?? prefregex?.user,
    fid: groupAt(match, at.fid) ?? prefregex?.fid,
    ip4: groupAt(match, at.ip4) ?? prefregex?.ip4,
    ip6: groupAt(match, at.ip6) ?? prefregex?.ip6,
    dns: groupAt(match, at.dns) ?? prefregex?.dns,
    cidr: groupAt(match, at.cidr) ?? prefregex?.cidr,
    match,
    prefregex,
  };
}

function groupAt(match: Pick<PatternMatch, "group">, index: number): string | undefined {
  return index < 0 ? undefined : match.group(index);
}

const OWN_INDICES = groupIndices(GROUP_NAMES);

/** The same of groups that were read before. */
export function matchGroupsOf(groups: Groups, prefregex?: MatchGroups): MatchGroups {
  const group = (index: number) => groups[GROUP_NAMES[index] as GroupName];
  return readGroups({ groups, group }, OWN_INDICES, prefregex);
}

/** All named groups, by name. */
export function allGroups({ match, prefregex }: MatchGroups): Groups {
  if (prefregex === undefined) return match.groups;
  const merged: Record<string, string | undefined> = {};
  const base = allGroups(prefregex);
  for (const name in base) if (name !== "content") merged[name] = base[name];
  for (const name in match.groups) merged[name] = match.groups[name] ?? merged[name];
  return merged;
}

/** The failure id: what `<F-ID>` matched, an address, or a host name. */
export function idOf({ fid, ip4, ip6, dns }: IdGroups): string | undefined {
  return fid ?? ip4 ?? ip6 ?? dns;
}

/** Most attempts that one line counts for. */
const MAX_TIMES = 1_000;

/** How many attempts a line stands for: the number in `<F-TIMES>`; 1 where there is none. */
export function timesOf({ times }: MatchGroups): number {
  return times === undefined ? 1 : Math.min(Math.max(Math.trunc(Number(times)) || 1, 1), MAX_TIMES);
}
