import assert from "node:assert/strict";
import fs, {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type ListeningSocket, listenAt, SocketError } from "../../src/protocol/control-socket.ts";
import { SocketFolder } from "../helpers/control.ts";

let folder: SocketFolder;
let opened: ListeningSocket[] = [];

beforeEach(() => {
  folder = new SocketFolder();
});
afterEach(() => {
  for (const socket of opened) socket.close();
  opened = [];
  folder.remove();
});

async function open(path = folder.path()): Promise<ListeningSocket> {
  const socket = await listenAt(path);
  opened.push(socket);
  return socket;
}

/** Leaves a socket behind that nobody listens at, as a program does that is killed. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer();
  const elsewhere = folder.path("elsewhere");
  await new Promise<void>((resolve) => server.listen(elsewhere, resolve));
  linkSync(elsewhere, path);
  await new Promise((resolve) => server.close(resolve));
}

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("listenAt makes a socket that connects, and takes it away", async () => {
  const socket = await open();
  assert.equal(await connects(folder.path()), true);
  assert.deepEqual(readdirSync(dirname(folder.path())), ["control"], "and nothing else");
  socket.close();
  assert.deepEqual(readdirSync(dirname(folder.path())), []);
});

test("listenAt shows the socket first when it has mode 0600 and listens, whatever the umask", async () => {
  const umask = process.umask(0);
  const link = fs.linkSync;
  const seen: string[] = [];
  fs.linkSync = (from, to) => {
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    seen.push(mode(String(from)), mode(dirname(String(from))));
    link(from, to);
  };
  syncBuiltinESMExports();
  try {
    await open();
  } finally {
    process.umask(umask);
    fs.linkSync = link;
    syncBuiltinESMExports();
  }
  assert.deepEqual(seen, ["600", "700"]);
  assert.equal(lstatSync(folder.path()).mode & 0o777, 0o600);
});

test("listenAt replaces a socket that nobody listens at", async () => {
  await leaveStale(folder.path());
  assert.equal(await connects(folder.path()), false);
  await open();
  assert.equal(await connects(folder.path()), true);
  assert.deepEqual(readdirSync(dirname(folder.path())), ["control"]);
});

test("listenAt gives a stale socket to one of many who want it", async () => {
  await leaveStale(folder.path());
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => open()));
  const won = results.filter(({ status }) => status === "fulfilled");
  assert.equal(won.length, 1);
  for (const result of results) {
    if (result.status === "rejected")
      assert.match(result.reason.message, /another f2b-stream listens there$/);
  }
  assert.equal(await connects(folder.path()), true);
  assert.deepEqual(readdirSync(dirname(folder.path())), ["control"]);
});

test("listenAt's socket leaves alone what has taken its place", async () => {
  const socket = await open();
  fs.unlinkSync(folder.path());
  await open();
  socket.close();
  assert.equal(await connects(folder.path()), true);
});

const taken: readonly { name: string; put: (path: string) => void }[] = [
  { name: "a file", put: (path) => writeFileSync(path, "kept") },
  { name: "a folder", put: (path) => mkdirSync(path) },
  { name: "a link to nothing", put: (path) => symlinkSync("nothing", path) },
];

for (const { name, put } of taken) {
  test(`listenAt leaves ${name} where it is`, async () => {
    put(folder.path());
    const before = lstatSync(folder.path());
    await assert.rejects(listenAt(folder.path()), {
      name: "SocketError",
      message: `${folder.path()}: exists and is not a socket`,
    });
    assert.equal(lstatSync(folder.path()).ino, before.ino);
    assert.deepEqual(readdirSync(dirname(folder.path())), ["control"]);
  });
}

test("listenAt refuses a socket that somebody listens at", async () => {
  await open();
  const before = lstatSync(folder.path());
  await assert.rejects(listenAt(folder.path()), {
    name: "SocketError",
    message: `${folder.path()}: another f2b-stream listens there`,
    hint: "each f2b-stream needs a --control of its own",
  });
  assert.equal(lstatSync(folder.path()).ino, before.ino);
});

test("listenAt says what is wrong with a folder", async () => {
  const missing = join(folder.path("missing"), "control");
  await assert.rejects(listenAt(missing), (error) => {
    assert.ok(error instanceof SocketError);
    assert.equal(error.message, `${missing}: no such folder: ${dirname(missing)}`);
    assert.match(error.hint ?? "", /^create it/);
    return true;
  });
  assert.equal(existsSync(dirname(missing)), false);
  writeFileSync(folder.path("file"), "");
  await assert.rejects(listenAt(join(folder.path("file"), "control")), { message: /ENOTDIR/ });
});

test("listenAt refuses a path that the kernel would cut", async () => {
  const room = 107 - Buffer.byteLength(folder.path(""));
  await open(folder.path("x".repeat(room - 1)));
  const long = folder.path("ü".repeat(Math.ceil(room / 2)));
  await assert.rejects(listenAt(long), {
    message: new RegExp(`: the path is ${Buffer.byteLength(long)} bytes long, at most 107 are allowed$`),
  });
  const deep = folder.path("d".repeat(room - 4));
  mkdirSync(deep);
  await assert.rejects(listenAt(join(deep, "s")), {
    message: /: the path of its folder is \d+ bytes long, at most 93 are allowed$/,
  });
});
