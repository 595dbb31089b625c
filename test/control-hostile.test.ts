import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import fc from "fast-check";
import { Talk, talk } from "./helpers/control.ts";
import { RULES, Steered } from "./helpers/steered.ts";

let steered: Steered | undefined;

afterEach(async () => {
  await steered?.stop();
  steered = undefined;
});

/** Starts a stream in which one failure brings a ban, and bans so many. */
async function withBans(count: number): Promise<Steered> {
  steered = await Steered.start(RULES.replace("maxretry: 3", "maxretry: 1"), "--set", "again.enabled=false");
  await steered.fail(Array.from({ length: count }, (_, index) => address(index)));
  return steered;
}

function address(index: number): string {
  return `203.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

const requests = [
  { do: "ping" },
  { do: "status", jail: "app" },
  { do: "banned" },
  { do: "ban", jail: "app", ip: "192.0.2.0/28", bantime: 1 },
  { do: "unban", all: true },
  { do: "explain", id: "alice" },
].map((request) => `${JSON.stringify(request)}\n`);

/** Requests with some of their bytes changed, and bytes that never were one. */
const damaged = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(
      fc.array(fc.constantFrom(...requests), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 }),
    )
    .map(([lines, changes]) => {
      const bytes = Buffer.from(lines.join(""));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    }),
);

test("f2b-stream --control survives whatever bytes are sent", async () => {
  const stream = await withBans(3);
  await fc.assert(
    fc.asyncProperty(damaged, fc.boolean(), async (bytes, isLeaving) => {
      if (!isLeaving) {
        await talk(stream.path, bytes);
        return;
      }
      const client = new Talk(stream.path);
      client.socket.write(bytes, () => client.socket.destroy());
      await client.ended;
    }),
    { numRuns: 200 },
  );
  await stream.fail(["192.0.2.7"]);
  assert.equal(stream.commands().at(-1), "ban app 192.0.2.7");
  assert.doesNotMatch(stream.running.stderr(), /internal/);
});

test("f2b-stream --control tells a client that waited all that it asked for", async () => {
  const stream = await withBans(5000);
  const clients = Array.from({ length: 15 }, () => new Talk(stream.path));
  for (const { socket } of clients) socket.pause();
  for (const { socket } of clients) socket.write('{"do":"banned"}\n{"do":"ping"}\n');
  await stream.fail(["192.0.2.7"]);
  assert.equal(stream.commands().at(-1), "ban app 192.0.2.7", "the stream goes on meanwhile");
  for (const client of clients) {
    client.socket.resume();
    const lines = await client.until(5003);
    assert.ok(lines[4999]?.ip === address(4999) && lines.at(-1)?.ok === true);
    client.socket.destroy();
  }
});

test("f2b-stream --control ends with its input, though a client does not read", async () => {
  const stream = await withBans(5000);
  const client = new Talk(stream.path);
  client.socket.pause();
  client.socket.write('{"do":"banned"}\n');
  await stream.ask({ do: "ping" });
  stream.running.child.stdin?.end();
  assert.equal((await stream.running.ended).status, 0);
});

test("f2b-stream --control does what a client asked who has left", async () => {
  const stream = await withBans(5000);
  const client = new Talk(stream.path);
  client.socket.write('{"do":"unban","all":true}\n', () => client.socket.destroy());
  await stream.running.until(() => stream.commands().at(-1) === `unban app ${address(4999)} manual`);
  assert.equal(stream.commands().length, 10_000);
});

test("f2b-stream --control loses no line, however much is asked", async () => {
  const stream = await withBans(500);
  let isOver = false;
  const hammer = async (...asked: object[]) => {
    while (!isOver) await stream.ask(...asked);
  };
  const clients = [
    hammer({ do: "banned" }, { do: "status" }),
    hammer({ do: "explain", ip: "2001:db8::1" }, { do: "explain", ip: address(0) }),
    hammer({ do: "ban", jail: "app", ip: "198.51.100.1" }, { do: "unban", ip: "198.51.0.0/16" }),
  ];
  const more = Array.from({ length: 2000 }, (_, index) => address(1000 + index));
  for (let from = 0; from < more.length; from += 50) await stream.fail(more.slice(from, from + 50));
  isOver = true;
  await Promise.all(clients);
  const banned = new Set(stream.commands());
  assert.deepEqual(
    more.filter((ip) => !banned.has(`ban app ${ip}`)),
    [],
  );
});

test("f2b-stream --control takes no commands by hand while nobody reads its own", async () => {
  const stream = await withBans(0);
  stream.running.child.stdout?.pause();
  const [last] = (
    await stream.ask(
      ...Array.from({ length: 20_000 }, (_, index) => ({
        do: index % 2 === 0 ? "ban" : "unban",
        ...(index % 2 === 0 && { jail: "app" }),
        id: "x".repeat(900),
      })),
    )
  ).slice(-1);
  assert.equal(last?.code, "ERR_CONTROL_BUSY");
  assert.equal((await stream.ask({ do: "ping" })).at(-1)?.ok, true);
});
