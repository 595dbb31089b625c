import { formatNetwork, parseNetwork } from "../../../shared/address.ts";
import type { Change, EnforcedJail, Until } from "../backend.ts";
import { withoutForeign } from "../iptables/quoted.ts";
import { tableName } from "../names.ts";
import { readUntil, untilComment } from "../rules.ts";

/** nft's longest timeout: 36,500 days in seconds. */
export const LONGEST_TIMEOUT = 36_500 * 86_400;
/** In seconds. */
const DAY = 86_400;
/** As many elements as --max-bans may allow; the set grows on demand. */
const MAX_MEMBERS = 10_000_000;

/** The hooks of a jail's table. */
export type Hook = "input" | "forward";

/** The set that holds an address or network: one per prefix length, so that a lookup is one hash. */
export function setOf(ip: string): string {
  const family = ip.includes(":") ? 6 : 4;
  const slash = ip.indexOf("/");
  return `ipv${family}-${slash < 0 ? BITS[family] : ip.slice(slash + 1)}`;
}

/**
 * The statements that create the table, sets, chains and rules of a jail. Existing sets keep their bans. `hooks` jump to the
 * jail; other hooks in `left` are emptied.
 */
export function structure(
  jail: EnforcedJail,
  sets: readonly string[],
  hooks: readonly Hook[],
  left: readonly Hook[],
): readonly string[] {
  const table = `inet ${tableName(jail.name)}`;
  return [
    `add table ${table}`,
    ...sets.map((set) => {
      const type = set.startsWith("ipv4") ? "ipv4_addr" : "ipv6_addr";
      return `add set ${table} ${set} { type ${type}; flags timeout; size ${MAX_MEMBERS}; }`;
    }),
    `add chain ${table} banned`,
    `flush chain ${table} banned`,
    ...sets.map((set) => `add rule ${table} banned ${lookup(set)} ${jail.blocktype}`),
    ...[...new Set([...hooks, ...left])].flatMap((hook) => [
      `add chain ${table} ${hook} { type filter hook ${hook} priority -10; policy accept; }`,
      `flush chain ${table} ${hook}`,
      ...(hooks.includes(hook) ? jumps(jail, hook) : []).map(
        (match) => `add rule ${table} ${hook} ${match}jump banned`,
      ),
    ]),
  ];
}

/**
 * The statements that apply changes to a jail's sets. An element that may exist is deleted first, since kernels before 6.12 keep
 * its old timeout; adding it before makes sure that the deletion succeeds.
 */
export function elements(jail: EnforcedJail, changes: readonly Change[], now: number): readonly string[] {
  const bySet = new Map<string, Change[]>();
  for (const change of changes) {
    const set = setOf(change.ip);
    const list = bySet.get(set);
    if (list === undefined) bySet.set(set, [change]);
    else list.push(change);
  }
  return [...bySet].flatMap(([set, list]) => {
    const into = `element inet ${tableName(jail.name)} ${set}`;
    const old = list.filter(({ until, before }) => until === undefined || before !== undefined).map(bare);
    const added = list.flatMap((change) =>
      change.until === undefined ? [] : [`${bare(change)}${timeoutOf(change.until, now)}`],
    );
    return [
      ...(old.length > 0
        ? [`add ${into} { ${old.join(", ")} }`, `delete ${into} { ${old.join(", ")} }`]
        : []),
      ...(added.length > 0 ? [`add ${into} { ${added.join(", ")} }`] : []),
    ];
  });
}

/**
 * The text of each table in the output of `nft list ruleset inet`, by name, without comments of others, which may hold text that
 * looks like tables. (`nft -j` would keep them apart, but it cuts ends to whole seconds.)
 */
export function splitTables(text: string): ReadonlyMap<string, string> {
  const tables = Array.from(
    withoutForeign(text).matchAll(/^table inet (\S+) \{\n(.*?)^\}$/gms),
    ([, name = "", body = ""]) => {
      return [name, body] as const;
    },
  );
  return new Map(tables);
}

/** The content of a jail's table. */
export interface SavedTable {
  readonly sets: readonly string[];
  readonly hooks: readonly Hook[];
  readonly bans: ReadonlyMap<string, Until>;
  readonly ports: readonly string[];
  readonly protocols: readonly string[];
}

