import type { Ban, Subject } from "../../protocol/command.ts";
import type { BanAnswer, Explained } from "../../protocol/control-answers.ts";
import { formatNetwork, type Network, parseNetwork, widen } from "../../shared/address.ts";
import type { SubjectRecord } from "../ban/manual-bans.ts";
import { countedAs, nameOf, subjectOf } from "../jail/subject.ts";
import type { SteeredEngine, SteeredJail } from "./steered-engine.ts";

/**
 * Explains a subject, a line for each jail, bans in force first: the address itself, the network under which the jail counts
 * it, and bans of networks that hold it.
 */
export function explain(engine: SteeredEngine, subject: Subject): readonly Explained[] {
  const all = [...engine.jails.values()].flatMap((jail) => explainIn(engine, jail, subject));
  return [...all.filter(({ ban }) => ban !== null), ...all.filter(({ ban }) => ban === null)];
}

function explainIn(engine: SteeredEngine, steered: SteeredJail, subject: Subject): readonly Explained[] {
  const ignored = ignoredBecause(steered, subject);
  const subjects = [...subjectsIn(steered, subject), ...bansAround(engine, steered, subject).map(subjectOf)];
  return subjects.flatMap((each, index) => {
    const record = engine.manualBans.recordOf(steered.jail.name, each);
    const isKnown = record.failures.length > 0 || record.bancount > 0;
    return isKnown || (index === 0 && ignored !== undefined) ? explained(steered, each, record, ignored) : [];
  });
}

/** The subjects under which a jail may hold a subject: itself, and the network under which it is counted. */
export function subjectsIn({ jail, ignore }: SteeredJail, subject: Subject): readonly Subject[] {
  const network = networkOf(subject);
  if (network === undefined) return [subject];
  const counted = { ip: countedAs(network, jail, (wide) => ignore.touches(wide)) };
  return nameOf(counted) === nameOf(subject) ? [subject] : [subject, counted];
}

/** Bans of networks that hold a subject, the narrowest first, without the network under which the jail counts it. */
export function bansAround(
  { manualBans }: SteeredEngine,
  steered: SteeredJail,
  subject: Subject,
): readonly Ban[] {
  const network = networkOf(subject);
  if (network === undefined) return [];
  const own = new Set(subjectsIn(steered, subject).map(nameOf));
  return Array.from({ length: network.prefix - 1 }, (_, index) => {
    const ip = formatNetwork(widen(network, network.prefix - 1 - index));
    return own.has(ip) ? [] : (manualBans.find(steered.jail.name, { ip }) ?? []);
  }).flat();
}

/** Why a jail never bans a subject; undefined: it may be banned. */
export function ignoredBecause({ ignore }: SteeredJail, subject: Subject): string | undefined {
  const network = networkOf(subject);
  return network && ignore.reasonFor(network);
}

/** A ban as in its command, without the evidence. */
export function banLine({ matches: _matches, ...ban }: Ban): BanAnswer {
  return { ...ban, time: new Date(ban.time).toISOString(), until: isoOf(ban.until ?? undefined) };
}

function networkOf(subject: Subject): Network | undefined {
  return "ip" in subject ? parseNetwork(subject.ip) : undefined;
}

function explained(
  { jail }: SteeredJail,
  subject: Subject,
  record: SubjectRecord,
  ignored: string | undefined,
): Explained {
  const { ban, failures, remembered, repeated, next } = record;
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
    repeats: record.repeats,
    repeated: isoOf(repeated),
    failures: failures.map((time) => new Date(time).toISOString()),
    forgotten: isoOf(newest === undefined ? undefined : newest + jail.findtime),
    matches: [...(ban?.matches ?? []), ...record.matches],
    bancount: record.bancount,
    remembered: isoOf(remembered),
    next: next === null ? null : next / 1000,
  };
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
