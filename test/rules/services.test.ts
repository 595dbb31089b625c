import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { machineServices, parsePort, parseServices } from "../../src/rules/services.ts";

const services = parseServices(
  "# comment\nssh 22/tcp\t# shell\nhttp\t80/tcp www www-http\nxmpp-client 5222/tcp\nssh 2222/udp\nbad 70000/tcp\nworse x/tcp\n",
);

describe("parsePort", () => {
  const cases: readonly [string, number | string | undefined][] = [
    ["22", 22],
    ["0", 0],
    ["65535", 65535],
    ["65536", undefined],
    ["-1", undefined],
    ["", undefined],
    ["ssh", 22],
    ["SSH", 22],
    ["www-http", 80],
    ["xmpp-client", 5222],
    ["nosuch", undefined],
    ["bad", undefined],
    ["worse", undefined],
    ["10000:10100", "10000:10100"],
    ["10000-10100", "10000:10100"],
    ["ssh:http", "22:80"],
    ["25:25", 25],
    ["100:1", undefined],
    ["1:65536", undefined],
    ["1:2:3", undefined],
    ["22 ", undefined],
    ["0x16", undefined],
  ];
  for (const [text, port] of cases) {
    it(JSON.stringify(text), () => assert.equal(parsePort(text, services), port));
  }
});

describe("machineServices", () => {
  it("knows common names on any machine", () => {
    const ports = ["ssh", "smtp", "submission", "imaps", "https"].map((name) => machineServices().get(name));
    assert.deepEqual(ports, [22, 25, 587, 993, 443]);
  });
});
