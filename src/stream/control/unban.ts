import { setImmediate } from "node:timers/promises";
import type { Ban, Subject } from "../../protocol/command.ts";
import type { Unbanned } from "../../protocol/control-answers.ts";
import { contains, isSingle, type Network, parseNetwork } from "../../shared/address.ts";
import { subjectOf } from "../jail/subject.ts";
import { bansAround, subjectsIn } from "./explain.ts";
import type { SteeredEngine, SteeredJail } from "./steered-engine.ts";

/** Bans that are looked at, or ended, before the stream goes on for a while. */
const BATCH = 1000;

/**
 * Ends the bans of a subject, or within a network, or all of them, and sets counts to zero.
 *
 * @param pause called before the stream goes on between two batches; it may throw to stop
 */
export async function unban(
  engine: SteeredEngine,
  subject: Subject | "all",
  pause: () => void,
): Promise<Unbanned> {
  const { manualBans, jails } = engine;
  const free = subject === "all" ? [] : notBanned(engine, subject);
  const counting = free.filter(
    ([{ jail }, each]) => manualBans.recordOf(jail.name, each).failures.length > 0,
  );
  const ended = new Map<string, number>();
  const end = (name: string, each: Subject): void => {
    if (manualBans.unban(name, each)) ended.set(name, (ended.get(name) ?? 0) + 1);
  };
  // A ban was a failure to jails that count bans.
  const counters = [...jails.values()].filter(({ jail }) => jail.on === "ban");
  const names = counters.map(({ jail }) => jail.name);
  for (const [index, ban] of (await bansOf(engine, subject, pause)).entries()) {
    if (index % BATCH === BATCH - 1) await letGo(pause);
    for (const name of jails.has(ban.jail) ? [ban.jail, ...names] : names) end(name, subjectOf(ban));
  }
  for (const [{ jail }, each] of free) end(jail.name, each);
  return {
    bans: [...ended.values()].reduce((sum, count) => sum + count, 0),
    jails: Object.fromEntries(ended),
    counted: new Set(counting.map(([{ jail }]) => jail.name)).size,
    still: subject === "all" ? [] : stillBanned(engine, subject),
  };
}

/** Jails, with the subjects under which they may have counted a subject that they have not banned. */
function notBanned(
  { manualBans, jails }: SteeredEngine,
  subject: Subject,
): readonly (readonly [SteeredJail, Subject])[] {
  return [...jails.values()].flatMap((steered) =>
    subjectsIn(steered, subject)
      .filter((each) => manualBans.find(steered.jail.name, each) === undefined)
      .map((each) => [steered, each] as const),
  );
}

async function bansOf(
  engine: SteeredEngine,
  subject: Subject | "all",
  pause: () => void,
): Promise<readonly Ban[]> {
  const { manualBans, jails } = engine;
  if (subject === "all") return [...manualBans.list()];
  const network = "ip" in subject ? parseNetwork(subject.ip) : undefined;
  if (network !== undefined && !isSingle(network)) return bansWithin(engine, network, pause);
  return [...jails.values()].flatMap((steered) =>
    subjectsIn(steered, subject).flatMap((each) => manualBans.find(steered.jail.name, each) ?? []),
  );
}

async function bansWithin(
  { manualBans }: SteeredEngine,
  network: Network,
  pause: () => void,
): Promise<readonly Ban[]> {
  const within: Ban[] = [];
  for (const [index, ban] of [...manualBans.list()].entries()) {
    if (index % BATCH === BATCH - 1) await letGo(pause);
    const banned = parseNetwork(ban.ip ?? "");
    if (banned && contains(network, banned)) within.push(ban);
  }
  return within;
}

/** Bans of networks that hold a subject that was unbanned. */
function stillBanned(engine: SteeredEngine, subject: Subject): Unbanned["still"] {
  return [...engine.jails.values()]
    .flatMap((steered) => bansAround(engine, steered, subject))
    .flatMap(({ cmd, jail, ip }) => (cmd === "ban" && ip !== undefined ? { jail, ip } : []));
}

/** Lets the stream go on for a while. The check of `pause` follows, since the stream may have ended meanwhile. */
async function letGo(pause: () => void): Promise<void> {
  pause();
  await setImmediate();
  pause();
}
