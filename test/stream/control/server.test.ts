import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { ControlError, type Request } from "../../../src/protocol/control-requests.ts";
import { type ListeningSocket, listenAt } from "../../../src/protocol/control-socket.ts";
import { type Answerer, ControlServer } from "../../../src/stream/control/server.ts";
import { SocketFolder, Talk, talk } from "../../helpers/control.ts";

let folder: SocketFolder;
let socket: ListeningSocket;
let server: ControlServer;
let told: string[];

beforeEach(() => {
  folder = new SocketFolder();
  told = [];
});
afterEach(() => {
  socket.close();
  server.close();
  folder.remove();
});

/** Serves with an answerer; by default each request is answered with itself. */
async function serve(
  answer: Answerer = async (request) => [line(request)],
  patience = 10_000,
): Promise<string> {
  socket = await listenAt(folder.path());
  const report = new Report("test", (text) => told.push(text));
  server = new ControlServer(socket.server, { answer, report, patience });
  return folder.path();
}

function line(answer: object): string {
  return `${JSON.stringify(answer)}\n`;
}

const OK = { ok: true };
const ping = '{"do":"ping"}\n';

test("ControlServer answers requests in order, however they are cut", async () => {
  const order: Request[] = [];
  const path = await serve(async (request) => {
    order.push(request);
    // Those that come first take longest.
    await new Promise((resolve) => setTimeout(resolve, order.length === 1 ? 20 : 0));
    return [line(request)];
  });
  const jails = Array.from({ length: 500 }, (_, index) => `jail-${index}`);
  const input = Buffer.from(jails.map((jail) => `{"do":"status","jail":"${jail}"}\n`).join(""));
  const client = new Talk(path);
  for (let at = 0; at < input.length; at += 1001) client.socket.write(input.subarray(at, at + 1001));
  const lines = await client.until(2 * jails.length);
  client.socket.end();
  assert.deepEqual(
    lines,
    jails.flatMap((jail) => [{ do: "status", jail }, OK]),
  );
});

test("ControlServer answers a client that has closed its half, newline or not", async () => {
  const path = await serve();
  assert.deepEqual(await talk(path, ping), [{ do: "ping" }, OK]);
  assert.deepEqual(await talk(path, ping + ping.trim()), [{ do: "ping" }, OK, { do: "ping" }, OK]);
  assert.deepEqual(await talk(path, ""), []);
});

const bad: readonly { name: string; input: string | Uint8Array; lines: number }[] = [
  { name: "blank lines", input: "\n \n", lines: 2 },
  { name: "HTTP", input: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", lines: 3 },
  { name: "bytes that are no text", input: Buffer.from([0, 255, 254, 10, 128, 10]), lines: 2 },
  { name: "deep brackets", input: `${"[".repeat(60_000)}\n`, lines: 1 },
  { name: "deep objects", input: `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}\n`, lines: 1 },
];

for (const { name, input, lines } of bad) {
  test(`ControlServer refuses ${name}, and goes on`, async () => {
    const path = await serve();
    const answers = await talk(path, Buffer.concat([Buffer.from(input), Buffer.from(ping)]));
    assert.deepEqual(answers.slice(lines), [{ do: "ping" }, OK]);
    for (const answer of answers.slice(0, lines)) {
      assert.deepEqual([answer.ok, answer.code], [false, "ERR_CONTROL_REQUEST"]);
    }
    assert.deepEqual(told, []);
  });
}

test("ControlServer takes a request of 64 KiB, and ends with one that is longer", async () => {
  const path = await serve();
  const request = (bytes: number) => `{"do":"explain","id":"${"x".repeat(bytes - 25)}"}\n`;
  assert.equal(Buffer.byteLength(request(65_536)), 65_536);
  assert.equal((await talk(path, request(65_537))).at(-1)?.ok, true, "64 KiB and the newline");
  for (const input of [request(65_538) + ping, "x".repeat(1 << 20)]) {
    const client = new Talk(path);
    client.socket.write(input);
    assert.deepEqual(await client.until(1), [
      { ok: false, code: "ERR_CONTROL_REQUEST", message: "a line is longer than 65536 bytes" },
    ]);
    client.socket.end();
    await client.ended;
    assert.equal(client.lines.length, 1);
  }
});

test("ControlServer has sixteen clients at a time, and tells the others", async () => {
  const path = await serve();
  const clients = Array.from({ length: 16 }, () => new Talk(path));
  for (const client of clients) client.socket.write(ping);
  for (const client of clients) await client.until(2);
  const message = "16 clients are connected already";
  assert.deepEqual(await talk(path, ping), [{ ok: false, code: "ERR_CONTROL_BUSY", message }]);
  clients[0]?.socket.end();
  await clients[0]?.ended;
  assert.deepEqual(await talk(path, ping), [{ do: "ping" }, OK]);
  for (const client of clients) client.socket.destroy();
});

test("ControlServer gives up a client that makes it wait, even one that sends a byte now and then", async () => {
  const path = await serve(undefined, 60);
  const silent = new Talk(path);
  const trickling = new Talk(path);
  trickling.socket.write(ping);
  await trickling.until(2);
  const timer = setInterval(() => trickling.socket.write(" "), 5);
  await Promise.all([silent.ended, trickling.ended]);
  clearInterval(timer);
  assert.deepEqual(silent.lines, []);
});

test("ControlServer does not give up a client that waits for it", async () => {
  const path = await serve(async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    return [line(request)];
  }, 50);
  assert.deepEqual(await talk(path, ping), [{ do: "ping" }, OK]);
});

