import type { Failure } from "../../filter/verdict.ts";
import type { Ban, Unban } from "../../protocol/command.ts";
import type { RunningJail } from "../jail/running-jail.ts";

/** A ban that jails which count bans (`on: ban`) may count: not a `would-ban`, and of an address. */
export type CountableBan = Ban & { readonly ip: string };

export function isCountable(decision: Ban | Unban): decision is CountableBan {
  return decision.cmd === "ban" && decision.ip !== undefined;
}

/** The jails that count a ban. */
export function countersOf({ jail }: Ban, jails: ReadonlyMap<string, RunningJail>): readonly RunningJail[] {
  return [...jails.values()].filter((running) => running.jail.on === "ban" && running.jail.name !== jail);
}

/** The line that these jails show as evidence. */
export function lineOf({ jail, ip, time }: CountableBan): string {
  return `${new Date(time).toISOString()} [${jail}] Ban ${ip}`;
}

/** A ban as a failure of its address. */
export function failureOf(ban: CountableBan): Failure {
  return {
    match: true,
    id: ban.ip,
    kind: "address",
    cidr: undefined,
    time: ban.time,
    regex: 0,
    lines: [lineOf(ban)],
    groups: () => ({}),
  };
}
