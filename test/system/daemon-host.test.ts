import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import test from "node:test";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { SERVER } from "../helpers/netns.ts";

test("DaemonHost runs Debian's sshd, whose lines arrive by rsyslogd, and leaves nothing", {
  skip: hostSkip("sshd", "ssh"),
}, async () => {
  const host = await DaemonHost.create();
  await host.addClients("192.0.2.7");
  await host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/test_key");
  host.start("/usr/sbin/sshd", "-D", "-h", "/etc/ssh/test_key");
  await host.listening(22);
  const [ip, ...args] = host.atClient;
  const options = [
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "BatchMode=yes",
  ];
  spawnSync(ip as string, [...args, "ssh", ...options, "-b", "192.0.2.7", `nobody-such@${SERVER.ipv4}`]);
  const isTold = () =>
    host
      .lines("/var/log/auth.log")
      .some((line) => / sshd\[\d+\]: Invalid user nobody-such from 192\.0\.2\.7 port \d+$/.test(line));
  await host.until(isTold, "sshd's line in auth.log");
  assert.equal(existsSync("/etc/ssh/test_key"), false);
  await host.remove();
  assert.equal(existsSync(`/run/netns/${host.net.server}`), false);
});
