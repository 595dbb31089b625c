import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SshPeers, socketsOf, stageOf } from "../../../src/exec/decide/ssh-peers.ts";
import { formatNetwork } from "../../../src/shared/address.ts";
import { newFolder } from "../../helpers/folder.ts";

test("socketsOf reads who listens and who is connected to whom", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 076433C6:C350 01 00000000:00000000 02:000AFB52 00000000     0        0 330465 2 00000000c9943d6a 20
   1: 00000000:08AE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 330459 1 00000000db663606 100
   2: 0100007F:0016 086433C6:C350 06 00000000:00000000 03:00000000 00000000     0        0 0 3 00000000db663606
   3: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF0000096433C6:C350 01 0 0 0 0 0 7
   4: B80D0120000000000000000001000000:0016 B80D0120000000000000000007000000:C350 01 0 0 0 0 0 8
`;
  const shown = (order: "LE" | "BE") =>
    socketsOf(text, order).map(({ state, port, peer, inode }) => [state, port, formatNetwork(peer), inode]);
  assert.deepEqual(shown("LE"), [
    ["established", 22, "198.51.100.7", "330465"],
    ["listening", 2222, "0.0.0.0", "330459"],
    ["established", 22, "198.51.100.9", "7"],
    ["established", 22, "2001:db8::7", "8"],
  ]);
  assert.equal(shown("BE")[0]?.[2], "7.100.51.198");
  assert.equal(socketsOf(text)[0]?.name, "0100007F:0016 076433C6:C350 330465");
  assert.deepEqual(socketsOf("nonsense\n0: x y 01\n"), []);
});

const STAGES = [
  { titles: [], stage: "unknown" },
  { titles: ["sshd: [accepted]      "], stage: "login" },
  { titles: ["sshd: [accepted]", "sshd: [net]"], stage: "login" },
  { titles: ["sshd: unknown [priv]", "sshd: unknown [net]"], stage: "login" },
  { titles: ["sshd: alice [priv]", "sshd: alice [net]", "sshd: alice [pam]"], stage: "login" },
  { titles: ["sshd-session: alice [priv]", "sshd-auth: alice [net]"], stage: "login" },
  { titles: ["sshd-session: [accepted]"], stage: "login" },
  { titles: ["sshd: alice [priv]  "], stage: "unknown" },
  { titles: ["sshd: alice [priv]", "sshd: alice@pts/0 "], stage: "session" },
  { titles: ["sshd-session: alice [priv]", "sshd-session: alice@pts/0,pts/1"], stage: "session" },
  { titles: ["sshd: root@notty   "], stage: "session" },
  { titles: ["sshd: root         "], stage: "session" },
  { titles: ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"], stage: "unknown" },
  { titles: ["/usr/sbin/sshd -R"], stage: "unknown" },
] as const;

for (const { titles, stage } of STAGES)
  test(`stageOf ${JSON.stringify(titles)} is ${stage}`, () => assert.equal(stageOf(titles), stage));

/** A /proc in which sockets and processes are what the test says. */
function fakeProc(t: TestContext) {
  const proc = newFolder(t);
  mkdirSync(join(proc, "net"));
  const sockets = (
    ...list: readonly (readonly [port: number, peer: number, peerPort: number, inode: number])[]
  ) => {
    const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
    const lines = list.map(([port, peer, peerPort, inode], at) => {
      const state = peer === 0 ? "0A" : "01";
      const address = peer === 0 ? "00000000" : `${hex(peer, 2)}6433C6`;
      return `${at}: 0100007F:${hex(port, 4)} ${address}:${hex(peerPort, 4)} ${state} 0 0 0 0 0 ${inode}`;
    });
    writeFileSync(join(proc, "net/tcp"), `  sl\n${lines.join("\n")}\n`);
  };
  const process = (
    pid: number,
    title: string,
    inodes: readonly number[],
    { comm = "sshd", uid = 0 } = {},
  ) => {
    const folder = join(proc, `${pid}`);
    mkdirSync(join(folder, "fd"), { recursive: true });
    writeFileSync(join(folder, "comm"), `${comm}\n`);
    writeFileSync(join(folder, "cmdline"), `${title}\0\0\0`);
    writeFileSync(join(folder, "status"), `Name:\t${comm}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    for (const [fd, inode] of inodes.entries())
      symlinkSync(`socket:[${inode}]`, join(folder, "fd", `${fd + 3}`));
  };
  const peers = new (class {
    #peers: SshPeers | undefined;
    start = () => {
      this.#peers = new SshPeers(proc);
    };
    now = () => this.#peers?.now().map(({ network }) => formatNetwork(network));
  })();
  return { sockets, process, peers };
}

test("SshPeers spares no connection without a login, nor a later one from the same address", {
  skip: isBigEndian(),
}, (t) => {
  const { sockets, process, peers } = fakeProc(t);
  sockets([22, 7, 50_000, 1], [22, 8, 50_000, 2]);
  process(10, "sshd: [accepted]", [1]);
  process(11, "sshd: [net]", [1]);
  process(20, "sshd: alice [priv]", [2]);
  process(21, "sshd: alice@pts/0", [2]);
  peers.start();
  assert.deepEqual(peers.now(), ["198.51.100.8"]);
  sockets([22, 7, 50_000, 1], [22, 7, 50_001, 3], [22, 8, 50_000, 2]);
  assert.deepEqual(peers.now(), ["198.51.100.8"]);
  sockets([22, 7, 50_001, 3], [22, 8, 50_000, 4]);
  assert.deepEqual(peers.now(), [], "the same ends, another connection");
});

test("SshPeers spares a connection that logs in after the start, and one whose process is not visible", {
  skip: isBigEndian(),
}, (t) => {
  const { sockets, process, peers } = fakeProc(t);
  sockets([22, 7, 50_000, 1], [22, 9, 50_000, 5], [80, 10, 50_000, 6]);
  process(10, "sshd: alice [priv]", [1]);
  process(11, "sshd: alice [net]", [1]);
  process(50, "sshd: [accepted]", [5], { comm: "endless" });
  peers.start();
  assert.deepEqual(peers.now(), ["198.51.100.9"]);
  process(11, "sshd: alice@pts/0", []);
  assert.deepEqual(peers.now(), ["198.51.100.7", "198.51.100.9"]);
  process(11, "sshd: [net]", []);
  assert.deepEqual(peers.now(), ["198.51.100.7", "198.51.100.9"], "what was a session is one until it ends");
});

test("SshPeers finds the ports at which root's sshd listens, and no other's", {
  skip: isBigEndian(),
}, (t) => {
  const { sockets, process, peers } = fakeProc(t);
  sockets([2222, 0, 0, 1], [2223, 0, 0, 2], [2222, 7, 50_000, 3], [2223, 8, 50_000, 4]);
  process(1, "sshd: /usr/sbin/sshd [listener]", [1]);
  process(2, "sshd: mine [listener]", [2], { uid: 1000 });
  process(3, "sshd: root@pts/0", [3]);
  peers.start();
  assert.deepEqual(peers.now(), ["198.51.100.7"]);
});

function isBigEndian(): string | false {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 0 && "tables of the kernel are big-endian here";
}
