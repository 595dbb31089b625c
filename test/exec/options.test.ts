import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/cli/args.ts";
import { HELP, readOptions } from "../../src/exec/options.ts";

test("readOptions: defaults", () => {
  assert.deepEqual(readOptions([]), {
    mode: "run",
    backend: "auto",
    config: undefined,
    isDryRun: false,
    hasResults: false,
    isJson: false,
    onEof: "keep",
    settings: {},
    neverBan: [],
    maxBans: 200_000,
  });
});

test("readOptions reads repeated options", () => {
  const { settings, neverBan } = readOptions(
    "--chain INPUT --chain DOCKER-USER --blocktype drop --never-ban 192.0.2.0/24 --never-ban ::ffff:198.51.100.1".split(
      " ",
    ),
  );
  assert.deepEqual(settings, { blocktype: "drop", chain: ["INPUT", "DOCKER-USER"] });
  assert.deepEqual(
    neverBan.map(({ family, prefix }) => [family, prefix]),
    [
      [4, 24],
      [4, 32],
    ],
  );
});

const WRONG = [
  { argv: "--bogus", message: 'unknown option "--bogus"' },
  { argv: "file", message: 'unexpected argument "file"' },
  {
    argv: "--backend ebtables",
    message: 'option --backend: expected auto, ipset, nftables, iptables, none, got "ebtables"',
  },
  { argv: "--on-eof stay", message: 'option --on-eof: expected keep, wait, flush, got "stay"' },
  { argv: "--chain f2bs-x", message: 'option --chain: "f2bs-x" is not the name of a chain outside f2b-exec' },
  {
    argv: "--never-ban example.org",
    message: 'option --never-ban: expected an address or a network, got "example.org"',
  },
  { argv: "--max-bans 0", message: 'option --max-bans: expected a whole number from 1 to 10000000, got "0"' },
  { argv: "--status --flush", message: "--status and --flush exclude each other" },
  {
    argv: "--dry-run --flush",
    message: "--dry-run does not read the firewall, so it can't show what --flush removes: see --status",
  },
  { argv: "--dry-run --results", message: "--dry-run and --results both write to stdout" },
  { argv: "--json", message: "--json needs --status" },
];

for (const { argv, message } of WRONG) {
  test(`readOptions refuses ${argv}`, () => {
    assert.throws(
      () => readOptions(argv.split(" ")),
      (error) => error instanceof UsageError && error.message === message,
    );
  });
}

test("HELP fits a screen, names every option and ends in an example", () => {
  const lines = HELP.trimEnd().split("\n");
  assert.ok(lines.length <= 30 && lines.every((line) => line.length <= 80));
  const names = [
    "backend",
    "blocktype",
    "chain",
    "never-ban",
    "max-bans",
    "on-eof",
    "results",
    "dry-run",
    "status",
  ];
  for (const name of [...names, "flush", "json", "help", "version"])
    assert.ok(HELP.includes(`--${name}`), name);
  assert.match(lines.at(-1) ?? "", /\| f2b-exec$/);
});
