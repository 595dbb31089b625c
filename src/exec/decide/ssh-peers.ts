import { readdirSync, readlinkSync } from "node:fs";
import { endianness } from "node:os";
import { type Network, unmap } from "../../shared/address.ts";
import type { Reserved } from "../../shared/reserved.ts";
import { readOrEmpty } from "./proc.ts";

/** The kernel's numbers for these states in /proc/net/tcp. */
const STATES = { "01": "established", "0A": "listening" } as const;

/** A TCP socket of this host. */
export interface Socket {
  readonly state: "established" | "listening";
  /** The port at our end. */
  readonly port: number;
  /** The address at the other end. */
  readonly peer: Network;
  /** Both ends and the inode, which identify a connection for good. */
  readonly name: string;
  readonly inode: string;
}

/** Most connections that are examined; sshd has no more than MaxStartups and its sessions. */
const MAX_CONNECTIONS = 1000;

/** Processes of OpenSSH: sshd, since 9.8 sshd-session, since 10.0 sshd-auth. */
const SSHD = /^sshd(?:-session|-auth)?$/;

/**
 * Peers of SSH sessions: of connections that existed when this object was created, each as long as it lasts. Later connections
 * do not count, so an attacker can't keep an address spared by a chain of connections.
 *
 * A connection whose sshd process shows that no user has logged in yet is left out until one has. Where that is not visible (sshd in
 * another PID namespace, no permission, another SSH server) it counts as a session: if it is none, it ends after LoginGraceTime, and
 * being locked out of a host is worse than a ban that comes two minutes late.
 */
export class SshPeers {
  readonly #proc: string;
  readonly #ports: ReadonlySet<number>;
  /** The connections at the start, by name. */
  readonly #atStart: Map<string, Socket>;
  /** Those that turned out to be sessions. */
  readonly #sessions = new Set<string>();

  constructor(proc = "/proc") {
    this.#proc = proc;
    this.#ports = new Set([...namedPorts(process.env.SSH_CONNECTION), ...this.#listening()]);
    this.#atStart = new Map(this.#established().map((socket) => [socket.name, socket]));
  }

  now(): readonly Reserved[] {
    if (this.#atStart.size === 0) return [];
    const open = new Set(this.#established().map(({ name }) => name));
    for (const name of this.#atStart.keys()) if (!open.has(name)) this.#atStart.delete(name);
    const undecided = [...this.#atStart.values()].filter(({ name }) => !this.#sessions.has(name));
    const titles = undecided.length > 0 ? titlesByInode(this.#proc, undecided) : new Map();
    const barred = new Set<string>();
    for (const { name, inode } of undecided) {
      const stage = stageOf(titles.get(inode) ?? []);
      if (stage === "session") this.#sessions.add(name);
      if (stage === "login") barred.add(name);
    }
    return [...this.#atStart.values()]
      .filter(({ name }) => !barred.has(name))
      .map(({ peer }) => ({ network: peer, why: "the peer of an SSH session" }));
  }

  #established(): readonly Socket[] {
    const isOurs = ({ state, port }: Socket) => state === "established" && this.#ports.has(port);
    return this.#sockets().filter(isOurs).slice(0, MAX_CONNECTIONS);
  }

  /** Ports on which sshd listens. */
  #listening(): readonly number[] {
    const sockets = this.#sockets().filter(({ state }) => state === "listening");
    const titles = titlesByInode(this.#proc, sockets, { isRoot: true });
    return sockets.filter(({ inode }) => titles.has(inode)).map(({ port }) => port);
  }

  #sockets(): readonly Socket[] {
    return ["tcp", "tcp6"].flatMap((table) => socketsOf(readOrEmpty(`${this.#proc}/net/${table}`)));
  }
}

/** The listening and connected sockets in the text of /proc/net/tcp or tcp6. */
export function socketsOf(text: string, order: "BE" | "LE" = endianness()): readonly Socket[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", remote = "", code = "", , , , , , inode = ""] = line.trim().split(/\s+/);
    const state = STATES[code as keyof typeof STATES];
    const address = remote.split(":")[0] ?? "";
    const port = Number.parseInt(local.split(":")[1] ?? "", 16);
    if (state === undefined || !/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(address) || !/^\d+$/.test(inode))
      return [];
    return [{ state, port, peer: networkOf(address, order), name: `${local} ${remote} ${inode}`, inode }];
  });
}

/**
 * The stage of a connection, by the titles of the sshd processes that hold it. Before a user has logged in, one of them exists
 * only for the login.
 */
export function stageOf(titles: readonly string[]): "login" | "session" | "unknown" {
  if (titles.some((title) => LOGIN.test(title))) return "login";
  return titles.some((title) => SESSION.test(title)) ? "session" : "unknown";
}

/** Titles end in blanks where the argv was longer. sshd writes `unknown` for an unknown user, so no client controls this text. */
const LOGIN = /^sshd-auth\b|^sshd(?:-\w+)?: .*\[(?:accepted|net|pam|preauth)\]\s*$/;
/** `sshd: alice@pts/0`, `sshd-session: root`; alone, `sshd: alice [priv]` may be of a moment before or after. */
const SESSION = /^sshd(?:-session)?: [^\s[\]/:]+(?:@\S+)?\s*$/;

function networkOf(address: string, order: "BE" | "LE"): Network {
  const bytes = Buffer.from(address, "hex");
  if (order === "LE") bytes.swap32();
  const value = BigInt(`0x${bytes.toString("hex")}`);
  return unmap(bytes.length === 4 ? { family: 4, value, prefix: 32 } : { family: 6, value, prefix: 128 });
}

/** Titles of the sshd processes that hold the sockets, by inode; `isRoot`: only processes of root. */
function titlesByInode(
  proc: string,
  sockets: readonly Socket[],
  { isRoot = false } = {},
): ReadonlyMap<string, readonly string[]> {
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const titles = new Map<string, string[]>();
  for (const pid of list(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = `${proc}/${pid}`;
    if (!SSHD.test(readOrEmpty(`${folder}/comm`).trimEnd())) continue;
    if (isRoot && !/^Uid:\s+0\s/m.test(readOrEmpty(`${folder}/status`))) continue;
    const title = readOrEmpty(`${folder}/cmdline`).replaceAll("\0", " ");
    const inodes = new Set(list(`${folder}/fd`).map((fd) => inodeAt(`${folder}/fd/${fd}`)));
    for (const inode of inodes) {
      if (inode === undefined || !wanted.has(inode)) continue;
      const some = titles.get(inode);
      if (some === undefined) titles.set(inode, [title]);
      else some.push(title);
    }
  }
  return titles;
}

function inodeAt(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined;
  }
}

/** Port 22, the ports in sshd's configuration, and the port of the session that started us. */
function namedPorts(connection: string | undefined): readonly number[] {
  const folder = "/etc/ssh/sshd_config.d";
  const dropIns = list(folder).filter((name) => name.endsWith(".conf"));
  const files = [...dropIns.map((name) => `${folder}/${name}`), "/etc/ssh/sshd_config"];
  const named = files.flatMap((path) =>
    Array.from(readOrEmpty(path).matchAll(/^\s*(?:Port\s+|ListenAddress\s.*:)(\d{1,5})\s*$/gim), ([, port]) =>
      Number(port),
    ),
  );
  const own = Number(connection?.split(" ")[3]);
  return [22, ...named, ...(own > 0 ? [own] : [])];
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
