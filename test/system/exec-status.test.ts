import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { runExec } from "../helpers/f2b-exec.ts";
import { Netns, netnsSkip } from "../helpers/netns.ts";

const NFT = `table inet f2bs-sshd {
  comment "elements = { 192.0.2.99 }\x1b[31m"
  set ipv4-32 { type ipv4_addr; flags timeout; comment "\x1b]0;x\x07
	}
}
table inet f2bs-evil {
	set ipv4-32 {
		elements = { 192.0.2.99 }
"; elements = { 192.0.2.7 comment "192.0.2.99" } }
}
`;
const COMMENT = "\x1b[31m\n-A f2bs-smtp -s 192.0.2.99/32 -j DROP\nadd f2bs-web-4 192.0.2.99 timeout 0";
const OTHERS = [
  ["nft", "-f", "-"],
  ["iptables", "-N", "f2bs-smtp"],
  ["iptables", "-A", "f2bs-smtp", "-s", "192.0.2.7", "-m", "comment", "--comment", COMMENT, "-j", "DROP"],
  ["iptables", "-A", "f2bs-smtp", "-m", "comment", "--comment", COMMENT, "-j", "RETURN"],
  ["ipset", "create", "f2bs-web-4", "hash:net", "comment"],
  ["ipset", "add", "f2bs-web-4", "192.0.2.7", "comment", COMMENT],
];

describe("f2b-exec --status", { skip: netnsSkip("nft", "iptables", "ipset"), timeout: 60_000 }, () => {
  test("reads nothing from comments of others, and passes none of their control characters to a terminal", async () => {
    const net = await Netns.create();
    for (const [file = "", ...args] of OTHERS.map((argv) => [...net.atServer, ...argv])) {
      const { status, stderr } = spawnSync(file, args, { input: NFT, encoding: "utf8" });
      assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    }
    const people = await runExec(["--status"], "", { before: net.atServer });
    assert.deepEqual(
      people.stdout.split("\n").map((line) => line.split(/ +/).slice(0, 2).join(" ")),
      ["JAIL ADDRESS", "web 192.0.2.7", "sshd 192.0.2.7", "smtp -", ""],
    );
    const programs = await runExec(["--status", "--json"], "", { before: net.atServer });
    for (const { stdout, stderr } of [people, programs])
      assert.doesNotMatch(stdout + stderr, /[^\n\x20-\x7e]|\.99/);
    await net.remove();
  });
});
