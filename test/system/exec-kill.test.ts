import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { killRest, type Running, runExec, startExec } from "../helpers/f2b-exec.ts";
import { kernelBans } from "../helpers/kernel-bans.ts";
import { Netns, netnsSkip } from "../helpers/netns.ts";

/** For all back ends together; `make kill-exec` asks for 200. */
const KILLS = Number(process.env.F2B_KILLS ?? 9);
const BACKENDS = ["ipset", "nftables", "iptables"] as const;
/** Addresses that are banned and unbanned, over and over. */
const ADDRESSES = 300;
/** Most commands, and most milliseconds, from a start to the next kill. */
const MOST = { commands: 400, milliseconds: 400 };

const skip = netnsSkip("iptables", "ip6tables", "ipset", "nft", "flock");

describe(`f2b-exec killed ${KILLS} times with -9`, { skip, timeout: 900_000 }, () => {
  let net: Netns;
  before(async () => {
    net = await Netns.create();
  });
  after(async () => {
    killRest();
    await net.remove();
  });

  for (const backend of BACKENDS) {
    test(`${backend}: in the end the kernel holds exactly the bans in force`, async () => {
      const writer = new Writer();
      for (let kill = 0; kill < KILLS / BACKENDS.length; kill++) {
        const running = startExec(["--backend", backend], { before: net.atServer });
        writer.sync(running);
        writer.live(running, Math.floor(Math.random() * MOST.commands));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * MOST.milliseconds));
        running.child.kill("SIGKILL");
        await running.ended;
      }
      const last = startExec(["--backend", backend], { before: net.atServer });
      writer.sync(last);
      last.child.stdin.end();
      const { status, stderr } = await last.ended;
      assert.equal(status, 0, stderr);
      assert.deepEqual(await kernelBans(net, "kill"), writer.banned());
      await runExec(["--flush"], "", { before: net.atServer });
      assert.deepEqual(await net.rules(), []);
    });
  }
});

/** Does what f2b-stream does: knows who is banned, says it all in a sync at each start, then says what changes. */
class Writer {
  readonly #bans = new Map<string, string | null>();

  banned(): readonly string[] {
    return [...this.#bans.keys()].sort();
  }

  /** With live commands in between. */
  sync(running: Running): void {
    running.write({ cmd: "sync", phase: "begin", jails: ["kill"] });
    for (const [ip, until] of [...this.#bans]) {
      if (Math.random() < 0.05) this.live(running, 1);
      if (this.#bans.has(ip)) running.write({ cmd: "ban", jail: "kill", ip, until, restored: true });
    }
    running.write({ cmd: "sync", phase: "end" });
  }

  live(running: Running, count: number): void {
    for (let i = 0; i < count; i++) {
      const number = Math.floor(Math.random() * ADDRESSES);
      const ip =
        number % 3 === 0 ? `2001:db8::${(number + 1).toString(16)}` : `198.18.${number >> 8}.${number & 255}`;
      if (this.#bans.delete(ip)) {
        running.write({ cmd: "unban", jail: "kill", ip });
        continue;
      }
      const until = Math.random() < 0.5 ? null : "2136-01-07T15:09:04.000Z";
      this.#bans.set(ip, until);
      running.write({ cmd: "ban", jail: "kill", ip, until });
    }
  }
}
