import type { PatternMatch } from "./python/pattern.ts";
import type { Groups } from "./verdict.ts";

/** The groups that mean something to a verdict: each is some `<F-…>` or a part of `<HOST>`. */
const NAMES = [
  "mlfid",
  "mlfgained",
  "mlfforget",
  "nofail",
  "user",
  "fid",
  "ip4",
  "ip6",
  "dns",
  "cidr",
] as const;

type Meaning = (typeof NAMES)[number];

/** Where a pattern's groups have the meanings, as indices of its `groupNames`; -1: it has no such group. */
export type Meanings = Readonly<Record<Meaning, number>>;

export function meaningsOf(groupNames: readonly string[]): Meanings {
  return Object.fromEntries(NAMES.map((name) => [name, groupNames.indexOf(name)])) as Meanings;
}

/** Whom a line or a session names: what `<HOST>` and its kin, and `<F-ID>`, took. */
export interface Named {
  readonly fid: string | undefined;
  readonly ip4: string | undefined;
  readonly ip6: string | undefined;
  readonly dns: string | undefined;
  readonly cidr: string | undefined;
}

/** The failure id: what `<F-ID>` took, an address, or a host name. */
export function idOf({ fid, ip4, ip6, dns }: Named): string | undefined {
  return fid ?? ip4 ?? ip6 ?? dns;
}

/** What one match says: the groups that mean something, at hand, and all of them when they are asked for. */
export interface Said extends Named {
  readonly mlfid: string | undefined;
  readonly mlfgained: string | undefined;
  readonly mlfforget: string | undefined;
  readonly nofail: string | undefined;
  readonly user: string | undefined;
  readonly groups: Groups;
}

/** What a match says whose groups are read as they stand. An object of ten fields and no dictionary: most lines are such. */
export class SaidByMatch implements Said {
  readonly mlfid: string | undefined;
  readonly mlfgained: string | undefined;
  readonly mlfforget: string | undefined;
  readonly nofail: string | undefined;
  readonly user: string | undefined;
  readonly fid: string | undefined;
  readonly ip4: string | undefined;
  readonly ip6: string | undefined;
  readonly dns: string | undefined;
  readonly cidr: string | undefined;
  readonly #match: PatternMatch;

  constructor(match: PatternMatch, at: Meanings) {
    this.#match = match;
    this.mlfid = taken(match, at.mlfid);
    this.mlfgained = taken(match, at.mlfgained);
    this.mlfforget = taken(match, at.mlfforget);
    this.nofail = taken(match, at.nofail);
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

/** What groups say that are there already. */
export function saidByGroups(groups: Groups): Said {
  const { mlfid, mlfgained, mlfforget, nofail, user, fid, ip4, ip6, dns, cidr } = groups;
  return { mlfid, mlfgained, mlfforget, nofail, user, fid, ip4, ip6, dns, cidr, groups };
}
