import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Running, runExec, startExec } from "../helpers/f2b-exec.ts";
import { kernelBans } from "../helpers/kernel-bans.ts";
import { CLIENT, Netns, netnsSkip, SERVER } from "../helpers/netns.ts";
import { connect, listen } from "../helpers/tcp.ts";

const ban = (ip: string, more: object = {}) => ({ cmd: "ban", jail: "smtp", ip, ...more });
const unban = (ip: string, more: object = {}) => ({ cmd: "unban", jail: "smtp", ip, ...more });
const sync = (phase: string, ...jails: string[]) => ({ cmd: "sync", phase, jails });
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

/** Somebody else's firewall. */
const FOREIGN = [
  "iptables -N f2b-sshd",
  "iptables -A f2b-sshd -s 192.0.2.99 -j REJECT",
  "iptables -A f2b-sshd -j RETURN",
  "iptables -A INPUT -p tcp --dport 22 -j f2b-sshd",
  "ip6tables -A INPUT -s 2001:db8:99::/48 -j DROP",
  "nft add table inet own",
  "nft add chain inet own input { type filter hook input priority 0; policy accept; }",
  "nft add rule inet own input tcp dport 23 drop",
];

const skip = netnsSkip("iptables", "ip6tables", "ipset", "nft", "flock", "setpriv");

/** A suite with a server and a client of its own, so that suites can run at a time. */
function withServer(name: string, declare: (host: Host) => void): void {
  describe(name, { concurrency: 1 }, () => {
    const host = new Host();
    before(() => host.open());
    afterEach(() => host.clean());
    after(() => host.close());
    declare(host);
  });
}

class Host {
  #net: Netns | undefined;
  #server: Running | undefined;
  #started: Running[] = [];

  get net(): Netns {
    assert.ok(this.#net);
    return this.#net;
  }

  async open(): Promise<void> {
    this.#net = await Netns.create();
    this.#server = await listen(this.#net, [2525, 8080]);
  }

  /** Ends what the test started and flushes all firewalls. */
  async clean(): Promise<void> {
    await this.#kill(this.#started.splice(0));
    await this.net.run(
      "sh",
      "-c",
      "iptables -F; iptables -X; ip6tables -F; ip6tables -X; ipset destroy; nft flush ruleset",
    );
  }

  async close(): Promise<void> {
    await this.#kill([this.#server]);
    await this.net.remove();
  }

  exec(args: readonly string[], input: string | readonly object[]) {
    return runExec(args, input, { before: this.net.atServer });
  }

  start(...args: string[]): Running {
    const running = startExec(args, { before: this.net.atServer });
    this.#started.push(running);
    return running;
  }

  bans(jail = "smtp"): Promise<string[]> {
    return kernelBans(this.net, jail);
  }

  async #kill(list: readonly (Running | undefined)[]): Promise<void> {
    for (const running of list) running?.child.kill("SIGKILL");
    await Promise.all(list.map((running) => running?.ended));
  }
}

