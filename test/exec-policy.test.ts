import assert from "node:assert/strict";
import { test } from "node:test";
import { formatNetwork, type Network, parseNetwork } from "../src/address.ts";
import { gatewaysIPv4, gatewaysIPv6, peersOf } from "../src/exec/host.ts";
import { Policy } from "../src/exec/policy.ts";

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
};

const host = () => [
  { network: network("198.51.100.10"), why: "an own address" },
  { network: network("198.51.100.1"), why: "the default gateway" },
  { network: network("2001:db8:1::10"), why: "an own address" },
];
const policy = new Policy({ neverBan: [network("203.0.113.0/28"), network("2001:db8:2::1")], host });

const CASES = [
  { ip: "192.0.2.7", refusal: undefined },
  { ip: "192.0.2.0/24", refusal: undefined },
  { ip: "127.0.0.1", refusal: "loopback (127.0.0.0/8)" },
  { ip: "127.5.0.0/16", refusal: "loopback (127.0.0.0/8)" },
  { ip: "::1", refusal: "loopback" },
  { ip: "0.0.0.0", refusal: "nobody's address (0.0.0.0/8)" },
  { ip: "::/64", refusal: "it holds ::1: loopback" },
  { ip: "198.51.100.10", refusal: "an own address" },
  { ip: "198.51.100.8/29", refusal: "it holds 198.51.100.10: an own address" },
  { ip: "198.51.100.1", refusal: "the default gateway" },
  { ip: "2001:db8:1::/64", refusal: "it holds 2001:db8:1::10: an own address" },
  { ip: "203.0.113.9", refusal: "on the never-ban list (203.0.113.0/28)" },
  { ip: "203.0.113.16", refusal: undefined },
  { ip: "203.0.113.0/24", refusal: "it holds 203.0.113.0/28: on the never-ban list" },
  { ip: "2001:db8:2::1", refusal: "on the never-ban list" },
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

test("Policy asks for the host's addresses again after ten seconds", () => {
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

test("peersOf reads whom established connections to some ports come from", () => {
  const text = `  sl  local_address rem_address   st tx_queue
   0: 0100007F:0016 076433C6:C350 01 00000000:00000000
   1: 0100007F:0019 086433C6:C350 01 00000000:00000000
   2: 0100007F:0016 00000000:0000 0A 00000000:00000000
   3: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF0000096433C6:C350 01 0
   4: B80D0120000000000000000001000000:0016 B80D0120000000000000000007000000:C350 01 0
`;
  assert.deepEqual(peersOf(text, new Set([22]), "LE").map(formatNetwork), [
    "198.51.100.7",
    "198.51.100.9",
    "2001:db8::7",
  ]);
});
