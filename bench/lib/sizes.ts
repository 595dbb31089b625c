/** How much of everything. */
export interface Sizes {
  readonly rounds: number;
  /** Lines of the logs. */
  readonly mixed: number;
  readonly flood: number;
  readonly access: number;
  readonly journal: number;
  readonly literals: number;
  /** Lines for fail2ban, the beginning of the mixed log: it is slow, and its lines a second don't depend on it. */
  readonly fail2ban: number;
  /** Lines for all jails of fail2ban's configuration in f2b-stream. */
  readonly jails: number;
  /** Addresses that have failed once. */
  readonly addresses: number;
  /** Lines come at a pace for so long. */
  readonly seconds: number;
  readonly starts: number;
}

/** What the targets are for. */
export const FULL: Sizes = {
  rounds: 5,
  mixed: 10_000_000,
  flood: 2_000_000,
  access: 2_000_000,
  journal: 2_000_000,
  literals: 10_000_000,
  fail2ban: 200_000,
  jails: 10_000_000,
  addresses: 1_000_000,
  seconds: 30,
  starts: 20,
};

/** To see that everything runs, and roughly how fast: under a minute. Starting up is most of what is measured. */
export const QUICK: Sizes = {
  rounds: 2,
  mixed: 50_000,
  flood: 20_000,
  access: 20_000,
  journal: 10_000,
  literals: 20_000,
  fail2ban: 5_000,
  jails: 5_000,
  addresses: 20_000,
  seconds: 2,
  starts: 3,
};