describe("f2b-exec: each back end", { skip, timeout: 240_000, concurrency: 3 }, () => {
  for (const backend of ["ipset", "nftables", "iptables"])
    withServer(backend, (host) => {
      test(`${backend}: a ban refuses connections to its ports, an unban lets them through, IPv4 and IPv6`, async () => {
        const running = host.start("--backend", backend);
        running.write(ban(CLIENT.ipv4, { port: [2525], protocol: ["tcp"] }), ban("2001:db8:51::/64"));
        await running.said("refused [smtp] 2001:db8:51::/64: it holds");
        running.write(ban(CLIENT.ipv6));
        await running.said(`Ban ${CLIENT.ipv6}`);
        const look = () =>
          Promise.all(
            [SERVER.ipv4, SERVER.ipv6].flatMap((address) =>
              [2525, 8080].map((port) => connect(host.net, address, port)),
            ),
          );
        assert.deepEqual(await look(), ["refused", "open", "refused", "open"]);
        running.write(unban(CLIENT.ipv4), unban(CLIENT.ipv6));
        await running.said(`Unban ${CLIENT.ipv6}`);
        assert.deepEqual(await look(), ["open", "open", "open", "open"]);
      });

      test(`${backend}: refuses a network, drops with --blocktype drop`, async () => {
        const net24 = "198.51.101.0/24";
        await host.net.run("ip", "addr", "add", "198.51.101.1/24", "dev", "veth0");
        const { stdout } = await host.exec(["--backend", backend, "--results"], [ban(net24)]);
        assert.match(stdout, /"result":"refused".*address of this host/);
        await host.net.run("ip", "addr", "del", "198.51.101.1/24", "dev", "veth0");
        await host.exec(["--backend", backend], [ban(net24), ban("2001:db8:52::/64"), ban("192.0.2.7")]);
        assert.deepEqual(await host.bans(), ["192.0.2.7", net24, "2001:db8:52::/64"].sort());
        await host.exec(["--backend", backend], [unban(net24), unban("2001:db8:52::/64")]);
        assert.deepEqual(await host.bans(), ["192.0.2.7"]);
      });

      test(`${backend}: started twice, nothing twice; takes over what is there, and flushes it`, async () => {
        await foreign(host.net);
        const before = await snapshot(host.net);
        const commands = [
          ban("192.0.2.7", { port: [25, "10000:10100"], protocol: ["tcp", "udp"] }),
          ban("203.0.113.0/24", { until: inSeconds(3000) }),
          ban("2001:db8:7::7", { until: "2136-01-07T15:09:04.500Z" }),
        ];
        await host.exec(["--backend", backend], commands);
        const once = await snapshot(host.net);
        const { stderr } = await host.exec(["--backend", backend], commands);
        assert.match(stderr, /took over 3 bans[\s\S]*already banned\n/);
        assert.doesNotMatch(stderr, /now until/);
        assert.deepEqual(await snapshot(host.net), once);
        assert.deepEqual(withoutOurs(once), before);
        const status = await host.exec(["--status", "--json"], "");
        const { bans: list, ...jail } = JSON.parse(status.stdout);
        assert.deepEqual(jail, {
          ...{ jail: "smtp", backend, port: [25, "10000:10100"], protocol: ["tcp", "udp"], chain: ["INPUT"] },
        });
        assert.deepEqual(list.map(({ ip }: { ip: string }) => ip).sort(), await host.bans());
        assert.equal((await host.exec(["--flush"], "")).status, 0);
        assert.deepEqual(await snapshot(host.net), before);
      });

      for (const [name, command] of [
        ["iptables -F", "iptables -F; ip6tables -F; iptables -X; ip6tables -X"],
        ["nft flush ruleset", "nft flush ruleset"],
        [
          "iptables-restore of a foreign file",
          "printf '*filter\\n:INPUT ACCEPT\\n:f2b-x - [0:0]\\nCOMMIT\\n' | iptables-restore",
        ],
      ] as const) {
        test(`${backend}: puts everything back after ${name}`, async () => {
          const running = host.start("--backend", backend);
          running.write(
            ban(CLIENT.ipv4, { port: [2525], protocol: ["tcp"] }),
            ban("2001:db8:7::7"),
            ban("192.0.2.8"),
          );
          await running.said("Ban 192.0.2.8");
          await host.net.run("sh", "-c", command);
          // A table of nftables' own is not touched by the iptables tools.
          if (backend !== "nftables" || name === "nft flush ruleset") {
            await running.said("another program changed the firewall: restored smtp");
          }
          assert.deepEqual(await host.bans(), [CLIENT.ipv4, "192.0.2.8", "2001:db8:7::7"].sort());
          assert.equal(await connect(host.net, SERVER.ipv4, 2525), "refused");
          assert.equal(await connect(host.net, SERVER.ipv4, 8080), "open");
        });
      }

      test(`${backend}: sync drops what neither it nor a live command named between begin and end`, async () => {
        await host.exec(
          ["--backend", backend],
          [ban("192.0.2.1"), ban("192.0.2.2"), ban("192.0.2.3"), ban("192.0.2.9", { jail: "imap" })],
        );
        const { stderr } = await host.exec(
          ["--backend", backend, "--max-bans", "4"],
          [
            ...[
              sync("begin", "smtp"),
              ban("192.0.2.2"),
              ban("192.0.2.4"),
              ban("192.0.2.5"),
              unban("192.0.2.4"),
            ],
            ...[sync("end"), ban("192.0.2.6")],
          ],
        );
        assert.deepEqual(await host.bans(), ["192.0.2.2", "192.0.2.5", "192.0.2.6"], stderr);
        assert.deepEqual(await host.bans("imap"), ["192.0.2.9"]);
        await host.exec(["--backend", backend], [sync("begin", "smtp"), ban("192.0.2.7")]);
        assert.deepEqual(await host.bans(), ["192.0.2.2", "192.0.2.5", "192.0.2.6", "192.0.2.7"]);
      });

      test(`${backend}: works for an ordinary user with CAP_NET_ADMIN alone`, async () => {
        const nobody = [
          "setpriv",
          "--reuid=65534",
          "--clear-groups",
          "--inh-caps=+net_admin",
          "--ambient-caps=+net_admin",
        ];
        const { status, stderr } = await runExec(
          ["--backend", backend],
          [ban("192.0.2.7"), ban("2001:db8:7::7")],
          {
            before: [...host.net.atServer, ...nobody],
          },
        );
        assert.equal(status, 0, stderr);
        assert.deepEqual(await host.bans(), ["192.0.2.7", "2001:db8:7::7"]);
      });

      test(`${backend}: covers ports that Docker publishes, by the original port`, async () => {
        await host.net.run("iptables", "-N", "DOCKER-USER");
        await host.net.run("iptables", "-A", "FORWARD", "-j", "DOCKER-USER");
        const container = await host.net.addContainer();
        const inside = await listen(host.net, [80], container.atContainer);
        await host.net.run(
          "iptables",
          "-t",
          "nat",
          "-A",
          "PREROUTING",
          ..."-p tcp --dport 9080 -j DNAT".split(" "),
          "--to",
          `${container.ipv4}:80`,
        );
        assert.equal(await connect(host.net, SERVER.ipv4, 9080), "open");
        await host.exec(["--backend", backend], [ban(CLIENT.ipv4, { port: [9080], protocol: ["tcp"] })]);
        assert.equal(await connect(host.net, SERVER.ipv4, 9080), "refused");
        await host.exec(["--backend", backend], [ban(CLIENT.ipv4, { port: [9081], protocol: ["tcp"] })]);
        assert.equal(await connect(host.net, SERVER.ipv4, 9080), "open");
        inside.child.kill();
        await container.remove();
        await host.net.run("iptables", "-t", "nat", "-F");
      });
    });

  for (const backend of ["ipset", "nftables"])
    withServer(`${backend} alone`, (host) => {
      test(`${backend}: the kernel ends a ban though f2b-exec was killed with -9`, async () => {
        const running = host.start("--backend", backend);
        running.write(ban(CLIENT.ipv4, { until: inSeconds(5) }), ban("192.0.2.8"));
        await running.said("Ban 192.0.2.8");
        running.child.kill("SIGKILL");
        await running.ended;
        assert.equal(await connect(host.net, SERVER.ipv4, 2525), "refused");
        for (let tries = 0; (await host.bans()).includes(CLIENT.ipv4); tries++) {
          assert.ok(tries < 100, "it did not end");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        assert.equal(await connect(host.net, SERVER.ipv4, 2525), "open");
        assert.deepEqual(await host.bans(), ["192.0.2.8"]);
      });

      test(`${backend}: another back end takes over the bans`, async () => {
        await host.exec(
          ["--backend", "iptables"],
          [ban("192.0.2.7"), ban("192.0.2.8", { until: inSeconds(3000) })],
        );
        await host.exec(["--backend", backend], [ban("192.0.2.9")]);
        assert.deepEqual(await host.bans(), ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
        assert.deepEqual(
          (await host.net.rules()).filter((rule) => rule.startsWith("-N")),
          [],
        );
        const back = await host.exec(["--backend", "iptables"], [unban("192.0.2.7")]);
        assert.match(back.stderr, /took over 3 bans/);
        assert.deepEqual(await host.bans(), ["192.0.2.8", "192.0.2.9"]);
        assert.deepEqual(
          await host.exec(["--status", "--json"], "").then(({ stdout }) => stdout.trim().split("\n").length),
          1,
        );
      });
    });

  withServer("auto, and SSH", (host) => {
    test("auto takes the back end in use, else ipset; without ipset nftables", async () => {
      await host.exec([], [ban("192.0.2.7")]);
      assert.match((await host.exec(["--status"], "")).stdout, /192\.0\.2\.7 .* ipset\n/);
      await host.exec(["--flush"], "");
      await host.exec(["--backend", "nftables"], [ban("192.0.2.7")]);
      await host.exec([], [ban("192.0.2.8")]);
      assert.match((await host.exec(["--status"], "")).stdout, /192\.0\.2\.8 .* nftables\n/);
      await host.exec(["--flush"], "");
      const hidden = [
        "unshare",
        "-m",
        "sh",
        "-c",
        'mount --bind /dev/null "$(command -v ipset)"; exec "$@"',
        "sh",
      ];
      await runExec([], [ban("192.0.2.9")], { before: [...host.net.atServer, ...hidden] });
      assert.match((await host.exec(["--status"], "")).stdout, /192\.0\.2\.9 .* nftables\n/);
    });

    test("spares peers of SSH connections that existed at its start, and says why", async () => {
      const sshd = await listen(host.net, [22], host.net.atServer, "hold");
      const session = connect(host.net, SERVER.ipv4, 22, "hold");
      await sshd.said("connected");
      const running = host.start("--results");
      running.write(ban(CLIENT.ipv4), ban("198.51.100.0/24"));
      await running.said("the peer of an SSH session");
      assert.deepEqual(await host.bans(), []);
      sshd.child.kill();
      await session;
    });
  });
});

/** Everything of all firewalls, counters and times left out. */
async function snapshot(net: Netns): Promise<string[]> {
  const texts = await Promise.all([
    net.run("iptables-save"),
    net.run("ip6tables-save"),
    net.run("ipset", "list", "-t"),
    net.run("nft", "-s", "-t", "list", "ruleset", "inet"),
  ]);
  return texts
    .join("\n")
    .replaceAll(/^table inet f2bs-\S+ \{\n[\s\S]*?^\}\n/gm, (table) => `f2bs ${JSON.stringify(table)}\n`)
    .replaceAll(
      /^Name: f2bs[\s\S]*?entries: \d+$/gm,
      (set) => `f2bs ${JSON.stringify(set.replace(/Size.*\n|initval.*|hashsize \d+/g, ""))}`,
    )
    .split("\n")
    .map((line) => line.replace(/\[\d+:\d+\]/, ""))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function withoutOurs(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.includes("f2bs"));
}

async function foreign(net: Netns): Promise<void> {
  for (const command of FOREIGN) await net.run("sh", "-c", command.replaceAll(/[{};]+/g, "'$&'"));
}
