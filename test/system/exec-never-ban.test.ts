import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { killRest, Running, runExec, startExec } from "../helpers/f2b-exec.ts";
import { Netns, netnsSkip, SERVER } from "../helpers/netns.ts";

const EXEC = ["--backend", "nftables", "--results"];
/** Addresses of the client: one that only connects, one that logs in, one that logs in and asks for nothing. */
const [BARE, SESSION, QUIET] = ["198.51.100.12", "198.51.100.13", "198.51.100.14"];
const GRACE = 4;

const ban = (ip: string) => ({ cmd: "ban", jail: "sshd", ip, until: "2099-01-01T00:00:00Z" });
const SSHD = "/usr/sbin/sshd";

describe("f2b-exec and those it never bans", { timeout: 120_000 }, () => {
  let folder = "";
  let net: Netns;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "f2b-sshd-"));
  });
  after(() => {
    killRest();
    rmSync(folder, { recursive: true });
  });

  const run = (file: string, ...args: readonly string[]) => {
    const { status, stderr } = spawnSync(file, args, { encoding: "utf8" });
    assert.equal(status, 0, `${file} ${args.join(" ")}: ${stderr}`);
  };
  const atClient = (...argv: readonly string[]) => ["ip", "netns", "exec", net.client, ...argv];

  /** Debian's sshd at the server's port 2222, which takes root's key. */
  const startSshd = async () => {
    for (const name of ["host", "user"])
      run("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", join(folder, name));
    mkdirSync("/run/sshd", { recursive: true });
    const lines = [
      ...["Port 2222", `HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/user.pub`, "StrictModes no"],
      ...["PermitRootLogin yes", "UsePAM yes", `LoginGraceTime ${GRACE}`, `PidFile ${folder}/pid`],
    ];
    writeFileSync(join(folder, "sshd_config"), `${lines.join("\n")}\n`);
    const sshd = new Running([...net.atServer, SSHD, "-D", "-e", "-f", join(folder, "sshd_config")]);
    await sshd.said("listening on 0.0.0.0 port 2222");
    return sshd;
  };
  /** A connection that says nothing; its end is sshd's doing. */
  const connect = async (from: string) => {
    const script =
      "const s = require('net').connect({host: process.argv[1], port: 2222, localAddress: process.argv[2]});" +
      "s.once('data', () => console.log('banner')).on('close', () => process.exit()).on('error', () => 0)";
    const running = new Running(atClient(process.execPath, "-e", script, SERVER.ipv4, from));
    await running.said("banner");
    return running;
  };
  const ssh = (from: string, ...more: readonly string[]) =>
    new Running(
      atClient(
        ...["ssh", "-F", "none", "-v", "-b", from, "-p", "2222", "-i", join(folder, "user")],
        ...[
          "-o",
          "StrictHostKeyChecking=no",
          "-o",
          `UserKnownHostsFile=${folder}/known`,
          "-o",
          "BatchMode=yes",
        ],
        ...["-tt", ...more],
      ),
    );

  test("SSH: only connections with a login, as long as they last", {
    skip: netnsSkip("nft", "ssh", "ssh-keygen", SSHD),
  }, async () => {
    net = await Netns.create();
    for (const ip of [BARE, SESSION, QUIET])
      run("ip", "-n", net.client, "addr", "add", `${ip}/24`, "dev", "veth0");
    await startSshd();
    const bare = await connect(BARE);
    const session = ssh(SESSION, `root@${SERVER.ipv4}`, "echo in; cat");
    await session.said("in\r\n");
    const quiet = ssh(QUIET, "-N", `root@${SERVER.ipv4}`);
    await quiet.said("Authenticated to");

    const first = await runExec(EXEC, [ban(BARE), ban(SESSION), ban(QUIET)], { before: net.atServer });
    const said = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ ip, result, error }) => [ip, result, error].filter(Boolean).join(" "));
    const spared = "refused the peer of an SSH session";
    assert.deepEqual(said(first.stdout), [`${BARE} applied`, `${SESSION} ${spared}`, `${QUIET} ${spared}`]);
    await runExec(["--flush"], "", { before: net.atServer });

    // sshd cuts it off; one that overlaps has its place, and the sessions are older than LoginGraceTime by then.
    const overlapping = await connect(BARE);
    await bare.ended;
    const second = startExec(EXEC, { before: net.atServer });
    second.write(ban(BARE), ban(SESSION), ban(QUIET));
    await second.said(QUIET);
    await overlapping.ended;
    quiet.child.kill("SIGTERM");
    session.child.kill("SIGTERM");
    await Promise.all([quiet.ended, session.ended]);
    // Who is connected is looked at every ten seconds.
    const asked = setInterval(() => second.write(ban(SESSION)), 500);
    await second.said(`"ip":"${SESSION}","result":"applied"`);
    clearInterval(asked);
    second.child.stdin.end();
    const lines = said((await second.ended).stdout);
    assert.deepEqual(lines.slice(0, 3), [`${BARE} applied`, `${SESSION} ${spared}`, `${QUIET} ${spared}`]);
    await runExec(["--flush"], "", { before: net.atServer });
    killRest();
    await net.remove();
  });

  test("gateways of all tables, broadcast addresses and addresses that embed an own one", {
    skip: netnsSkip("nft"),
  }, async () => {
    net = await Netns.create();
    const ip = (...args: readonly string[]) => run("ip", "-n", net.server, ...args);
    ip("route", "add", "default", "via", "198.51.100.77", "table", "123");
    ip("rule", "add", "fwmark", "7", "table", "123");
    ip("route", "add", "local", "default", "dev", "lo", "table", "124");
    const refusals = [
      ["198.51.100.77", "the gateway of a route"],
      ["198.51.100.255", "a broadcast address"],
      ["198.51.100.0/24", "it holds 198.51.100.1: an address of this host"],
      ["2002:c633:6401::1", "it may embed 198.51.100.1: an address of this host"],
      ["64:ff9b::198.51.100.1", "an address of this host"],
      ["239.255.255.250", "multicast (224.0.0.0/4)"],
    ] as const;
    const bans = [...refusals.map(([address]) => ban(address)), ban("192.0.2.7")];
    const { stdout } = await runExec(EXEC, bans, { before: net.atServer });
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      results.map(({ error }) => error),
      [...refusals.map(([, why]) => why), undefined],
    );
    await runExec(["--flush"], "", { before: net.atServer });
    await net.remove();
  });
});
