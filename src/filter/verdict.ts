/** The result of matching one line against the filter of one jail. */
export type Verdict = Failure | NoFailure;

/** One failed attempt, found in a line or in several. */
export interface Failure {
  readonly match: true;
  /** As captured: the raw text, host names and impossible addresses too. */
  readonly id: string;
  /** Which group held the id: an address, a host name, or whatever `<F-ID>` took. */
  readonly kind: "address" | "host" | "id";
  /** `<CIDR>` or `<SUBNET>`: the prefix length as captured. */
  readonly cidr: string | undefined;
  /** Epoch milliseconds; undefined when the line had no date. */
  readonly time: number | undefined;
  /** Index of the failregex, from 0. */
  readonly regex: number;
  /** How many attempts it stands for; undefined: one. */
  readonly times?: number;
  /** The whole lines of the failure. */
  readonly lines: readonly string[];
  /** The named groups that took part, sessions merged. */
  readonly groups: () => Groups;
}

export interface NoFailure {
  readonly match: false;
  readonly why: "no-prefregex" | "no-failregex" | "ignoreregex" | "nofail" | "pending";
  /** Epoch milliseconds of the line, if it has a time. */
  readonly time: number | undefined;
  /** Index of the failregex that matched: `nofail` and `pending` alone. */
  readonly regex?: number;
}

export type Groups = Readonly<Record<string, string | undefined>>;