/** Reads the text of one of our tables. */
export function readTable(body: string, now: number): SavedTable {
  const sets: string[] = [];
  const bans = new Map<string, Until>();
  for (const [, set = "", text = ""] of body.matchAll(/^\tset (\S+) \{\n(.*?)^\t\}$/gms)) {
    sets.push(set);
    readElements(set, text, now, bans);
  }
  const hooks: Hook[] = [];
  const ports = new Set<string>();
  const protocols = new Set<string>();
  for (const [, hook = "", text = ""] of body.matchAll(/^\tchain (input|forward) \{\n(.*?)^\t\}$/gms)) {
    if (!text.includes("jump banned")) continue;
    hooks.push(hook as Hook);
    for (const [, protocol = "", some = ""] of text.matchAll(
      /(\w+) (?:ct original proto-dst|dport) (\{.*?\}|\S+)/g,
    )) {
      protocols.add(protocol);
      for (const [port] of some.matchAll(/[\da-fx]+(?:-[\da-fx]+)?/g)) {
        ports.add(port.split("-").map(Number).join(":"));
      }
    }
  }
  return { sets, hooks, bans, ports: [...ports], protocols: [...protocols] };
}

const BITS = { 4: 32, 6: 128 } as const;

/** The expression that looks up a packet's source in a set. */
function lookup(set: string): string {
  const family = set.startsWith("ipv4") ? 4 : 6;
  const prefix = Number(set.slice("ipv4-".length));
  const source = family === 4 ? "ip saddr" : "ip6 saddr";
  return prefix === BITS[family] ? `${source} @${set}` : `${source} & ${maskOf(family, prefix)} @${set}`;
}

function maskOf(family: 4 | 6, prefix: number): string {
  const host = BigInt(BITS[family] - prefix);
  const value = ((1n << BigInt(prefix)) - 1n) << host;
  return formatNetwork({ family, value, prefix: BITS[family] });
}

/** The matches for the ports of a jail, one per protocol. Before the forward hook a DNAT may have changed the port. */
function jumps({ ports, protocols }: EnforcedJail, hook: Hook): readonly string[] {
  if (ports.length === 0) return [""];
  const set = `{ ${mergePorts(ports).join(", ")} }`;
  return protocols.map((protocol) =>
    hook === "input"
      ? `${protocol} dport ${set} `
      : `ct direction original meta l4proto ${protocol} ct original proto-dst ${set} `,
  );
}

/** nft refuses ranges that overlap. */
function mergePorts(ports: readonly string[]): readonly string[] {
  const merged: { from: number; to: number }[] = [];
  for (const port of ports) {
    const [from = 0, to = from] = port.split(":").map(Number);
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`));
}

function bare({ ip }: Change): string {
  const slash = ip.indexOf("/");
  return slash < 0 ? ip : ip.slice(0, slash);
}

/**
 * The timeout of a ban, rounded up, so that the kernel ends no ban early, and never 0, which means for ever. In days and seconds,
 * since nft 1.0.6 takes at most 2^32 ms as seconds.
 */
function timeoutOf(until: Until, now: number): string {
  if (until === null) return "";
  const seconds = Math.max(1, Math.ceil((until - now) / 1000));
  if (seconds > LONGEST_TIMEOUT) return ` timeout ${LONGEST_TIMEOUT / DAY}d comment "${untilComment(until)}"`;
  const days = Math.floor(seconds / DAY);
  return ` timeout ${days > 0 ? `${days}d` : ""}${seconds % DAY}s`;
}

function readElements(set: string, text: string, now: number, bans: Map<string, Until>): void {
  const [, version, length] = /^ipv([46])-(\d{1,3})$/.exec(set) ?? [];
  const start = text.indexOf(ELEMENTS);
  if (version === undefined || start < 0) return;
  const prefix = Number(length);
  const isSingle = prefix === BITS[version === "4" ? 4 : 6];
  for (const [, address = "", expires, comment] of text.slice(start + ELEMENTS.length).matchAll(ELEMENT)) {
    const ip = address.includes(":") && address.includes(".") ? canonical(address) : address;
    const end = expires === undefined ? null : now + milliseconds(expires);
    bans.set(isSingle ? ip : `${ip}/${prefix}`, (comment && readUntil(comment)) || end);
  }
}

const ELEMENTS = "\n\t\telements = {";

/** `192.0.2.7 timeout 10m expires 9m58s996ms comment "until:…"` */
const ELEMENT =
  /([\da-f.:]*[.:][\da-f.:]*)(?: timeout \w+)?(?: expires (\w+))?(?: comment "([^"]*)")?(?=[,\s}])/g;

function canonical(ip: string): string {
  const network = parseNetwork(ip);
  return network === undefined ? ip : formatNetwork(network);
}

/** `9d23h59m58s996ms`. */
function milliseconds(text: string): number {
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    sum += Number(count) * units[unit as keyof typeof units];
  }
  return sum;
}
