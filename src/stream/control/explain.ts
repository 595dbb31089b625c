import type { Ban, Subject } from "../../protocol/command.ts";
import type { Ban as BanLine, Explained } from "../../protocol/control-answers.ts";
import { formatNetwork, type Network, parseNetwork, widen } from "../../shared/address.ts";
import { nameOf, subjectOf } from "../ban/banlist.ts";
import type { KnownHere } from "../ban/failure-counter.ts";
import type { RunningJail } from "../jail/jail.ts";
import { countedAs } from "../jail/subject.ts";
import type { SteeredEngine } from "./steered-engine.ts";

/**
 * All that is known of somebody, a line a jail, bans in force first: of the address itself, of the network that the jail counts
 * it as, and of bans of networks that hold it.
 */
export function explain(engine: SteeredEngine, subject: Subject): readonly Explained[] {
  const all = [...engine.jails.values()].flatMap((running) => explainIn(engine, running, subject));
  return [...all.filter(({ ban }) => ban !== null), ...all.filter(({ ban }) => ban === null)];
}

function explainIn(engine: SteeredEngine, running: RunningJail, subject: Subject): readonly Explained[] {
  const ignored = ignoredBecause(running, subject);
  const subjects = [...subjectsIn(running, subject), ...bansAround(engine, running, subject).map(subjectOf)];
  return subjects.flatMap((each, index) => {
    const known = engine.tally.known(running, each);
    const isKnown = known.failures.length > 0 || known.bancount > 0;
    return isKnown || (index === 0 && ignored !== undefined) ? explained(running, each, known, ignored) : [];
  });
}

/** As whom a jail may know somebody: as who he is, and as the network that it counts him as. */
export function subjectsIn({ jail, ignore }: RunningJail, subject: Subject): readonly Subject[] {
  const network = networkOf(subject);
  if (network === undefined) return [subject];
  const counted = { ip: countedAs(network, jail, (wide) => ignore.touches(wide)) };
  return nameOf(counted) === nameOf(subject) ? [subject] : [subject, counted];
}

/** Bans of networks that hold somebody, the narrowest first, without that which the jail counts him as. */
export function bansAround({ tally }: SteeredEngine, running: RunningJail, subject: Subject): readonly Ban[] {
  const network = networkOf(subject);
  if (network === undefined) return [];
  const own = new Set(subjectsIn(running, subject).map(nameOf));
  return Array.from({ length: network.prefix - 1 }, (_, index) => {
    const ip = formatNetwork(widen(network, network.prefix - 1 - index));
    return own.has(ip) ? [] : (tally.find(running.jail.name, { ip }) ?? []);
  }).flat();
}

/** Why a jail never bans somebody. */
export function ignoredBecause({ ignore }: RunningJail, subject: Subject): string | undefined {
  const network = networkOf(subject);
  return network && ignore.reasonFor(network);
}

/** A ban as its command tells it, without the evidence. */
export function banLine({ matches: _matches, ...ban }: Ban): BanLine {
  return { ...ban, time: new Date(ban.time).toISOString(), until: isoOf(ban.until ?? undefined) };
}

function networkOf(subject: Subject): Network | undefined {
  return "ip" in subject ? parseNetwork(subject.ip) : undefined;
}

function explained(
  { jail }: RunningJail,
  subject: Subject,
  known: KnownHere,
  ignored: string | undefined,
): Explained {
  const { ban, failures, remembered, repeated, next } = known;
  const newest = failures.at(-1);
  return {
    jail: jail.name,
    ...subject,
    mode: jail.mode,
    rule: jail.place,
    maxretry: jail.maxretry,
    findtime: jail.findtime / 1000,
    ignored: ignored ?? null,
    ban: ban === undefined ? null : banLine(ban),
    repeats: known.repeats,
    repeated: isoOf(repeated),
    failures: failures.map((time) => new Date(time).toISOString()),
    forgotten: isoOf(newest === undefined ? undefined : newest + jail.findtime),
    matches: [...(ban?.matches ?? []), ...known.matches],
    bancount: known.bancount,
    remembered: isoOf(remembered),
    next: next === null ? null : next / 1000,
  };
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
