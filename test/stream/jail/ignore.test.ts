import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { IgnoreRule } from "../../../src/rules/rule.ts";
import { type Network, parseNetwork } from "../../../src/shared/address.ts";
import { IgnoreList } from "../../../src/stream/jail/ignore.ts";

const folder = mkdtempSync(join(tmpdir(), "f2b-ignore-"));
after(() => rmSync(folder, { recursive: true }));

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

/** A list, what it warned of and the host names that it asked for. */
function newList(
  rule: Partial<IgnoreRule>,
  { isLive = true, known = {} }: { isLive?: boolean; known?: Readonly<Record<string, string>> } = {},
): { list: IgnoreList; told: string[]; asked: string[] } {
  const told: string[] = [];
  const asked: string[] = [];
  const list = new IgnoreList(
    { networks: [], files: [], hosts: [], self: false, command: undefined, ...rule },
    {
      isLive,
      addressesOf: (host) => {
        asked.push(host);
        const address = known[host];
        return address === undefined ? [] : [network(address)];
      },
      warn: (message) => told.push(message.replaceAll(folder, "")),
    },
  );
  return { list, told, asked };
}

const touching: readonly (readonly [ignored: string, address: string, expected: boolean])[] = [
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1", "192.0.2.2", false],
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.2.0/25", true],
  ["192.0.2.7", "192.0.2.0/24", true],
  ["2001:db8::/32", "2001:db8:1::1", true],
  ["0.0.0.0/0", "2001:db8::1", false],
];

for (const [ignored, address, expected] of touching) {
  test(`IgnoreList of ${ignored} ${expected ? "spares" : "does not spare"} ${address}`, () => {
    assert.equal(newList({ networks: [network(ignored)] }).list.touches(network(address)), expected);
  });
}

const FORMS: readonly (readonly [address: string, live: boolean, replay: boolean])[] = [
  ["127.0.0.1", true, true],
  ["224.0.0.251", true, true],
  ["255.255.255.255", true, true],
  ["0.0.0.0", true, true],
  ["ff02::1", true, true],
  ["2002:7f00:1::1", true, true],
  ["2001:0:1:2::/64", true, true],
  ["2001:0:1:2:3:4:3fff:fdf8", false, false],
  ["192.0.2.7", false, false],
];
for (const [address, live, replay] of FORMS) {
  test(`IgnoreList: ignoreself ${live ? "spares" : "does not spare"} ${address}`, () => {
    for (const isLive of [true, false]) {
      const { list } = newList({ self: true }, { isLive });
      list.refresh(0);
      assert.equal(list.touches(network(address)), isLive ? live : replay, isLive ? "live" : "replay");
      assert.equal(newList({ self: false }, { isLive }).list.touches(network(address)), false);
    }
  });
}

test("IgnoreList reads a file again when it has changed, every ten seconds", () => {
  const path = join(folder, "changing");
  writeFileSync(path, "# friends\n192.0.2.1 # one\n\n  198.51.100.0/24\r\n::ffff:203.0.113.1\nnobody\n");
  const { list, told } = newList({ files: [path] });
  const spared = () =>
    ["192.0.2.1", "198.51.100.9", "203.0.113.1", "192.0.2.2"].filter((a) => list.touches(network(a)));
  assert.deepEqual(spared(), []);
  list.refresh(0);
  assert.deepEqual(spared(), ["192.0.2.1", "198.51.100.9", "203.0.113.1"]);
  assert.deepEqual(told, ["ignoreip: /changing:6: expected an address or a network"]);
  writeFileSync(path, "192.0.2.2\n");
  list.refresh(9_999);
  assert.deepEqual(spared(), ["192.0.2.1", "198.51.100.9", "203.0.113.1"]);
  list.refresh(10_000);
  assert.deepEqual(spared(), ["192.0.2.2"]);
});

test("IgnoreList keeps what it read while a file can't be read, and says so once", () => {
  const path = join(folder, "vanishing");
  writeFileSync(path, "192.0.2.1\n");
  const { list, told } = newList({ files: [path] });
  list.refresh(0);
  rmSync(path);
  list.refresh(10_000);
  list.refresh(20_000);
  assert.equal(list.touches(network("192.0.2.1")), true);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /^ignoreip: \/vanishing: ENOENT/);
  writeFileSync(path, "192.0.2.2\n");
  list.refresh(30_000);
  assert.equal(list.touches(network("192.0.2.1")), false);
  assert.equal(list.touches(network("192.0.2.2")), true);
});

test("IgnoreList refreshes when the clock was set back", () => {
  const path = join(folder, "clock");
  const { list } = newList({ files: [path] });
  list.refresh(1_000_000);
  writeFileSync(path, "192.0.2.1\n");
  list.refresh(500_000);
  assert.equal(list.touches(network("192.0.2.1")), true);
});

test("IgnoreList asks for its host names before the first failure", () => {
  const { list, asked } = newList(
    { hosts: ["admin.example.org"] },
    { known: { "admin.example.org": "192.0.2.1" } },
  );
  list.refresh(0);
  assert.deepEqual(asked, ["admin.example.org"]);
  assert.equal(list.touches(network("192.0.2.1")), true);
  assert.equal(list.touches(network("192.0.2.2")), false);
});

test("IgnoreList spares the machine's own addresses when live, loopback alone in a replay", () => {
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => address.replace(/%.*/, ""))
    .find((address) => address !== "::1" && !address.startsWith("127."));
  for (const isLive of [true, false]) {
    const { list } = newList({ self: true }, { isLive });
    list.refresh(0);
    assert.equal(list.touches(network("127.1.2.3")), true);
    assert.equal(list.touches(network("::1")), true);
    assert.equal(list.touches(network("192.0.2.1")), false);
    if (own !== undefined) assert.equal(list.touches(network(own)), isLive);
  }
  assert.equal(newList({ self: false }).list.touches(network("127.0.0.1")), false);
});
