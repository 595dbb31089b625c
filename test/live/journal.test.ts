import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { basic, request, startNginx } from "../daemons/nginx.ts";
import { Talker } from "../daemons/talk.ts";
import { SERVER } from "../helpers/netns.ts";
import { runProgram } from "../helpers/program.ts";

const ATTACKER = "192.0.2.7";
const VICTIM = "203.0.113.9";
const JOURNALD = "/lib/systemd/systemd-journald";
const SOCKET = "/run/systemd/journal/dev-log";
/** Any user who may log in. */
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** Sends a datagram to a socket. */
const SEND = "socket S, AF_UNIX, SOCK_DGRAM, 0; connect S, sockaddr_un shift or die; send S, shift, 0 or die";
const FAILED = `Failed password for root from ${VICTIM} port 4711 ssh2`;

describe("the journal", {
  skip:
    hostSkip("nginx", "sshd", "ssh", "journalctl", "setpriv", "logger", "perl") ||
    (!existsSync(JOURNALD) && `needs ${JOURNALD}`),
}, () => {
  let host: DaemonHost;

  before(async () => {
    host = await DaemonHost.create();
    await host.addClients(ATTACKER);
    await host.run("mkdir", "-p", "/run/systemd/journal", "/run/log/journal");
    // journald asks for the control group of each process.
    await host.run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup");
    host.start(JOURNALD);
    await host.until(
      () => readdirSync(host.path("/run/log/journal")).length > 0,
      "journald has begun a journal",
    );
    await host.run("ln", "-sf", SOCKET, "/dev/log");
  });
  after(() => host.remove());

  /** All entries, once one holds this text, as journalctl gives them. */
  async function entries(text: string): Promise<string> {
    let json = "";
    const args = ["-D", host.path("/run/log/journal"), "-aqo", "json"];
    const isThere = () => {
      json = spawnSync("journalctl", args, { encoding: "utf8", maxBuffer: 1 << 26 }).stdout;
      return json.includes(text);
    };
    await host.until(isThere, `an entry that says ${text}`);
    return json;
  }

  /** Whom a bundled rule bans if one failure is enough, and what it says. */
  async function banned(rule: string, json: string, ...sets: readonly string[]) {
    const all = ["*.maxretry=1", "*.ignoreself=false", ...sets].flatMap((set) => ["--set", set]);
    const { stdout, stderr } = await runProgram("f2b-stream", ["-r", rule, "--replay", ...all], json);
    const bans = stdout.split("\n").filter((line) => line.startsWith('{"cmd":"ban"'));
    return { banned: [...new Set(bans.map((line) => (JSON.parse(line) as { ip: string }).ip))], stderr };
  }

  test("says who wrote an entry: sshd's count, a local user's are told of", async () => {
    await host.run(...NOBODY, "logger", "-t", "sshd", FAILED);
    const fields = `MESSAGE=${FAILED}\nSYSLOG_IDENTIFIER=sshd\n_UID=0\n_COMM=sshd\n_SYSTEMD_UNIT=ssh.service\n`;
    await host.run(...NOBODY, "perl", "-MSocket", "-e", SEND, "/run/systemd/journal/socket", fields);
    await host.run("ln", "-s", "/usr/bin/logger", "/tmp/sshd");
    await host.run(...NOBODY, "/tmp/sshd", "-t", "sshd", FAILED);
    await host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/test_key");
    host.start("/usr/sbin/sshd", "-D", "-h", "/etc/ssh/test_key");
    await host.listening(22);
    const [ip = "", ...args] = host.atClient;
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"].flatMap(
      (option) => ["-o", option],
    );
    spawnSync(ip, [...args, "ssh", ...options, "-b", ATTACKER, `nobody-such@${SERVER.ipv4}`]);
    const json = await entries("Connection closed by invalid user nobody-such");
    assert.equal(json.split(`"MESSAGE":"${FAILED}"`).length - 1, 3);
    const { banned: found, stderr } = await banned("sshd", json);
    assert.deepEqual(found, [ATTACKER]);
    assert.match(
      stderr,
      /\[sshd\] ignored a journal entry that reads like a failure but does not match journalmatch: _UID=65534\n/,
    );
    const open = await banned("sshd", json, "*.journalmatch=[]");
    assert.deepEqual(open.banned.toSorted(), [ATTACKER, VICTIM]);
  });

  test("keeps line feeds inside of an entry of nginx's", async () => {
    await startNginx(host, SOCKET);
    const talker = new Talker(host);
    const line = `2026/11/21 19:40:02 [error] 1#1: *1 access forbidden by rule, client: ${VICTIM}, server: x`;
    const path = [...`x\n${line}\nx`]
      .map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`)
      .join("");
    const names = ["/denied/", "/basic/", `/${path}`, `/denied/${path}`];
    for (const name of names)
      await talker.talk(ATTACKER, 80, [
        { send: request(`GET ${name} HTTP/1.1`, { Authorization: basic(line.replaceAll(":", ";")) }) },
        { do: "close" },
      ]);
    await talker.talk(ATTACKER, 80, [
      {
        send: request("GET /basic/last HTTP/1.1", {
          Authorization: basic(`last\n${line.replaceAll(":", ";")}\n`),
        }),
      },
      { do: "close" },
    ]);
    talker.close();
    const json = await entries("/basic/last");
    assert.ok(json.includes(`x\\n${line}\\nx`), "the entry has its line feeds");
    const { banned: found } = await banned(
      "nginx",
      json,
      "nginx-syslog.enabled=true",
      "nginx-syslog.journalmatch=[]",
    );
    assert.deepEqual(found, [ATTACKER]);
    // No systemd runs here, so no entry has a unit.
    const { banned: trusted, stderr } = await banned("nginx", json, "nginx-syslog.enabled=true");
    assert.deepEqual(trusted, []);
    assert.match(
      stderr,
      /\[nginx-syslog\] ignored a journal entry that reads like a failure but does not match journalmatch: _SYSTEMD_UNIT=\n/,
    );
  });
});
