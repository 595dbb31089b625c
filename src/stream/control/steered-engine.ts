import type { Ban, Subject } from "../../protocol/command.ts";
import type { Network } from "../../shared/address.ts";
import type { SubjectRecord } from "../ban/manual-bans.ts";
import type { EngineFigures, JailFigures } from "../health/figures.ts";

/** A jail, as far as clients of `--control` look into it. */
export interface SteeredJail extends JailFigures {
  readonly ignore: {
    /** Whether some address of `network` is ignored. */
    touches(network: Network): boolean;
    /** Why an address or network is never banned; undefined: it may be. */
    reasonFor(network: Network): string | undefined;
  };
}

/** Bans, as clients of `--control` see and change them. Jails are given by name, of those at work. */
interface SteeredBans {
  readonly size: number;
  readonly isFull: boolean;
  /** The bans in force, oldest first, without their evidence. */
  list(): Iterable<Ban>;
  /** The ban in force of a subject, without its evidence. */
  find(jail: string, subject: Subject): Ban | undefined;
  recordOf(jail: string, subject: Subject): SubjectRecord;
  /** `bantime` in milliseconds; null: for ever; undefined: as the jail has it. Returns undefined when nothing is banned. */
  ban(jail: string, subject: Subject, bantime: number | null | undefined): Ban | undefined;
  /** Ends a ban and sets the count to zero. Returns false when there was no ban. */
  unban(jail: string, subject: Subject): boolean;
}

/** The engine, as far as clients of `--control` look into it and change it. */
export interface SteeredEngine extends EngineFigures {
  readonly jails: ReadonlyMap<string, SteeredJail>;
  readonly manualBans: SteeredBans;
  /** Lets time pass, to `now` in epoch milliseconds. */
  tick(now: number): void;
}
