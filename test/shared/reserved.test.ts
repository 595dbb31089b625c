import assert from "node:assert/strict";
import { test } from "node:test";
import { formatNetwork, type Network, parseNetwork } from "../../src/shared/address.ts";
import { innerIPv4, ownAddresses } from "../../src/shared/reserved.ts";

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
};

const INNER = [
  { of: "192.0.2.7", inner: [] },
  { of: "2001:db8::7", inner: [] },
  { of: "2400:cb00::1", inner: [] },
  { of: "::192.0.2.7", inner: ["192.0.2.7"] },
  { of: "::ffff:192.0.2.0/120", inner: ["192.0.2.0/24"] },
  { of: "::ffff:192.0.2.0/118", inner: ["192.0.0.0/22"] },
  { of: "64:ff9b::192.0.2.7", inner: ["192.0.2.7"] },
  { of: "64:ff9b:1:c000:2:700::", inner: ["192.0.2.7", "0.2.7.0", "2.7.0.0", "0.0.0.0"] },
  { of: "64:ff9b:1:c0:0:207::", inner: ["0.192.0.2", "192.0.2.7", "0.2.7.0", "0.0.0.0"] },
  { of: "64:ff9b:1::192.0.2.7", inner: ["0.0.0.0", "0.0.0.0", "0.0.0.192", "192.0.2.7"] },
  { of: "64:ff9b::/32", inner: ["0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"] },
  { of: "2002:c000:207::1", inner: ["192.0.2.7"] },
  { of: "2002:c000::/32", inner: ["192.0.0.0/16"] },
  { of: "2001:0:1:2:3:4:3fff:fdf8", inner: ["192.0.2.7"] },
  { of: "2001:0:1:2::/64", inner: ["0.0.0.0/0"] },
  { of: "2001:0:1:2:3:4:3fff:0/112", inner: ["192.0.0.0/16"] },
];

for (const { of, inner } of INNER)
  test(`innerIPv4 of ${of}: ${inner.join(", ") || "nothing"}`, () =>
    assert.deepEqual(innerIPv4(network(of)).map(formatNetwork), inner));

test("ownAddresses knows the broadcast addresses of interfaces", () => {
  const own = ownAddresses({
    eth0: [
      { address: "198.51.100.10", cidr: "198.51.100.10/25" },
      { address: "fe80::1%eth0", cidr: "fe80::1/64" },
    ],
    tun0: [{ address: "192.0.2.4", cidr: "192.0.2.4/31" }],
    lo: [{ address: "127.0.0.1", cidr: null }],
  });
  assert.deepEqual(
    own.map(({ network, why }) => `${formatNetwork(network)}: ${why}`),
    [
      ...[
        "198.51.100.10: an address of this host",
        "198.51.100.127: a broadcast address",
        "fe80::1: an address of this host",
      ],
      ...["192.0.2.4: an address of this host", "127.0.0.1: an address of this host"],
    ],
  );
});
