import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure } from "../../../src/filter/verdict.ts";
import { formatNetwork, type Network, parseNetwork } from "../../../src/shared/address.ts";
import { countedAs, identify, isNumeric } from "../../../src/stream/jail/subject.ts";
import { newJail } from "../../helpers/jail.ts";

function failure(id: string, kind: Failure["kind"], cidr?: string): Failure {
  return { match: true, id, kind, cidr, time: 0, regex: 0, lines: [], groups: () => ({}) };
}

/** An identity as text. */
function shown(identity: ReturnType<typeof identify>): string {
  switch (identity.kind) {
    case "address":
      return formatNetwork(identity.network);
    case "host":
      return `host ${identity.host}`;
    case "id":
      return `id ${identity.id}`;
    case "invalid":
      return identity.why;
  }
}

const identities: readonly (readonly [failure: Failure, identity: string])[] = [
  [failure("192.0.2.1", "address"), "192.0.2.1"],
  [failure("2001:DB8::1", "address"), "2001:db8::1"],
  [failure("::ffff:192.0.2.1", "address"), "192.0.2.1"],
  [failure("64:ff9b::c000:201", "address"), "192.0.2.1"],
  [failure("999.1.1.1", "address"), "is not a valid address"],
  [failure("192.0.2.01", "address"), "is not a valid address"],
  [failure("192.0.2.77", "address", "24"), "192.0.2.0/24"],
  [failure("192.0.2.77", "address", "33"), "is not a valid address"],
  [failure("192.0.2.77", "address", "0"), "is the network of all addresses"],
  [failure("::ffff:0.0.0.0/96", "id"), "is the network of all addresses"],
  [failure("192.0.2.77", "address", "024"), "is not a valid address"],
  [failure("host.example.org", "host"), "host host.example.org"],
  [failure("192.0.2.1", "id"), "192.0.2.1"],
  [failure("session 5", "id"), "id session 5"],
  [failure("", "id"), "is empty"],
  [failure("x".repeat(1024), "id"), `id ${"x".repeat(1024)}`],
  [failure("x".repeat(1025), "id"), "is longer than 1024 characters"],
  [failure("x".repeat(1025), "host"), "is longer than 1024 characters"],
];

for (const [of, identity] of identities) {
  test(`identify takes ${of.kind} ${of.id.slice(0, 40)}${of.cidr ? `/${of.cidr}` : ""} (${of.id.length})`, () => {
    assert.equal(shown(identify(of)), identity);
  });
}

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed);
  return parsed;
}

const counted: readonly { written: string; spared: string[]; as: string }[] = [
  { written: "192.0.2.77", spared: [], as: "192.0.2.0/24" },
  { written: "2001:db8:1:2:3::4", spared: [], as: "2001:db8:1:2::/64" },
  { written: "192.0.2.77", spared: ["192.0.2.0/24"], as: "192.0.2.77" },
  { written: "192.0.2.0/26", spared: [], as: "192.0.2.0/26" },
  { written: "192.0.0.0/16", spared: [], as: "192.0.0.0/16" },
];

for (const { written, spared, as } of counted) {
  test(`countedAs takes ${written} for ${as}${spared.length > 0 ? ", its network being spared" : ""}`, () => {
    const jail = newJail({ count: { ipv4: 24, ipv6: 64 } });
    assert.equal(
      countedAs(network(written), jail, (wide) => spared.includes(formatNetwork(wide))),
      as,
    );
  });
}

test("isNumeric tells numbers from host names", () => {
  const numbers = ["8", "1.2", "0x7f.1", "017700000001", "1.2.3.4.5", "0x", "0X7F000001", "example.8", "8."];
  assert.deepEqual(
    numbers.filter((text) => !isNumeric(text)),
    [],
  );
  const names = ["8.example.org", "a", "x8", "0x7f.example", "1and1.com", "3com", "8a", "localhost", "0xg"];
  assert.deepEqual(names.filter(isNumeric), []);
});
