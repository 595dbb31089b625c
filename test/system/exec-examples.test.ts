import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { killRest, Running, runExec, startExec } from "../helpers/f2b-exec.ts";
import { CLIENT, Netns, netnsSkip, SERVER } from "../helpers/netns.ts";
import { ROOT } from "../helpers/root.ts";
import { connect, listen } from "../helpers/tcp.ts";

const ban = (ip: string, more: object = {}) => ({ cmd: "ban", jail: "smtp", ip, ...more });
const unban = (ip: string) => ({ cmd: "unban", jail: "smtp", ip });

describe("f2b-exec with examples/actions", { timeout: 60_000 }, () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "f2b-examples-"));
  });
  after(() => {
    killRest();
    rmSync(folder, { recursive: true });
  });

  /** The example, its paths and URLs changed for the test; returns where it stands. */
  const example = (name: string, changes: Readonly<Record<string, string>> = {}) => {
    let text = readFileSync(join(ROOT, "examples/actions", name), "utf8");
    for (const [from, to] of Object.entries(changes)) {
      assert.ok(text.includes(from), `${name} has no ${from}`);
      text = text.replaceAll(from, to);
    }
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  /** A command of the test's own, found before any other of its name: prints its arguments and stdin into a file. */
  const stub = (name: string) => {
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\n{ printf '%s|' "$@"; cat; echo; } >> ${folder}/${name}.ran\n`,
    );
    chmodSync(join(folder, name), 0o755);
    return () => readFileSync(join(folder, `${name}.ran`), "utf8");
  };
  const run = (config: string, ...commands: object[]) =>
    runExec(["--backend", "none", "-c", config], commands, {
      env: { PATH: `${folder}:${process.env.PATH}` },
    });

  test("mail.yaml mails the evidence, but not of restored bans", async () => {
    const ran = stub("mail");
    const { stderr } = await run(
      example("mail.yaml"),
      ban("192.0.2.7", { failures: 5, matches: ["$(reboot)"] }),
      ban("192.0.2.8", { restored: true }),
    );
    assert.match(
      ran(),
      /^-s\|\[f2b\] smtp: 192\.0\.2\.7 banned after 5 failures\|root\|\{.*"matches":\["\$\(reboot\)"\]\}\n\n$/,
    );
    assert.doesNotMatch(stderr, /error/);
  });

  test("hosts-deny.yaml adds and removes lines, and nothing twice", async () => {
    const file = join(folder, "hosts.deny");
    writeFileSync(file, "# mine\nALL: 192.0.2.70\n");
    const config = example("hosts-deny.yaml", {
      "/etc/hosts.deny": file,
      "/run/f2b-exec/hosts-deny.lock": `${file}.lock`,
    });
    await run(config, ban("192.0.2.7"), ban("2001:db8::7"), ban("2001:db8:1::/64"), ban("192.0.2.70"));
    assert.deepEqual(readFileSync(file, "utf8").split("\n").slice(0, 2), ["# mine", "ALL: 192.0.2.70"]);
    const added = readFileSync(file, "utf8").trim().split("\n").slice(2).sort();
    assert.deepEqual(added, ["ALL: 192.0.2.7", "ALL: [2001:db8:1::]/64", "ALL: [2001:db8::7]"]);
    await run(config, unban("192.0.2.7"), unban("2001:db8::7"), unban("2001:db8:1::/64"));
    assert.equal(readFileSync(file, "utf8"), "# mine\nALL: 192.0.2.70\n");
  });

  test("nginx-deny.yaml creates its file, changes it and reloads nginx", async () => {
    const ran = stub("nginx");
    const file = join(folder, "deny.conf");
    const config = example("nginx-deny.yaml", {
      "/etc/nginx/f2b-deny.conf": file,
      "/run/f2b-exec/nginx-deny.lock": `${file}.lock`,
    });
    await run(config, ban("192.0.2.7"), ban("192.0.2.8"), unban("192.0.2.8"));
    assert.equal(readFileSync(file, "utf8"), "deny 192.0.2.7;\n");
    assert.equal(ran().match(/^-s\|reload\|/gm)?.length, 3);
  });

  test("hosts-deny.yaml gives up on a lock that another process holds, and says so", async () => {
    const file = join(folder, "hosts.held");
    writeFileSync(file, "");
    const config = example("hosts-deny.yaml", {
      "/etc/hosts.deny": file,
      "/run/f2b-exec/hosts-deny.lock": `${file}.lock`,
      "-w 20": "-w 1",
    });
    const holder = new Running(["flock", `${file}.lock`, "sh", "-c", "echo held; cat"]);
    await holder.said("held");
    const { stderr } = await run(config, ban("192.0.2.7"));
    assert.match(stderr, /error: \[smtp\] actionban of hosts\.deny: .*hosts\.held\.lock: held by another/);
    assert.equal(readFileSync(file, "utf8"), "");
    holder.child.stdin.end();
    await holder.ended;
  });

  const skip = netnsSkip("flock", "setpriv");
  test("hosts-deny.yaml and nginx-deny.yaml don't wait for what any user can lock", { skip }, async () => {
    const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    stub("nginx");
    for (const [name, file, option] of [
      ["hosts-deny", "hosts.other", "/etc/hosts.deny"],
      ["nginx-deny", "deny.other", "/etc/nginx/f2b-deny.conf"],
    ] as const) {
      const path = join(folder, file);
      writeFileSync(path, "");
      const old = `/run/lock/f2b-${name}`;
      const holder = new Running([...nobody, "flock", old, "sh", "-c", "echo held; cat"]);
      await holder.said("held");
      const { stderr } = await run(example(`${name}.yaml`, { [option]: path }), ban("192.0.2.7"));
      assert.doesNotMatch(stderr, /error/);
      assert.match(readFileSync(path, "utf8"), /192\.0\.2\.7/);
      holder.child.stdin.end();
      await holder.ended;
      rmSync(old);
      const intruder = new Running([...nobody, "flock", "-n", `/run/f2b-exec/${name}.lock`, "true"]);
      assert.match((await intruder.ended).stderr, /Permission denied/);
      rmSync(`/run/f2b-exec/${name}.lock`);
    }
  });

  test("no example works in a folder that any user may write to", () => {
    for (const name of readdirSync(join(ROOT, "examples/actions"))) {
      const text = readFileSync(join(ROOT, "examples/actions", name), "utf8").replace(/^#.*$/gm, "");
      assert.doesNotMatch(text, /\/tmp|\/run\/lock|\/var\/lock|\/dev\/shm/, name);
    }
  });

  test("webhook.yaml posts the command; a refusal is reported with curl's message", async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        bodies.push(`${request.method} ${request.url} ${body.trim()}`);
        response.writeHead(body.includes("192.0.2.8") ? 500 : 204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const config = example("webhook.yaml", { "https://hooks.example.org": `http://127.0.0.1:${port}` });
    const time = "2026-11-21T20:00:00.000Z";
    const { stderr } = await run(config, ban("192.0.2.7", { time }), ban("192.0.2.8"));
    server.close();
    assert.ok(
      bodies.includes(`POST /f2b {"cmd":"ban","jail":"smtp","ip":"192.0.2.7","time":"${time}","until":null}`),
      bodies.join("\n"),
    );
    assert.match(stderr, /error: \[smtp\] actionban of webhook: exit status 22: .*500/);
  });

  test("cloudflare.yaml blocks an address, finds its rule again and removes it", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`.trim());
        response.end('{"result":[{"id":"0a1b","paused":false,"scope":{"id":"ffff"}}]}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, "headers"), "Authorization: Bearer secret\n");
    const config = example("cloudflare.yaml", {
      "https://api.cloudflare.com/client/v4": `http://127.0.0.1:${port}`,
      "/etc/f2b-exec/cloudflare.headers": join(folder, "headers"),
    });
    const { stderr } = await run(config, ban("192.0.2.7"), unban("192.0.2.7"));
    server.close();
    assert.doesNotMatch(stderr, /error/);
    const path = "/user/firewall/access_rules/rules";
    assert.deepEqual(asked, [
      `POST ${path} Bearer secret {"mode":"block","configuration":{"target":"ip","value":"192.0.2.7"},"notes":"f2b smtp"}`,
      `GET ${path}?configuration.value=192.0.2.7 Bearer secret`,
      `DELETE ${path}/0a1b Bearer secret`,
    ]);
  });

  test("cut-connections.yaml ends a connection that is open", {
    skip: netnsSkip("ss", "conntrack", "iptables"),
  }, async () => {
    const net = await Netns.create();
    const server = await listen(net, [2525], net.atServer, "hold");
    const session = connect(net, SERVER.ipv4, 2525, "hold");
    await server.said("connected");
    const running = startExec(["--backend", "iptables", "-c", example("cut-connections.yaml")], {
      before: net.atServer,
    });
    running.write(ban(CLIENT.ipv4));
    running.child.stdin.end();
    const { stderr } = await running.ended;
    assert.doesNotMatch(stderr, /error/);
    const open = new Running([...net.atServer, "ss", "-Htn", "state", "established"]);
    assert.equal((await open.ended).stdout, "");
    killRest();
    await session;
    await net.remove();
  });
});
