import type { Blocktype } from "../../settings/settings.ts";
import type { Batch, Change, EnforcedJail, Until } from "../backend.ts";
import { chainName } from "../names.ts";
import {
  banRule,
  chainTarget,
  type Jump,
  jumpsOf,
  planJumps,
  type Rule,
  returnRule,
  sameJumps,
} from "../rules.ts";
import { readBan, readReturn } from "./saved.ts";

/** What the kernel is believed to hold of one jail in one family. */
export interface ChainState {
  exists: boolean;
  /** Oldest first. */
  readonly bans: Map<string, Until>;
  jumps: readonly Jump[];
  blocktype: Blocktype;
  /** False: the chain in the kernel is not just these bans and a RETURN, so the next change rewrites it. */
  isSound: boolean;
}

/**
 * For more removals than that the chain is rewritten: iptables searches each rule from the top, so that 10,000 removals took 24 s,
 * rewriting the chain 0.1 s.
 */
const MAX_REMOVALS = 32;

/** Reads a jail's chain from its rules; undefined: the chain does not exist. */
export function readChain(
  rules: readonly Rule[] | undefined,
  jumps: readonly Jump[],
  jail: EnforcedJail,
): ChainState {
  const found = (rules ?? []).map(readBan).filter((ban) => ban !== undefined);
  const bans = new Map(found.reverse().map(({ ip, until }) => [ip, until]));
  const blocktype = found[0]?.blocktype ?? jail.blocktype;
  const isSound =
    bans.size + 1 === rules?.length &&
    readReturn(rules.at(-1)) !== undefined &&
    found.every((ban) => ban.blocktype === blocktype);
  return { exists: rules !== undefined, bans, jumps, blocktype, isSound };
}

/**
 * The commands that apply a batch to a chain: one transaction, empty when nothing has to change. A chain without bans is not
 * created.
 */
export function planChain(chain: ChainState, { jail, changes }: Batch, family: 4 | 6): readonly Rule[] {
  const open = changes.filter((change) => !isDone(chain, change));
  if (!chain.exists && chain.bans.size === 0 && open.every(({ until }) => until === undefined)) return [];
  const removals = open.filter(({ ip }) => chain.bans.has(ip)).length;
  const isRewrite =
    !chain.exists || !chain.isSound || chain.blocktype !== jail.blocktype || removals > MAX_REMOVALS;
  const rules = isRewrite ? rewrite(chain, jail, open, family) : edit(chain, jail, open, family);
  return [...rules, ...planJumps(chain.jumps, wantedJumps(jail))];
}

/** Notes that the kernel has carried out the commands of `planChain`. */
export function settleChain(chain: ChainState, { jail, changes }: Batch, rules: readonly Rule[]): void {
  for (const { ip, until } of changes) {
    if (until !== undefined && !isDone(chain, { ip, until })) chain.bans.delete(ip);
    if (until === undefined) chain.bans.delete(ip);
    else if (!chain.bans.has(ip)) chain.bans.set(ip, wholeSeconds(until));
  }
  if (rules.length === 0) return;
  chain.exists = true;
  chain.isSound = true;
  chain.blocktype = jail.blocktype;
  chain.jumps = wantedJumps(jail);
}

/** Whether these are exactly the jumps that the chain should have. */
export function hasJumps(chain: ChainState, found: readonly Jump[]): boolean {
  return sameJumps(chain.jumps, found);
}

function rewrite(
  chain: ChainState,
  jail: EnforcedJail,
  changes: readonly Change[],
  family: 4 | 6,
): readonly Rule[] {
  const name = chainName(jail.name);
  const bans = new Map(chain.bans);
  for (const { ip, until } of changes) {
    bans.delete(ip);
    if (until !== undefined) bans.set(ip, until);
  }
  return [
    [chain.exists ? "-F" : "-N", name],
    ...[...bans].reverse().map(([ip, until]) => ["-A", name, ...banRule(ip, until, jail.blocktype, family)]),
    ["-A", name, ...returnRule(jail.name)],
  ];
}

function edit(
  chain: ChainState,
  jail: EnforcedJail,
  changes: readonly Change[],
  family: 4 | 6,
): readonly Rule[] {
  const name = chainName(jail.name);
  const rule = (ip: string, until: Until) => banRule(ip, until, jail.blocktype, family);
  const removed = changes.flatMap(({ ip }) => {
    const until = chain.bans.get(ip);
    return until === undefined ? [] : [["-D", name, ...rule(ip, until)]];
  });
  const added = changes.flatMap(({ ip, until }) =>
    until === undefined ? [] : [["-I", name, "1", ...rule(ip, until)]],
  );
  return [...removed, ...added];
}

function wantedJumps(jail: EnforcedJail): readonly Jump[] {
  return jumpsOf(jail, chainTarget(jail.name));
}

function isDone({ bans }: ChainState, { ip, until }: Change): boolean {
  const known = bans.get(ip);
  if (until === undefined || known === undefined) return until === known;
  return known === wholeSeconds(until);
}

/** Ends are kept as the kernel's rule has them: in whole seconds, rounded up. */
function wholeSeconds(until: Until): Until {
  return until === null ? null : Math.ceil(until / 1000) * 1000;
}
