import assert from "node:assert/strict";
import { test } from "node:test";
import { describePorts, readPorts } from "../../../src/exec/decide/jail-ports.ts";

const CASES = [
  { name: "nothing", fields: {}, shown: undefined },
  { name: "a protocol alone, which says nothing", fields: { protocol: ["udp"] }, shown: undefined },
  { name: "an empty list", fields: { port: [], protocol: ["tcp"] }, shown: "all ports" },
  { name: "ports without protocol", fields: { port: [25] }, shown: "ports 25 tcp" },
  {
    name: "ports in any order, some twice",
    fields: { port: [10000, 465, "9000:9100", 25, 465], protocol: ["udp", "tcp", "udp"] },
    shown: "ports 25,465,9000:9100,10000 tcp,udp",
  },
  { name: "all protocols", fields: { port: [53], protocol: ["all"] }, shown: "ports 53 tcp,udp" },
];

for (const { name, fields, shown } of CASES) {
  test(`readPorts: ${name}`, () => {
    const ports = readPorts(fields);
    assert.equal(ports && describePorts(ports), shown);
  });
}

test("readPorts refuses a protocol that has no ports", () => {
  assert.throws(
    () => readPorts({ port: [25], protocol: ["icmp"] }),
    new RangeError("protocol icmp has no ports"),
  );
});
