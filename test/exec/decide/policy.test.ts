import assert from "node:assert/strict";
import { test } from "node:test";
import {
  gatewaysIPv4,
  gatewaysIPv6,
  HostAddresses,
  resolversOf,
  routesOf,
} from "../../../src/exec/decide/host.ts";
import { Policy } from "../../../src/exec/decide/policy.ts";
import { formatNetwork, type Network, parseNetwork } from "../../../src/shared/address.ts";

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
};

const host = () => [
  { network: network("198.51.100.10"), why: "an address of this host" },
  { network: network("198.51.100.1"), why: "the default gateway" },
  { network: network("2001:db8:1::10"), why: "an address of this host" },
];
const policy = new Policy({ neverBan: [network("203.0.113.0/28"), network("2001:db8:2::1")], host });

const CASES = [
  { ip: "192.0.2.7", refusal: undefined },
  { ip: "192.0.2.0/24", refusal: undefined },
  { ip: "127.0.0.1", refusal: "loopback (127.0.0.0/8)" },
  { ip: "127.5.0.0/16", refusal: "loopback (127.0.0.0/8)" },
  { ip: "::1", refusal: "loopback" },
  { ip: "0.0.0.0", refusal: "an unspecified address (0.0.0.0/8)" },
  { ip: "::/64", refusal: "it holds ::1: loopback" },
  { ip: "198.51.100.10", refusal: "an address of this host" },
  { ip: "198.51.100.8/29", refusal: "it holds 198.51.100.10: an address of this host" },
  { ip: "198.51.100.1", refusal: "the default gateway" },
  { ip: "2001:db8:1::/64", refusal: "it holds 2001:db8:1::10: an address of this host" },
  { ip: "203.0.113.9", refusal: "on the never-ban list (203.0.113.0/28)" },
  { ip: "203.0.113.16", refusal: undefined },
  { ip: "203.0.113.0/24", refusal: "it holds 203.0.113.0/28: on the never-ban list" },
  { ip: "2001:db8:2::1", refusal: "on the never-ban list" },
  { ip: "224.0.0.251", refusal: "multicast (224.0.0.0/4)" },
  { ip: "ff02::fb", refusal: "multicast (ff00::/8)" },
  { ip: "255.255.255.255", refusal: "a broadcast address" },
  { ip: "255.255.0.0/16", refusal: "it holds 255.255.255.255: a broadcast address" },
  { ip: "::", refusal: "the unspecified address" },
  { ip: "::198.51.100.10", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "::ffff:198.51.100.10", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "64:ff9b::198.51.100.10", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "64:ff9b::192.0.2.7", refusal: undefined },
  { ip: "64:ff9b:1::198.51.100.1", refusal: "it may embed 198.51.100.1: the default gateway" },
  { ip: "64:ff9b:1:c633:64:a00::", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "64:ff9b:1:c6:33:640a::", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "64:ff9b:1:9:c6:3364:a00:0", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "64:ff9b:1::192.0.2.7", refusal: undefined },
  {
    ip: "64:ff9b:1:9::/64",
    refusal: "it may embed 0.0.0.0/0: it holds 203.0.113.0/28: on the never-ban list",
  },
  { ip: "2002:c633:640a::1", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "2002:c633:640a:5::/64", refusal: "it may embed 198.51.100.10: an address of this host" },
  {
    ip: "2002:c633:6400::/40",
    refusal: "it may embed 198.51.100.0/24: it holds 198.51.100.10: an address of this host",
  },
  {
    ip: "2002:cb00:7109::1",
    refusal: "it may embed 203.0.113.9: on the never-ban list (203.0.113.0/28)",
  },
  { ip: "2002:c000:207::/48", refusal: undefined },
  // The client is 198.51.100.10; then the server is, which says nothing of the client.
  { ip: "2001:0:c000:201:0:63bf:39cc:9bf5", refusal: "it may embed 198.51.100.10: an address of this host" },
  { ip: "2001:0:c633:640a:0:63bf:3fff:fdf8", refusal: undefined },
  { ip: "2001:db8:9::1", refusal: undefined },
  { ip: "192.0.0.0/16", refusal: undefined },
  { ip: "192.0.0.0/15", refusal: "networks wider than /16 are not banned" },
  { ip: "2001:db9::/32", refusal: undefined },
  { ip: "2001:da0::/31", refusal: "networks wider than /32 are not banned" },
];

for (const { ip, refusal } of CASES) {
  test(`Policy: ${ip} ${refusal === undefined ? "may be banned" : `is refused: ${refusal}`}`, () => {
    assert.equal(policy.refusal(network(ip), 0), refusal);
  });
}

