import { formatNetwork, parseNetwork } from "../../../shared/address.ts";
import type { Change, Until } from "../backend.ts";
import { linesOf } from "../iptables/quoted.ts";
import { readUntil, untilComment } from "../rules.ts";

/** ipset's longest timeout in seconds: 24.8 days. */
export const LONGEST_TIMEOUT = 2_147_483;
/** As many members as --max-bans may allow; the set grows on demand. */
const MAX_MEMBERS = 10_000_000;

/** The lines for `ipset restore` that apply changes to a set. `now` in epoch milliseconds. */
export function ipsetCommands(
  set: string,
  family: 4 | 6,
  isNew: boolean,
  changes: readonly Change[],
  now: number,
): readonly string[] {
  const inet = family === 4 ? "inet" : "inet6";
  const create = `create ${set} hash:net family ${inet} maxelem ${MAX_MEMBERS} timeout 0 comment`;
  const lines = changes.map(({ ip, until }) =>
    until === undefined ? `del ${set} ${ip}` : `add ${set} ${ip} ${timeoutOf(until, now)}`,
  );
  return isNew ? [create, ...lines] : lines;
}

/** The number of members of each set, from `ipset list -t`. */
export function parseIpsetHeaders(text: string): ReadonlyMap<string, number> {
  const sets = new Map<string, number>();
  let name = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("Name: ")) name = line.slice("Name: ".length);
    if (line.startsWith("Number of entries: "))
      sets.set(name, Number(line.slice("Number of entries: ".length)));
  }
  return sets;
}

/** The members of each set with their ends, from `ipset save`. */
export function parseIpsets(text: string, now: number): ReadonlyMap<string, ReadonlyMap<string, Until>> {
  const sets = new Map<string, Map<string, Until>>();
  for (const line of linesOf(text, "plain")) {
    const created = line.startsWith("create ") ? line.split(" ", 2)[1] : undefined;
    if (created !== undefined) sets.set(created, new Map());
    const [, set = "", ip = "", timeout, comment] = MEMBER.exec(line) ?? [];
    sets.get(set)?.set(canonical(ip), endOf(Number(timeout ?? 0), comment, now));
  }
  return sets;
}

/** A member as we add it, perhaps with counters. A member that is not a ban (`nomatch`) does not match. */
const MEMBER =
  /^add (\S+) ([\da-f.:/]+)(?: timeout (\d+))?(?: packets \d+ bytes \d+)?(?: comment "([^"]*)")?$/;

/** The timeout of a ban, rounded up, so that the kernel ends no ban early, and never 0, which means for ever. */
function timeoutOf(until: Until, now: number): string {
  if (until === null) return "timeout 0";
  const seconds = Math.max(1, Math.ceil((until - now) / 1000));
  if (seconds <= LONGEST_TIMEOUT) return `timeout ${seconds}`;
  return `timeout ${LONGEST_TIMEOUT} comment "${untilComment(until)}"`;
}

/** The C library writes some IPv6 addresses with dots. */
function canonical(ip: string): string {
  const network = ip.includes(":") && ip.includes(".") ? parseNetwork(ip) : undefined;
  return network === undefined ? ip : formatNetwork(network);
}

/** `timeout`: seconds; 0: no end. */
function endOf(timeout: number, comment: string | undefined, now: number): Until {
  const commentedEnd = comment === undefined ? undefined : readUntil(comment);
  if (commentedEnd !== undefined) return commentedEnd;
  return timeout > 0 ? now + timeout * 1000 : null;
}
