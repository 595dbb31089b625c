import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { killRest, Running, runExec, startExec } from "../helpers/f2b-exec.ts";
import { CLIENT, Netns, netnsSkip, SERVER } from "../helpers/netns.ts";
import { connect, listen } from "../helpers/tcp.ts";

const REJECT4 = "-j REJECT --reject-with icmp-port-unreachable";
const REJECT6 = "-j REJECT --reject-with icmp6-port-unreachable";

const ban = (ip: string, more: object = {}) => ({ cmd: "ban", jail: "smtp", ip, ...more });
const unban = (ip: string, more: object = {}) => ({ cmd: "unban", jail: "smtp", ip, ...more });
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

/** Addresses enough for big batches: 198.18.0.0 and on. */
const many = (count: number) => Array.from({ length: count }, (_, i) => `198.18.${i >> 8}.${i & 255}`);

const skip = netnsSkip("iptables", "ip6tables", "flock");

describe("f2b-exec --backend iptables", { skip, timeout: 120_000 }, () => {
  let net: Netns;
  let folder = "";
  before(async () => {
    net = await Netns.create();
    folder = mkdtempSync(join(tmpdir(), "f2b-exec-"));
  });
  afterEach(async () => {
    killRest();
    for (const tool of ["iptables", "ip6tables"]) await net.run("sh", "-c", `${tool} -F; ${tool} -X`);
  });
  after(async () => {
    await net.remove();
    rmSync(folder, { recursive: true });
  });

  const exec = (args: readonly string[], input: string | readonly object[]) =>
    runExec(["--backend", "iptables", ...args], input, { before: net.atServer });
  const start = (...args: string[]) =>
    startExec(["--backend", "iptables", ...args], { before: net.atServer });
  const clean = async () => {
    assert.equal((await exec(["--flush"], "")).status, 0);
    assert.deepEqual([...(await net.rules()), ...(await net.rules("ip6tables"))], []);
  };

  test("makes chain, jump and rules, and nothing twice when it is started twice", async () => {
    const commands = [
      ban("192.0.2.7", { port: [465, 25, "10000:10100"], protocol: ["tcp", "udp"] }),
      ban("203.0.113.0/24", { until: "2136-01-07T15:09:04.500Z" }),
      ban("2001:db8:7::7"),
    ];
    const expected4 = [
      "-N f2bs-smtp",
      "-A INPUT -p tcp -m multiport --dports 25,465,10000:10100 -j f2bs-smtp",
      "-A INPUT -p udp -m multiport --dports 25,465,10000:10100 -j f2bs-smtp",
      `-A f2bs-smtp -s 203.0.113.0/24 -m comment --comment "until:2136-01-07T15:09:05Z" ${REJECT4}`,
      `-A f2bs-smtp -s 192.0.2.7/32 ${REJECT4}`,
      "-A f2bs-smtp -j RETURN",
    ];
    const expected6 = [
      "-N f2bs-smtp",
      "-A INPUT -p tcp -m multiport --dports 25,465,10000:10100 -j f2bs-smtp",
      "-A INPUT -p udp -m multiport --dports 25,465,10000:10100 -j f2bs-smtp",
      `-A f2bs-smtp -s 2001:db8:7::7/128 ${REJECT6}`,
      "-A f2bs-smtp -j RETURN",
    ];
    for (const round of ["first", "second"]) {
      const { status, stderr } = await exec([], commands);
      assert.equal(status, 0, stderr);
      assert.deepEqual(await net.rules(), expected4, round);
      assert.deepEqual(await net.rules("ip6tables"), expected6, round);
    }
    await clean();
  });

  test("shows with --status the bans in force, long jail names included", async () => {
    const jail = "postfix-sasl-aggressive";
    await exec(
      [],
      [ban("192.0.2.7", { jail, port: [25], protocol: ["tcp"] }), ban("2001:db8:7::7", { jail })],
    );
    const { stdout } = await exec(["--status"], "");
    assert.equal(
      stdout,
      `JAIL                     ADDRESS        UNTIL     PORTS   CHAINS  BACKEND
postfix-sasl-aggressive  192.0.2.7      for ever  25/tcp  INPUT   iptables
postfix-sasl-aggressive  2001:db8:7::7  for ever  25/tcp  INPUT   iptables
`,
    );
    const json = await exec(["--status", "--json"], "");
    assert.deepEqual(JSON.parse(json.stdout), {
      ...{ jail, backend: "iptables", port: [25], protocol: ["tcp"], chain: ["INPUT"] },
      bans: [
        { ip: "192.0.2.7", until: null },
        { ip: "2001:db8:7::7", until: null },
      ],
    });
    await clean();
  });

  test("refuses real connections to the jail's ports while a ban lasts, IPv4 and IPv6", async () => {
    const server = await listen(net, [2525, 8080]);
    const running = start();
    running.write(ban(CLIENT.ipv4, { port: [2525], protocol: ["tcp"] }), ban(CLIENT.ipv6));
    await running.said(`Ban ${CLIENT.ipv6}`);
    assert.deepEqual(await connectAll(net), ["refused", "open", "refused", "open"]);
    running.write(unban(CLIENT.ipv4), unban(CLIENT.ipv6));
    await running.said(`Unban ${CLIENT.ipv6}`);
    assert.deepEqual(await connectAll(net), ["open", "open", "open", "open"]);
    running.child.stdin.end();
    server.child.kill();
    await Promise.all([running.ended, server.ended]);
    await clean();
  });

  test("leaves rules of others as they were", async () => {
    const foreign = ["-N f2b-sshd", "-A f2b-sshd -j RETURN", "-A INPUT -p tcp --dport 22 -j f2b-sshd"];
    for (const rule of foreign) await net.run("iptables", ...rule.split(" "));
    await net.run(
      "iptables",
      "-A",
      "INPUT",
      "-m",
      "comment",
      "--comment",
      'my "own" -j f2bs-x',
      "-j",
      "ACCEPT",
    );
    const before = await net.rules();
    await exec([], [ban("192.0.2.7"), ban("192.0.2.8", { jail: "imap", port: [143], protocol: ["tcp"] })]);
    const ours = (await net.rules()).filter((rule) => !before.includes(rule));
    assert.ok(ours.length === 8 && ours.every((rule) => rule.includes("f2bs-")), ours.join("\n"));
    assert.equal((await exec(["--flush"], "")).status, 0);
    assert.deepEqual(await net.rules(), before);
  });

  test("changes the jump when a command names other ports", async () => {
    await exec([], [ban("192.0.2.7", { port: [25], protocol: ["tcp"] })]);
    const { stderr } = await exec([], [ban("192.0.2.8", { port: [143], protocol: ["tcp"] })]);
    assert.match(stderr, /NOTICE \[smtp\] now ports 143 tcp/);
    assert.deepEqual(
      (await net.rules()).filter((rule) => rule.includes("INPUT")),
      ["-A INPUT -p tcp -m multiport --dports 143 -j f2bs-smtp"],
    );
    await clean();
  });

  test("applies no ban that ended in 2014, and keeps one that ends in a year", async () => {
    const running = start("--on-eof", "wait");
    running.write(
      ban("192.0.2.7", { until: "2014-01-07T15:09:04.000Z" }),
      ban("192.0.2.8", { until: inSeconds(31_536_000) }),
    );
    running.child.stdin.end();
    await running.said("1 ban not applied: already ended");
    running.child.kill("SIGTERM");
    assert.equal((await running.ended).status, 0);
    assert.deepEqual(
      (await net.rules()).flatMap((rule) => /-s (192\.0\.2\.\d+)/.exec(rule)?.[1] ?? []),
      ["192.0.2.8"],
    );
    await clean();
  });

  test("--on-eof wait stays until the last ban that has an end has ended", async () => {
    const running = start("--on-eof", "wait");
    running.write(ban("192.0.2.8"));
    await running.said("Ban 192.0.2.8");
    running.write(ban("192.0.2.7", { until: inSeconds(1) }));
    running.child.stdin.end();
    const { status, stderr } = await running.ended;
    assert.equal(status, 0);
    assert.match(stderr, /Unban 192\.0\.2\.7\n/);
    assert.deepEqual(
      (await net.rules()).filter((rule) => rule.includes("-s ")),
      [`-A f2bs-smtp -s 192.0.2.8/32 ${REJECT4}`],
    );
    await clean();
  });

  test("--on-eof flush removes the jails that it served, and no others", async () => {
    await exec([], [ban("192.0.2.8", { jail: "other" })]);
    const { stderr } = await exec(["--on-eof", "flush"], [ban("192.0.2.7"), ban("2001:db8:7::7")]);
    assert.match(stderr, /NOTICE \[smtp\] Flush 2 bans/);
    assert.deepEqual(await net.rules(), [
      "-N f2bs-other",
      "-A INPUT -j f2bs-other",
      `-A f2bs-other -s 192.0.2.8/32 ${REJECT4}`,
      "-A f2bs-other -j RETURN",
    ]);
    await clean();
  });

  test("takes over the bans of an earlier run, and ends those that should have ended meanwhile", async () => {
    await exec([], [ban("192.0.2.7"), ban("192.0.2.8")]);
    const ended = "-s 192.0.2.9/32 -m comment --comment until:2014-01-07T15:09:04Z -j REJECT".split(" ");
    await net.run("iptables", "-I", "f2bs-smtp", "1", ...ended);
    const running = start();
    running.write(unban("192.0.2.8"));
    await running.said("Unban 192.0.2.9");
    running.child.stdin.end();
    const { stderr } = await running.ended;
    assert.match(stderr, /took over 3 bans of an earlier run\n/);
    assert.deepEqual(
      (await net.rules()).filter((rule) => rule.includes("-s ")),
      [`-A f2bs-smtp -s 192.0.2.7/32 ${REJECT4}`],
    );
    await clean();
  });

  test("applies 2,000 bans and 2,000 unbans in a few transactions", async () => {
    const addresses = many(2000);
    const running = start("--results");
    running.write(...addresses.map((ip) => ban(ip)));
    await running.said(`Ban ${addresses.at(-1)}\n`);
    assert.equal((await net.rules()).length, 2003);
    running.write(...addresses.map((ip) => unban(ip)));
    running.child.stdin.end();
    const { stdout, status } = await running.ended;
    assert.equal(status, 0);
    assert.equal(stdout.match(/"result":"applied"/g)?.length, 4000);
    assert.deepEqual(await net.rules(), ["-N f2bs-smtp", "-A INPUT -j f2bs-smtp", "-A f2bs-smtp -j RETURN"]);
    await clean();
  });

  test("a ban that iptables refuses does not affect others of its batch", async () => {
    const wrapper = join(folder, "iptables-restore");
    writeFileSync(
      wrapper,
      `#!/bin/sh
text=$(cat)
case "$text" in *192.0.2.13/32*) echo "unlucky number" >&2; exit 1;; esac
printf '%s\\n' "$text" | exec /usr/sbin/iptables-restore "$@"
`,
    );
    chmodSync(wrapper, 0o755);
    const addresses = Array.from({ length: 50 }, (_, i) => `192.0.2.${i + 1}`);
    const { status, stdout, stderr } = await runExec(
      ["--backend", "iptables", "--results"],
      addresses.map((ip) => ban(ip)),
      { before: net.atServer, env: { PATH: `${folder}:${process.env.PATH}` } },
    );
    assert.equal(status, 0);
    assert.match(stderr, /error: \[smtp\] 192\.0\.2\.13: exit status 1: unlucky number\n/);
    const results = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      results
        .filter(({ result }) => result !== "applied")
        .map(({ ip, result, error }) => ({ ip, result, error })),
      [{ ip: "192.0.2.13", result: "failed", error: "exit status 1: unlucky number" }],
    );
    const banned = (await net.rules()).filter((rule) => rule.includes("-s 192.0.2."));
    assert.equal(banned.length, 49);
    await clean();
  });

  test("restores a chain that others flushed and removed", async () => {
    const running = start();
    running.write(ban("192.0.2.7"));
    await running.said("Ban 192.0.2.7");
    await net.run("iptables", "-F");
    await net.run("iptables", "-X");
    running.write(ban("192.0.2.8"));
    await running.said("Ban 192.0.2.8");
    assert.equal((await net.rules()).filter((rule) => rule.includes("-s 192.0.2.")).length, 2);
    running.child.stdin.end();
    await running.ended;
    await clean();
  });

  test("carries out what arrived when the writer is killed within a line", async () => {
    const commands = many(500).map((ip) => JSON.stringify(ban(ip)));
    const file = join(folder, "commands");
    writeFileSync(file, `${commands.join("\n")}\n{"cmd":"ban","ip":"192.0.`);
    const running = start();
    const writer = new Running(["sh", "-c", `cat ${file}; echo written >&2; exec sleep 60`]);
    writer.child.stdout.pipe(running.child.stdin);
    await writer.said("written");
    writer.child.kill("SIGKILL");
    const { status, stderr } = await running.ended;
    assert.equal(status, 65);
    assert.match(stderr, /line 501: the input ends within the line/);
    assert.equal((await net.rules()).filter((rule) => rule.includes("-s 198.18.")).length, 500);
    await clean();
  });

  test("SIGTERM: reads to the end of input, finishes, exits with 0", async () => {
    const running = start();
    running.write(ban("192.0.2.7"));
    await running.said("Ban 192.0.2.7");
    running.child.kill("SIGTERM");
    running.write(ban("192.0.2.8"));
    await running.said("Ban 192.0.2.8");
    running.child.stdin.end();
    assert.equal((await running.ended).status, 0);
    await clean();
  });

  test("a second signal ends it at once", async () => {
    const running = start();
    running.write(ban("192.0.2.7"));
    await running.said("Ban 192.0.2.7");
    running.child.kill("SIGINT");
    running.child.kill("SIGTERM");
    const { status } = await running.ended;
    assert.ok(status === 143 || status === 130, String(status));
    await clean();
  });

  test("serves no jail that another f2b-exec serves, until that one is gone", async () => {
    const first = start();
    first.write(ban("192.0.2.7"));
    await first.said("Ban 192.0.2.7");
    const second = await exec(["--results"], [ban("192.0.2.8"), ban("192.0.2.9", { jail: "other" })]);
    const pid = first.child.pid;
    assert.match(second.stderr, new RegExp(`error: jail smtp: another f2b-exec serves it \\(pid ${pid}\\)`));
    assert.match(second.stdout, /192\.0\.2\.8","result":"refused"[\s\S]*192\.0\.2\.9","result":"applied"/);
    first.child.kill("SIGKILL");
    await first.ended;
    const third = await exec(["--results"], [ban("192.0.2.8")]);
    assert.match(third.stdout, /"result":"applied"/);
    await clean();
  });

  test("--chain: jumps from the named chains, and exits with 69 when one does not exist", async () => {
    await exec(["--chain", "FORWARD", "--chain", "INPUT"], [ban("192.0.2.7")]);
    assert.deepEqual((await net.rules()).slice(1, 3), ["-A INPUT -j f2bs-smtp", "-A FORWARD -j f2bs-smtp"]);
    await exec(["--chain", "FORWARD"], [ban("192.0.2.7")]);
    assert.deepEqual((await net.rules())[1], "-A FORWARD -j f2bs-smtp");
    const { status, stderr } = await exec(["--chain", "NOWHERE"], [ban("192.0.2.7")]);
    assert.equal(status, 69);
    assert.match(stderr, /there is no chain NOWHERE/);
    await clean();
  });

  test("--blocktype: rewrites a jail that has the other", async () => {
    await exec([], [ban("192.0.2.7")]);
    await exec(["--blocktype", "drop"], [ban("192.0.2.8")]);
    assert.deepEqual((await net.rules()).slice(-3), [
      "-A f2bs-smtp -s 192.0.2.8/32 -j DROP",
      "-A f2bs-smtp -s 192.0.2.7/32 -j DROP",
      "-A f2bs-smtp -j RETURN",
    ]);
    await clean();
  });

  test("without permission it exits with 69 and says what would help", async () => {
    const nobody = ["setpriv", "--reuid", "65534", "--clear-groups"];
    const { status, stderr } = await runExec(["--backend", "iptables"], [ban("192.0.2.7")], {
      before: [...net.atServer, ...nobody],
    });
    assert.equal(status, 69);
    assert.match(
      stderr,
      /error: no firewall: iptables: [\s\S]*hint: run f2b-exec as root or with CAP_NET_ADMIN/,
    );
  });

  test("without the tools it exits with 69; without those of IPv6 it continues with IPv4", async () => {
    const hide = (kept: string) => [
      ...["unshare", "-m", "sh", "-c"],
      `cp /usr/sbin/xtables-nft-multi ${folder}/ && mount -t tmpfs none /usr/sbin && cd /usr/sbin && ` +
        `for tool in ${kept}; do cp ${folder}/xtables-nft-multi $tool; done; exec "$@"`,
      "sh",
    ];
    const none = await runExec(["--backend", "iptables"], [ban("192.0.2.7")], {
      before: [...net.atServer, ...hide("")],
    });
    assert.equal(none.status, 69);
    assert.match(none.stderr, /hint: install iptables/);
    const some = await runExec(
      ["--backend", "iptables", "--results"],
      [ban("192.0.2.7"), ban("2001:db8:7::7")],
      {
        before: [...net.atServer, ...hide("iptables iptables-restore")],
      },
    );
    assert.equal(some.status, 0);
    assert.match(some.stderr, /warning: no IPv6 bans: ip6tables: ENOENT/);
    assert.match(some.stdout, /192\.0\.2\.7","result":"applied"[\s\S]*"result":"failed"/);
    await clean();
  });
});

/** What a client gets at ports 2525 and 8080, IPv4 then IPv6. */
function connectAll(net: Netns): Promise<string[]> {
  const places = [SERVER.ipv4, SERVER.ipv6].flatMap((host) => [2525, 8080].map((port) => ({ host, port })));
  return Promise.all(places.map(({ host, port }) => connect(net, host, port)));
}