test("ControlServer makes an answer as it is taken, and gives up who takes none", async () => {
  let made = 0;
  let isLeft = false;
  function* endless() {
    try {
      for (;;) yield line({ made: made++, text: "x".repeat(1000) });
    } finally {
      isLeft = true;
    }
  }
  const path = await serve(async () => endless(), 100);
  const client = new Talk(path);
  client.socket.pause();
  client.socket.write(ping);
  client.socket.on("end", () => assert.fail("it was not told the whole"));
  while (!isLeft) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(made > 0 && made < 1000, `${made} KiB, the kernel's and two pieces`);
  client.socket.destroy();
});

test("ControlServer stops making an answer for a client that has gone", async () => {
  let isLeft = false;
  function* endless() {
    try {
      for (;;) yield line({ text: "x".repeat(1000) });
    } finally {
      isLeft = true;
    }
  }
  const path = await serve(async () => endless());
  const client = new Talk(path);
  client.socket.write(ping);
  client.socket.once("data", () => client.socket.destroy());
  while (!isLeft) await new Promise((resolve) => setTimeout(resolve, 10));
});

test("ControlServer lets other work go on between two requests, however many clients send", async () => {
  let requests = 0;
  const path = await serve(async () => {
    requests++;
    return [];
  });
  const clients = Array.from({ length: 10 }, () => new Talk(path));
  for (const client of clients) client.socket.write(ping.repeat(200));
  let last = 0;
  let most = 0;
  while (requests < 2000) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, requests - last);
    last = requests;
  }
  assert.equal(most, 1);
  for (const client of clients) client.socket.destroy();
});

test("ControlServer says what was refused, and keeps a bug to itself", async () => {
  const mistakes = [{ code: "ERR_RULE_VALUE", file: "a.yaml", line: 4, column: 11, message: "wrong" }];
  const path = await serve(async (request) => {
    if (request.do === "reload") throw new ControlError("ERR_CONTROL_RULES", "no", mistakes);
    if (request.do === "banned") throw new TypeError("a \x1b[31m bug");
    return request.do === "ping" ? [line(request)] : broken();
  });
  assert.deepEqual(await talk(path, `{"do":"reload"}\n{"do":"banned"}\n${ping}`), [
    { ok: false, code: "ERR_CONTROL_RULES", message: "no", mistakes },
    { ok: false, code: "ERR_CONTROL_INTERNAL", message: "internal error, see the log of f2b-stream" },
    { do: "ping" },
    OK,
  ]);
  assert.match(
    told[0] ?? "",
    /^test: error: control: internal error: TypeError: a \\x1b\[31m bug\\x0a {4}at /,
  );
  assert.deepEqual(await talk(path, `{"do":"status"}\n${ping}`), [], "it broke in the middle of an answer");
  assert.match(told[1] ?? "", /internal error: TypeError: another bug/);
  assert.deepEqual(await talk(path, ping), [{ do: "ping" }, OK]);
});

function broken(): Iterable<string> {
  return {
    [Symbol.iterator]: () => {
      throw new TypeError("another bug");
    },
  };
}

test("ControlServer close ends all connections", async () => {
  const path = await serve();
  const clients = [new Talk(path), new Talk(path)];
  for (const client of clients) client.socket.write(ping);
  for (const client of clients) await client.until(2);
  server.close();
  for (const client of clients) await client.ended;
});
