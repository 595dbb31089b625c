import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT } from "./helpers/root.ts";

/** nobody and nogroup. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const SOMEBODY_ELSE = { uid: 65_533, gid: 65_533 };

const skip =
  process.getuid?.() !== 0
    ? "only root can become somebody else"
    : spawnSync(process.execPath, ["-e", ""], { ...NOBODY, cwd: "/" }).status !== 0 &&
      `nobody can't run ${process.execPath}`;

describe("f2b-stream as nobody", { skip }, () => {
  /** The package as it is installed, where everybody can read it, and a folder that is nobody's. */
  let folder: string;
  let own: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "f2b-nobody-"));
    chmodSync(folder, 0o755);
    const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      files: readonly string[];
    };
    for (const path of ["package.json", ...files.filter((file) => !file.startsWith("!"))]) {
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    }
    own = join(folder, "own");
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, NOBODY.uid, NOBODY.gid);
    chmodSync(own, 0o711);
  });
  after(() => rmSync(folder, { recursive: true }));

  const client = (user: object, ...argv: string[]) =>
    spawnSync(
      process.execPath,
      [join(folder, "dist/bin/f2b-client.js"), "-s", join(own, "control"), ...argv],
      {
        ...user,
        cwd: "/",
        encoding: "utf8",
      },
    );

  test("runs all bundled rules with a socket, a state and metrics, and is refused nothing", async () => {
    const rules = readdirSync(join(ROOT, "rules")).flatMap((file) => ["-r", file.replace(/\.yaml$/, "")]);
    const files = ["control", "state", "metrics"].flatMap((file) => [`--${file}`, join(own, file)]);
    const program = join(folder, "dist/bin/f2b-stream.js");
    const child = spawn(process.execPath, [program, ...rules, ...files, "--heartbeat", "0"], {
      ...NOBODY,
      cwd: "/",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const ended = new Promise((resolve) => child.on("close", resolve));
    const until = async (isSo: () => boolean) => {
      while (!isSo() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.ok(isSo(), stderr);
    };
    await until(() => existsSync(join(own, "control")));
    const line = `${new Date().toISOString()} gw sshd[7]: Failed password for root from 203.0.113.9 port 4 ssh2\n`;
    child.stdin.write(line.repeat(5));
    await until(() => stdout.includes("203.0.113.9"));
    assert.match(client(NOBODY, "explain", "203.0.113.9").stdout, /^203\.0\.113\.9 is banned in sshd until/);
    assert.equal(client({}, "unban", "203.0.113.9").stdout.split("\n")[0], "1 ban ended: sshd 1", "root may");
    const other = client(SOMEBODY_ELSE, "ping");
    assert.equal(other.status, 69);
    assert.match(
      other.stderr,
      /control: permission denied\nf2b-client: hint: only the user of f2b-stream and root may use it\n$/,
    );
    assert.match(client(NOBODY, "reload").stdout, /^rules reloaded: \d+ jails\n$/);
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
    assert.deepEqual(readdirSync(own), ["metrics", "state"]);
    assert.match(stderr, /^f2b-stream: 203\.0\.113\.9 unbanned .*\nf2b-stream: rules reloaded: \d+ jails\n$/);
  });
});
