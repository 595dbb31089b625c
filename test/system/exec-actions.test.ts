import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Running, runExec } from "../helpers/f2b-exec.ts";

const missing = ["logger", "python3"].find(
  (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0,
);

/** A syslog daemon for one message: binds a datagram socket, says so, prints what comes. */
const SYSLOG = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
print(s.recv(4096).decode(), flush=True)
`;

describe("f2b-exec -c: actions", { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "f2b-log-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  test("the real logger writes an alert to a real syslog socket", async () => {
    const socket = join(folder, "log");
    const config = join(folder, "alert.yaml");
    writeFileSync(
      config,
      `jails:
  smtp-empty:
    actions:
      - name: alert
        actionban: [logger, --socket, ${socket}, -t, smtp/f2b, -p, mail.info, "ALERT <ip> BANNED FOR EMPTY SMTP SESSIONS"]
`,
    );
    const syslog = new Running(["python3", "-c", SYSLOG, socket]);
    await syslog.said("bound");
    const { status, stderr } = await runExec(
      ["--backend", "none", "-c", config],
      [{ cmd: "ban", jail: "smtp-empty", ip: "203.0.113.31" }],
    );
    assert.deepEqual([status, stderr], [0, "f2b-exec: NOTICE [smtp-empty] Ban 203.0.113.31\n"]);
    const { stdout } = await syslog.ended;
    // 22 is facility mail (2) times 8 and severity info (6).
    assert.match(stdout, /^bound\n<22>.* smtp\/f2b: ALERT 203\.0\.113\.31 BANNED FOR EMPTY SMTP SESSIONS\n$/);
  });
});