test("Policy reads the host's addresses again after ten seconds", () => {
  let own = "192.0.2.1";
  const moving = new Policy({ neverBan: [], host: () => [{ network: network(own), why: "own" }] });
  assert.equal(moving.refusal(network("192.0.2.2"), 0), undefined);
  own = "192.0.2.2";
  assert.equal(moving.refusal(network("192.0.2.2"), 9_999), undefined);
  assert.equal(moving.refusal(network("192.0.2.2"), 10_000), "own");
});

test("gatewaysIPv4 reads /proc/net/route", () => {
  const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
  assert.deepEqual(gatewaysIPv4(text, "LE").map(formatNetwork), ["192.0.2.1"]);
  assert.deepEqual(gatewaysIPv4(text, "BE").map(formatNetwork), ["1.2.0.192"]);
  assert.deepEqual(gatewaysIPv4(""), []);
});

test("gatewaysIPv6 reads /proc/net/ipv6_route", () => {
  const zero = "0".repeat(32);
  const text = `${zero} 00 ${zero} 00 20010db8000000000000000000000001 00000400 00000002 00000000 00000003     eth0
20010db8000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
`;
  assert.deepEqual(gatewaysIPv6(text).map(formatNetwork), ["2001:db8::1"]);
});

test("routesOf finds gateways in all tables, and the kernel's own addresses", () => {
  const text = `default via 192.0.2.1 dev eth0 table 100 proto static
10.0.0.0/8 via 198.51.100.9 dev eth1
default table 200 proto static \n\tnexthop via 192.0.2.33 dev eth0 weight 1 \n\tnexthop via inet6 fe80::1 dev eth1 weight 1
local default dev lo table 300 scope host
local 0.0.0.0/1 dev lo table local
local 203.0.113.0/24 dev lo table local proto static scope host
local 198.51.100.10 dev eth0 table local proto kernel scope host src 198.51.100.10
broadcast 198.51.100.255 dev eth0 table local proto kernel scope link src 198.51.100.10
multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium
anycast 2001:db8:: dev eth0 table local proto kernel metric 0 pref medium
`;
  assert.deepEqual(
    routesOf(text).map(({ network, why }) => `${formatNetwork(network)}: ${why}`),
    [
      ...["192.0.2.1", "198.51.100.9", "192.0.2.33", "fe80::1"].map((ip) => `${ip}: the gateway of a route`),
      ...["203.0.113.0/24: an address of this host", "198.51.100.10: an address of this host"],
      ...["198.51.100.255: a broadcast address", "2001:db8::: an address of this host"],
    ],
  );
});

test("resolversOf reads resolv.conf", () => {
  const text = `# nameserver 192.0.2.1
; nameserver 192.0.2.2
nameserver 192.0.2.53
  nameserver\tfe80::53%eth0
nameserver ::ffff:192.0.2.54
nameserver 999.1.1.1
search nameserver 192.0.2.3
options edns0`;
  assert.deepEqual(resolversOf(text).map(formatNetwork), ["192.0.2.53", "fe80::53", "192.0.2.54"]);
});

test("HostAddresses reads the routes again after a minute, less often where that takes long, and works without ip", async () => {
  let now = 0;
  let looks = 0;
  let takes = 100;
  const ran = async (argv: readonly string[]) => {
    if (argv[1] === "-4") {
      now += takes;
      looks++;
    }
    return { status: 0, stdout: `default via 192.0.2.${looks} dev eth0 table 9\n`, stderr: "" };
  };
  const host = new HostAddresses(ran, () => now);
  const gateways = () =>
    host
      .now()
      .filter(({ why }) => why === "the gateway of a route")
      .map(({ network }) => formatNetwork(network));
  await host.readRoutes();
  assert.deepEqual(gateways(), ["192.0.2.1", "192.0.2.1"]);
  now = 59_999;
  gateways();
  assert.equal(looks, 1);
  now = 60_000;
  takes = 1000;
  assert.deepEqual(gateways(), ["192.0.2.1", "192.0.2.1"], "as they were, until the look is over");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(gateways(), ["192.0.2.2", "192.0.2.2"]);
  now = 60_000 + 199_999;
  gateways();
  assert.equal(looks, 2);
  now = 60_000 + 200_000;
  gateways();
  assert.equal(looks, 3);

  const without = new HostAddresses(
    async () => ({ status: null, stdout: "", stderr: "", failure: "ENOENT" }),
    () => 0,
  );
  await without.readRoutes();
  assert.ok(without.now().some(({ why }) => why === "an address of this host"));
});
