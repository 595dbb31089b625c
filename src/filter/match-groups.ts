import type { PatternMatch } from "../python/pattern.ts";
import type { Groups } from "./verdict.ts";

/** The groups that mean something to a verdict: each is some `<F-…>` or a part of `<HOST>`. */
const NAMES = [
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
  "content",
] as const;

type Meaning = (typeof NAMES)[number];

/** Where a pattern's groups have the meanings, as indices of its `groupNames`; -1: it has no such group. */
export type GroupIndices = Readonly<Record<Meaning, number>>;

export function groupIndices(groupNames: readonly string[]): GroupIndices {
  return Object.fromEntries(NAMES.map((name) => [name, groupNames.indexOf(name)])) as GroupIndices;
}

/** Whom a line or a session names: what `<HOST>` and its kin, and `<F-ID>`, took. */
export interface IdGroups {
  readonly fid: string | undefined;
  readonly ip4: string | undefined;
  readonly ip6: string | undefined;
  readonly dns: string | undefined;
  readonly cidr: string | undefined;
}

/** The failure id: what `<F-ID>` took, an address, or a host name. */
export function idOf({ fid, ip4, ip6, dns }: IdGroups): string | undefined {
  return fid ?? ip4 ?? ip6 ?? dns;
}

/** No line counts for more attempts than this. */
const MAX_TIMES = 1_000;

/** How many attempts a line tells of: the number in `<F-TIMES>`, one without it or where it is none. */
export function timesOf({ times }: MatchGroups): number {
  return times === undefined ? 1 : Math.min(Math.max(Math.trunc(Number(times)) || 1, 1), MAX_TIMES);
}

/** What one match says: the groups that mean something, at hand, and all of them when they are asked for. */
export interface MatchGroups extends IdGroups {
  /** Of a prefregex: what failregexes see. */
  readonly content: string | undefined;
  readonly mlfid: string | undefined;
  readonly mlfgained: string | undefined;
  readonly mlfforget: string | undefined;
  /** Of a session's line: no failure once another line was one. */
  readonly mlfonce: string | undefined;
  readonly nofail: string | undefined;
  readonly times: string | undefined;
  readonly user: string | undefined;
  readonly groups: Groups;
}

/** What a match says whose groups are read as they stand. An object of some fields and no dictionary: most lines are such. */
export class SaidByMatch implements MatchGroups {
  readonly content: string | undefined;
  readonly mlfid: string | undefined;
  readonly mlfgained: string | undefined;
  readonly mlfforget: string | undefined;
  /** Of a session's line: no failure once another line was one. */
  readonly mlfonce: string | undefined;
  readonly nofail: string | undefined;
  readonly times: string | undefined;
  readonly user: string | undefined;
  readonly fid: string | undefined;
  readonly ip4: string | undefined;
  readonly ip6: string | undefined;
  readonly dns: string | undefined;
  readonly cidr: string | undefined;
  readonly #match: PatternMatch;

  constructor(match: PatternMatch, at: GroupIndices) {
    this.#match = match;
    this.content = taken(match, at.content);
    this.mlfid = taken(match, at.mlfid);
    this.mlfgained = taken(match, at.mlfgained);
    this.mlfforget = taken(match, at.mlfforget);
    this.mlfonce = taken(match, at.mlfonce);
    this.nofail = taken(match, at.nofail);
    this.times = taken(match, at.times);
    this.user = taken(match, at.user);
    this.fid = taken(match, at.fid);
    this.ip4 = taken(match, at.ip4);
    this.ip6 = taken(match, at.ip6);
    this.dns = taken(match, at.dns);
    this.cidr = taken(match, at.cidr);
  }

  get groups(): Groups {
    return this.#match.groups;
  }
}

function taken(match: PatternMatch, index: number): string | undefined {
  return index < 0 ? undefined : match.group(index);
}

/** What a failregex says behind a prefregex: the groups of both, its own first. */
export class SaidBehind implements MatchGroups {
  readonly content = undefined;
  readonly mlfid: string | undefined;
  readonly mlfgained: string | undefined;
  readonly mlfforget: string | undefined;
  /** Of a session's line: no failure once another line was one. */
  readonly mlfonce: string | undefined;
  readonly nofail: string | undefined;
  readonly times: string | undefined;
  readonly user: string | undefined;
  readonly fid: string | undefined;
  readonly ip4: string | undefined;
  readonly ip6: string | undefined;
  readonly dns: string | undefined;
  readonly cidr: string | undefined;
  readonly #base: MatchGroups;
  readonly #said: MatchGroups;

  constructor(base: MatchGroups, said: MatchGroups) {
    this.#base = base;
    this.#said = said;
    this.mlfid = said.mlfid ?? base.mlfid;
    this.mlfgained = said.mlfgained ?? base.mlfgained;
    this.mlfforget = said.mlfforget ?? base.mlfforget;
    this.mlfonce = said.mlfonce ?? base.mlfonce;
    this.nofail = said.nofail ?? base.nofail;
    this.times = said.times ?? base.times;
    this.user = said.user ?? base.user;
    this.fid = said.fid ?? base.fid;
    this.ip4 = said.ip4 ?? base.ip4;
    this.ip6 = said.ip6 ?? base.ip6;
    this.dns = said.dns ?? base.dns;
    this.cidr = said.cidr ?? base.cidr;
  }

  get groups(): Groups {
    const [base, groups] = [this.#base.groups, this.#said.groups];
    const merged: Record<string, string | undefined> = {};
    for (const name in base) if (name !== "content") merged[name] = base[name];
    for (const name in groups) merged[name] = groups[name] ?? merged[name];
    return merged;
  }
}

/** What groups say that are there already. */
export function matchGroupsOf(groups: Groups): MatchGroups {
  const { content, mlfid, mlfgained, mlfforget, mlfonce, nofail, times, user, fid, ip4, ip6, dns, cidr } =
    groups;
  return {
    content,
    mlfid,
    mlfgained,
    mlfforget,
    mlfonce,
    nofail,
    times,
    user,
    fid,
    ip4,
    ip6,
    dns,
    cidr,
    groups,
  };
}
