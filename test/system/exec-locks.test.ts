import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { after, describe, test } from "node:test";
import { killRest, runExec, startExec } from "../helpers/f2b-exec.ts";
import { Netns, netnsSkip } from "../helpers/netns.ts";

const ban = { cmd: "ban", jail: "sshd", ip: "192.0.2.7" };

describe("f2b-exec's locks", { skip: netnsSkip("nft", "flock"), timeout: 120_000 }, () => {
  after(() => killRest());

  test("starts and stops at once leave no file; one that was killed leaves one until the next start", async () => {
    const net = await Netns.create();
    const { ino } = statSync(`/run/netns/${net.server}`);
    const files = () => readdirSync("/run/f2b-exec").filter((name) => name.startsWith(`${ino}-`));
    const options = { before: net.atServer };
    const args = ["--backend", "nftables", "--results"];

    const ended = await Promise.all(Array.from({ length: 12 }, () => runExec(args, [ban], options)));
    const done = ended.filter(({ stdout }) => /"(?:applied|already)"/.test(stdout));
    const refused = ended.filter(({ stdout }) => stdout.includes("another f2b-exec serves it"));
    assert.ok(done.length > 0);
    assert.equal(done.length + refused.length, 12, ended.map(({ stderr }) => stderr).join("\n"));
    assert.deepEqual(files(), []);

    const killed = startExec(args, options);
    killed.write(ban);
    await killed.said('"already"');
    killed.child.kill("SIGKILL");
    await killed.ended;
    assert.deepEqual(files(), [`${ino}-f2bs-sshd`]);
    const next = await runExec(args, [{ ...ban, jail: "smtp" }], options);
    assert.match(next.stdout, /"applied"/);

    const twice = startExec(args, options);
    twice.write(ban);
    await twice.said('"already"');
    twice.child.kill("SIGTERM");
    twice.child.kill("SIGINT");
    await twice.ended;
    await runExec(args, [ban], options);
    assert.deepEqual(files(), []);
    await net.remove();
  });
});
