import type { Ban, Subject } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { flat } from "../../shared/text.ts";
import { LAST_TIME } from "../../shared/time.ts";

/** A completed window, or a ban by hand. */
export interface BanRequest {
  readonly jail: Jail;
  readonly subject: Subject;
  /** Epoch milliseconds of the failure that completed the window. */
  readonly time: number;
  readonly failures: number;
  readonly matches: readonly string[];
  /** The log that they stand in, if it has a name. */
  readonly source?: string;
  /** How long the ban lasts, in milliseconds; null: for ever. Absent: as the jail has it. */
  readonly bantime?: number | null;
  /** Requested by hand. */
  readonly manual?: true;
}

/**
 * The ban of a request, without its evidence.
 *
 * @param bantime milliseconds; null: for ever
 * @param earlier how many bans of the subject in the jail are remembered
 */
export function newBan(request: BanRequest, bantime: number | null, earlier: number): Ban {
  const { jail, subject, time, failures, source, manual } = request;
  return {
    cmd: banCommandOf(jail),
    jail: jail.name,
    ...("ip" in subject ? { ip: flat(subject.ip) } : { id: flat(subject.id) }),
    time,
    until: endAfter(time, bantime),
    ...portsOf(jail),
    failures,
    bancount: earlier + 1,
    ...(source !== undefined && { source }),
    ...(manual && { manual }),
  };
}

/** `bantime` milliseconds after `time`; null: never, which is also what ends after LAST_TIME. */
export function endAfter(time: number, bantime: number | null): number | null {
  return bantime !== null && time + bantime <= LAST_TIME ? time + bantime : null;
}

/** `ban`, or `would-ban` in mode shadow. */
export function banCommandOf(jail: Jail): Ban["cmd"] {
  return jail.mode === "shadow" ? "would-ban" : "ban";
}

export function portsOf({ port, protocol }: Jail): Pick<Ban, "port" | "protocol"> {
  return port ? { port, protocol } : {};
}
