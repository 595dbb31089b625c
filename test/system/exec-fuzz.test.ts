import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { damagedLines } from "../helpers/damaged-lines.ts";
import { killRest, runExec, startExec } from "../helpers/f2b-exec.ts";
import { kernelBans } from "../helpers/kernel-bans.ts";
import { Netns, netnsSkip } from "../helpers/netns.ts";

/** `make fuzz-exec` asks for 100,000. */
const LINES = Number(process.env.F2B_FUZZ_LINES ?? 3000);
const SEED = Number(process.env.F2B_FUZZ_SEED ?? 20_261_121);

const skip = netnsSkip("iptables", "ip6tables", "ipset", "nft", "flock");

describe(`f2b-exec on ${LINES} lines of damage, seed ${SEED}`, { skip, timeout: 300_000 }, () => {
  let net: Netns;
  before(async () => {
    net = await Netns.create();
  });
  after(async () => {
    killRest();
    await net.remove();
  });

  for (const backend of ["ipset", "nftables", "iptables"]) {
    test(`${backend}: carries out the valid commands among damaged ones, and nothing else`, async () => {
      const { bytes, banned } = damagedLines(LINES, SEED);
      const running = startExec(["--backend", backend], { before: net.atServer });
      running.child.stdin.end(bytes);
      const { status, stderr } = await running.ended;
      assert.equal(status, 65, stderr.slice(-2000));
      assert.deepEqual(await kernelBans(net, "fuzz"), banned);
      const left = await runExec(["--status", "--json"], "", { before: net.atServer });
      const jails = left.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        jails.map(({ jail, port }) => ({ jail, port })),
        [{ jail: "fuzz", port: [] }],
      );
      assert.ok(stderr.split("\n").filter((line) => line.includes("warning: line")).length < 100);
      await runExec(["--flush"], "", { before: net.atServer });
      assert.deepEqual(await net.rules(), []);
    });
  }
});
