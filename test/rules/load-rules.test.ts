import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, describe, it } from "node:test";
import { loadRules } from "../../src/rules/load-rules.ts";
import { formatPlace, type Jail } from "../../src/rules/rule.ts";
import { mistakesOf, RulesFolder } from "../helpers/rules.ts";

const folder = new RulesFolder();
after(() => folder.remove());

const JAIL = "jails: {a: {failregex: ^x <HOST>";

async function loadJail(text: string, sets: readonly string[] = []): Promise<Jail> {
  const { jails } = await folder.load([text], sets);
  assert.equal(jails.length, 1);
  return jails[0] as Jail;
}

describe("loadRules gives a jail its defaults", () => {
  it("all of them", async () => {
    const { filter, place, ...jail } = await loadJail(`${JAIL}}}`);
    assert.deepEqual(
      filter.failregex.map(({ source }) => source),
      ["^x <HOST>"],
    );
    assert.equal(formatPlace(place), `${folder.path("0.yaml")}:1:9`);
    assert.deepEqual(
      { ...filter, failregex: [] },
      {
        prefregex: undefined,
        failregex: [],
        ignoreregex: [],
        success: [],
        maxlines: 1,
        datepattern: undefined,
      },
    );
    assert.deepEqual(jail, {
      name: "a",
      description: undefined,
      enabled: true,
      identifier: undefined,
      session: undefined,
      journalmatch: undefined,
      logpath: undefined,
      framing: "file",
      maxretry: 5,
      findtime: 600_000,
      bantime: 600_000,
      escalation: {
        increment: false,
        factor: 1,
        multipliers: undefined,
        maxtime: undefined,
        rndtime: 0,
        overalljails: false,
        memory: 604_800_000,
      },
      count: { ipv4: 32, ipv6: 64 },
      ignore: { networks: [], files: [], hosts: [], self: true, command: undefined },
      usedns: "no",
      port: undefined,
      protocol: ["tcp"],
      mode: "enforce",
      on: "log",
      maxmatches: 10,
      tests: [],
    });
  });
});

const testsOf = (jail: Jail) => jail.tests.map(({ place: _, ...test }) => test);

describe("loadRules reads a key", () => {
  const cases: readonly { yaml: string; read: (jail: Jail) => unknown; value: unknown }[] = [
    { yaml: "findtime: 90", read: (jail) => jail.findtime, value: 90_000 },
    { yaml: 'findtime: "90"', read: (jail) => jail.findtime, value: 90_000 },
    { yaml: "findtime: 1d 12h", read: (jail) => jail.findtime, value: 129_600_000 },
    { yaml: "bantime: 1mo", read: (jail) => jail.bantime, value: 2_629_800_000 },
    { yaml: "bantime: -1", read: (jail) => jail.bantime, value: null },
    { yaml: 'bantime: "-1"', read: (jail) => jail.bantime, value: null },
    { yaml: "bantime: 100y", read: (jail) => jail.bantime, value: 3_155_760_000_000 },
    { yaml: "identifier: sshd", read: (jail) => jail.identifier, value: ["sshd"] },
    { yaml: "identifier: []", read: (jail) => jail.identifier, value: undefined },
    { yaml: 'logpath: "/a b\\n/c*"', read: (jail) => jail.logpath, value: ["/a b", "/c*"] },
    { yaml: "maxretry: 1", read: (jail) => jail.framing, value: "file" },
    { yaml: "framing: message", read: (jail) => jail.framing, value: "message" },
    { yaml: "identifier: sshd", read: (jail) => jail.framing, value: "message" },
    { yaml: "journalmatch: _UID=0", read: (jail) => jail.framing, value: "message" },
    { yaml: "identifier: sshd, framing: file", read: (jail) => jail.framing, value: "file" },
    { yaml: "port: smtp", read: (jail) => jail.port, value: [25] },
    {
      yaml: 'port: [smtp, 465, "10000:10100"]',
      read: (jail) => jail.port,
      value: [25, 465, "10000:10100"],
    },
    { yaml: "port: 'http, https 8000-8010'", read: (jail) => jail.port, value: [80, 443, "8000:8010"] },
    { yaml: "port: [25, smtp]", read: (jail) => jail.port, value: [25] },
    { yaml: "port: all", read: (jail) => jail.port, value: undefined },
    { yaml: 'port: "0:65535"', read: (jail) => jail.port, value: undefined },
    { yaml: "protocol: 'tcp,udp'", read: (jail) => jail.protocol, value: ["tcp", "udp"] },
    { yaml: "protocol: all", read: (jail) => jail.protocol, value: ["all"] },
    {
      yaml: 'ignoreip: [192.0.2.77/24, "2001:db8::1", "::ffff:198.51.100.1", "file:/etc/friends", host.example]',
      read: (jail) => jail.ignore,
      value: {
        networks: [
          { family: 4, value: 0xc0000200n, prefix: 24 },
          { family: 6, value: 0x20010db8000000000000000000000001n, prefix: 128 },
          { family: 4, value: 0xc6336401n, prefix: 32 },
        ],
        files: ["/etc/friends"],
        hosts: ["host.example"],
        self: true,
        command: undefined,
      },
    },
    {
      yaml: 'ignoreip: "192.0.2.1, 192.0.2.2"',
      read: (jail) => jail.ignore.networks.map(({ value }) => value),
      value: [0xc0000201n, 0xc0000202n],
    },
    { yaml: "ignorecommand: /bin/true", read: (jail) => jail.ignore.command, value: ["/bin/true"] },
    {
      yaml: 'ignorecommand: [/bin/test x, "<ip>"]',
      read: (jail) => jail.ignore.command,
      value: ["/bin/test x", "<ip>"],
    },
    { yaml: "count: {ipv6: 48}", read: (jail) => jail.count, value: { ipv4: 32, ipv6: 48 } },
    {
      yaml: 'escalation: {multipliers: "1 2 4"}',
      read: (jail) => jail.escalation.multipliers,
      value: [1, 2, 4],
    },
    { yaml: "usedns: no", read: (jail) => jail.usedns, value: "no" },
    {
      yaml: "journalmatch: _SYSTEMD_UNIT=a.service + _UID=0",
      read: (jail) => jail.journalmatch,
      value: [new Map([["_SYSTEMD_UNIT", new Set(["a.service"])]]), new Map([["_UID", new Set(["0"])]])],
    },
    {
      yaml: "journalmatch: [_SYSTEMD_UNIT=with blank, PRIORITY=5]",
      read: (jail) => jail.journalmatch,
      value: [
        new Map([
          ["_SYSTEMD_UNIT", new Set(["with blank"])],
          ["PRIORITY", new Set(["5"])],
        ]),
      ],
    },
    {
      yaml: 'tests: [{line: [a, b], match: {ip: "2001:DB8:0::1", user: u}}, {line: c, match: true}]',
      read: testsOf,
      value: [
        { lines: ["a", "b"], match: { ip: "2001:db8::1", user: "u" } },
        { lines: ["c"], match: {} },
      ],
    },
    {
      yaml: "tests: [{line: a, success: {ip: 192.0.2.7}}, {line: b, match: true, success: false}]",
      read: testsOf,
      value: [
        { lines: ["a"], match: false, success: { ip: "192.0.2.7" } },
        { lines: ["b"], match: {}, success: false },
      ],
    },
    {
      yaml: "success: ['^in <HOST>$', '^ok <HOST>$']",
      read: (jail) => jail.filter.success.map(({ source }) => source),
      value: ["^in <HOST>$", "^ok <HOST>$"],
    },
    { yaml: "ignoreregex: ''", read: (jail) => jail.filter.ignoreregex, value: [] },
    {
      yaml: 'datepattern: "%Y\\n  %d\\n"',
      read: (jail) => jail.filter.datepattern?.source,
      value: "%Y\n%d",
    },
  ];
  for (const { yaml, read, value } of cases) {
    it(yaml, async () => assert.deepEqual(read(await loadJail(`${JAIL}, ${yaml}}}`)), value));
  }

  it("failregex of several lines as several patterns", async () => {
    const { filter } = await loadJail(
      "jails:\n  a:\n    failregex: |\n      ^x <HOST>\n\n       ^y <HOST>  \n",
    );
    assert.deepEqual(
      filter.failregex.map(({ source, place }) => [source, place.line, place.column]),
      [
        ["^x <HOST>", 4, 7],
        ["^y <HOST>", 6, 8],
      ],
    );
  });

  it("the example of the manual, whose pattern holds a colon and a blank without quotes", async () => {
    const { filter } = await loadJail(
      "jails:\n  a:\n    failregex:\n      - ^AUTH \\(x\\): failure: \\[<HOST>\\] # why\n    maxretry: 3\n",
    );
    assert.deepEqual(filter.failregex, [
      {
        source: "^AUTH \\(x\\): failure: \\[<HOST>\\]",
        place: { file: folder.path("0.yaml"), line: 4, column: 9 },
      },
    ]);
  });

  it("a jail that is named like a key for patterns", async () => {
    const { jails } = await folder.load(["jails:\n  success:\n    failregex: ^x <HOST>\n"]);
    assert.equal(jails[0]?.name, "success");
  });
});

describe("loadRules refuses", () => {
  const jail = (keys: string): string => `${JAIL}, ${keys}}}`;
  const cases: readonly { name: string; text: string; wrong: readonly string[] }[] = [
    {
      name: "a duration without a known unit",
      text: "defaults:\n  findtime: 10x\n",
      wrong: [
        '0.yaml:2:13: findtime: expected a duration such as "10m", got "10x" (units are s, m, h, d, w, mo and y)',
      ],
    },
    {
      name: "a findtime of nothing",
      text: "defaults: {findtime: 0}",
      wrong: [
        '0.yaml:1:22: findtime: expected a duration such as "10m", got 0 (units are s, m, h, d, w, mo and y)',
      ],
    },
    {
      name: "a ban that ends after the last date",
      text: "defaults: {bantime: 101y}",
      wrong: [
        '0.yaml:1:21: bantime: expected a duration such as "10m", or -1 (for ever), got "101y" (units are s, m, h, d, w, mo and y)',
      ],
    },
    {
      name: "an unknown key, at the key",
      text: jail("maxretri: 3"),
      wrong: ['0.yaml:1:35: unknown key "maxretri" (did you mean "maxretry"?)'],
    },
    {
      name: "fail2ban's dotted key",
      text: jail("bantime.factor: 3"),
      wrong: ['0.yaml:1:35: unknown key "bantime.factor" (write escalation: {factor: …})'],
    },
    {
      name: "an unknown key inside",
      text: jail("escalation: {facto: 3}"),
      wrong: ['0.yaml:1:48: escalation: unknown key "facto" (did you mean "factor"?)'],
    },
    {
      name: "names that objects inherit",
      text: jail("__proto__: 1, constructor: 2"),
      wrong: ['0.yaml:1:35: unknown key "__proto__"', '0.yaml:1:49: unknown key "constructor"'],
    },
    {
      name: "jails that do not stand under jails",
      text: "sshd: {maxretry: 3}",
      wrong: [
        '0.yaml:1:1: unknown key "sshd" (a file has the keys defaults and jails; put the jail under jails)',
      ],
    },
    {
      name: "a name that no chain can have",
      text: "jails: {a b: {enabled: false}}",
      wrong: ['0.yaml:1:9: jails: expected a name of 1 to 64 of A-Z a-z 0-9 . _ -, got "a b"'],
    },
    {
      name: "a list of jails",
      text: "jails: [a]",
      wrong: ["0.yaml:1:8: jails: expected a mapping, got a list"],
    },
    { name: "a list", text: "- a", wrong: ["0.yaml:1:1: expected a mapping with jails, got a list"] },
    {
      name: "a word for a number",
      text: jail("maxretry: many"),
      wrong: ['0.yaml:1:45: maxretry: expected a whole number from 1 to 100000, got "many"'],
    },
    {
      name: "a fraction for a whole number",
      text: jail("maxretry: 2.5"),
      wrong: ["0.yaml:1:45: maxretry: expected a whole number from 1 to 100000, got 2.5"],
    },
    {
      name: "another word for true",
      text: jail("enabled: yes"),
      wrong: ['0.yaml:1:44: enabled: expected true or false, got "yes"'],
    },
    {
      name: "a key without value",
      text: "jails:\n  a:\n    failregex:\n    port: 25\n",
      wrong: ["0.yaml:3:15: failregex: expected a pattern or a list of patterns, got nothing"],
    },
    {
      name: "an empty pattern in a list",
      text: "jails:\n  a:\n    failregex: [^x, '']\n",
      wrong: ['0.yaml:3:21: failregex: expected text, got ""'],
    },
    {
      name: "several lines as prefregex",
      text: jail('prefregex: "a\\nb"'),
      wrong: ["0.yaml:1:46: prefregex: expected one pattern, got several lines"],
    },
    {
      name: "an unknown service",
      text: jail("port: [smtp, nosuch]"),
      wrong: [
        '0.yaml:1:48: port: expected a port number, a range such as "10000:10100" or a service name, got "nosuch" (service names are those of /etc/services)',
      ],
    },
    {
      name: "ports of a protocol that has none",
      text: jail("port: 25, protocol: all"),
      wrong: ['0.yaml:1:9: a: protocol "all" has no ports (use port: all, or protocol: [tcp, udp])'],
    },
    {
      name: "all protocols and one",
      text: jail("protocol: [all, tcp]"),
      wrong: ['0.yaml:1:45: protocol: "all" must be the only protocol'],
    },
    {
      name: "an address with a number too large",
      text: jail("ignoreip: [192.0.2.256]"),
      wrong: [
        '0.yaml:1:46: ignoreip: expected an address, a network, a host name or "file:/path", got "192.0.2.256"',
      ],
    },
    {
      name: "networks that f2b-exec would not ban",
      text: jail("count: {ipv4: 8, ipv6: 129}"),
      wrong: [
        "0.yaml:1:49: count.ipv4: expected a whole number from 16 to 32, got 8",
        "0.yaml:1:58: count.ipv6: expected a whole number from 32 to 128, got 129",
      ],
    },
    {
      name: "a journal field that any user can write",
      text: jail("journalmatch: _UID=0 + SYSLOG_IDENTIFIER=sshd"),
      wrong: [
        "0.yaml:1:49: journalmatch: any local user can write SYSLOG_IDENTIFIER into the journal; add a field such as _SYSTEMD_UNIT",
      ],
    },
    {
      name: "a command line for a shell",
      text: jail("ignorecommand: test a"),
      wrong: [
        '0.yaml:1:50: ignorecommand: expected a list such as ["/usr/local/bin/is-known", "<ip>"], since no shell is run, got "test a"',
      ],
    },
    {
      name: "a word that is none of the choices",
      text: jail("on: lag"),
      wrong: ['0.yaml:1:39: on: expected "log" or "ban", got "lag"'],
    },
    {
      name: "a sample without an expectation, and a wrong one",
      text: jail("tests: [{line: x}, {line: x, match: {ip: y}}, {line: x, success: 1}]"),
      wrong: [
        "0.yaml:1:43: tests: expected match or success beside line",
        '0.yaml:1:76: tests.match.ip: expected an address or a network, got "y"',
        "0.yaml:1:100: tests.success: expected true, false or a mapping such as {ip: 192.0.2.1}, got 1",
      ],
    },
    {
      name: "a jail that counts lines and has no failregex",
      text: "jails: {a: {port: 25}}",
      wrong: [
        "0.yaml:1:9: a: no failregex (a jail needs a failregex to count failures, or on: ban to count bans)",
      ],
    },
    {
      name: "broken YAML",
      text: "jails: {a: [}",
      wrong: [
        "0.yaml:1:13: flow sequence in block collection must be sufficiently indented and end with a ]",
      ],
    },
    {
      name: "one key twice",
      text: "jails:\n  a: {on: ban}\n  a: {on: ban}\n",
      wrong: ["0.yaml:3:3: map keys must be unique"],
    },
    {
      name: "an unquoted text with colon and blank",
      text: "jails:\n  a:\n    description: a: b\n",
      wrong: [
        '0.yaml:3:18: nested mappings are not allowed in compact mappings (put quotes around text that contains ": ")',
      ],
    },
    {
      name: "more than one document",
      text: "jails: {}\n---\njails: {}\n",
      wrong: ["0.yaml:2:1: more than one document"],
    },
    {
      name: "an anchor that stands for ever more",
      text: `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n`,
      wrong: ["0.yaml:1:1: more than 100 uses of one anchor"],
    },
    {
      name: "an anchor that holds itself",
      text: "jails: &a {b: *a}",
      wrong: ['0.yaml:1:12: unknown key "b"'],
    },
  ];
  for (const { name, text, wrong } of cases) {
    it(name, async () => assert.deepEqual(await folder.mistakes([text]), wrong));
  }

  it("nesting without end", async () => {
    const [wrong, ...more] = await folder.mistakes([`a:\n${"[".repeat(20_000)}`]);
    assert.match(wrong ?? "", /^0\.yaml:\d+:\d+: nested too deeply$/);
    assert.deepEqual(more, []);
  });

  it("all mistakes of all files at once, in order", async () => {
    const wrong = await folder.mistakes(["jails: {a: {on: x, b: 1}}", "b: 1\ndefaults: {mode: x}\n"]);
    assert.deepEqual(
      wrong.map((line) => /^\S+:/.exec(line)?.[0]),
      ["0.yaml:1:17:", "0.yaml:1:20:", "1.yaml:1:1:", "1.yaml:2:18:"],
    );
  });
});

describe("loadRules warns", () => {
  const cases: readonly { name: string; text: string; warnings: readonly string[] }[] = [
    { name: "of no jail", text: "# nothing yet\n", warnings: ["no jail is enabled"] },
    {
      name: "of jails that are all off",
      text: "jails: {a: {enabled: false}}",
      warnings: ["no jail is enabled"],
    },
    {
      name: "of a pattern that a comment cuts",
      text: "jails:\n  a:\n    failregex:\n      - ^x <HOST> #1\n      - ^y <HOST> # well\n",
      warnings: ['0.yaml:4:9: what follows " #" is a comment; put quotes around a pattern with " #" in it'],
    },
    {
      name: "of patterns without use",
      text: `${JAIL}, on: ban}}`,
      warnings: ["0.yaml:1:9: a: with on: ban, failregex is not used"],
    },
    {
      name: "of a journalmatch that a program can be named for",
      text: `${JAIL}, journalmatch: _SYSTEMD_UNIT=a + _COMM=b}}`,
      warnings: ["0.yaml:1:9: a: journalmatch: a local user can run a program that matches _COMM fits"],
    },
  ];
  for (const { name, text, warnings } of cases) {
    it(name, async () => {
      const loaded = await folder.load([text]);
      assert.deepEqual(
        loaded.warnings.map((line) => folder.shorten(line)),
        warnings,
      );
    });
  }
});

describe("loadRules lays files over each other", () => {
  it("key by key, inside escalation and count too", async () => {
    const { jails } = await folder.load([
      "defaults: {escalation: {increment: true, factor: 3}}\njails: {a: {failregex: ^x, maxretry: 3, port: 25, count: {ipv4: 24}}}",
      "jails: {a: {maxretry: 4, escalation: {factor: 2}, count: {ipv6: 48}}}",
    ]);
    const [jail] = jails;
    assert.deepEqual(
      [jail?.maxretry, jail?.port, jail?.count, jail?.escalation.increment, jail?.escalation.factor],
      [4, [25], { ipv4: 24, ipv6: 48 }, true, 2],
    );
  });

  it("defaults of any file hold for all jails, a jail's own key before them", async () => {
    const { jails } = await folder.load([
      "defaults: {maxretry: 2, findtime: 1m}\njails: {a: {failregex: ^x}}",
      "defaults: {maxretry: 3}\njails: {b: {failregex: ^x, findtime: 2m}}",
    ]);
    assert.deepEqual(
      jails.map(({ name, maxretry, findtime }) => [name, maxretry, findtime]),
      [
        ["a", 3, 60_000],
        ["b", 3, 120_000],
      ],
    );
  });

  it("jails in the order in which they are first named, whatever their names", async () => {
    const { jails } = await folder.load([
      "jails: {z: {on: ban}, 22: {on: ban}, __proto__: {on: ban}}",
      "jails: {a: {on: ban}, z: {maxretry: 1}}",
    ]);
    assert.deepEqual(
      jails.map(({ name }) => name),
      ["z", "22", "__proto__", "a"],
    );
  });

  it("an empty list takes a list back", async () => {
    const { jails } = await folder.load([
      "jails: {a: {failregex: ^x, identifier: b, port: 25, logpath: /x}}",
      "jails: {a: {identifier: [], port: all, logpath: []}}",
    ]);
    assert.deepEqual(
      [jails[0]?.identifier, jails[0]?.port, jails[0]?.logpath],
      [undefined, undefined, undefined],
    );
  });
});

describe("loadRules --set", () => {
  const text = "jails: {a.b: {failregex: ^x, maxretry: 7}, a: {failregex: ^y}}";
  const read = ({ name, maxretry }: Jail) => `${name} ${maxretry}`;
  const cases: readonly { set: string; jails: readonly string[] }[] = [
    { set: "a.maxretry=1", jails: ["a.b 7", "a 1"] },
    { set: "a.b.maxretry=1", jails: ["a.b 1", "a 5"] },
    { set: "*.maxretry=1", jails: ["a.b 1", "a 1"] },
    { set: "defaults.maxretry=1", jails: ["a.b 7", "a 1"] },
  ];
  for (const { set, jails } of cases) {
    it(set, async () => assert.deepEqual((await folder.load([text], [set])).jails.map(read), jails));
  }

  it("reads values as YAML, the last of several winning", async () => {
    const sets = [
      "a.ignoreip=[192.0.2.1, '2001:db8::/32']",
      "a.port=10000:10100",
      "a.bantime.increment=true",
      "a.escalation.factor=2",
      "a.findtime=1m",
      "a.findtime=1d 12h",
      "a.failregex=^a=b <HOST>",
      "a.description=",
    ];
    const wrong = await folder.mistakes([text], sets);
    assert.deepEqual(wrong, ["--set a.description=: description: expected text, got nothing"]);
    const jail = (await folder.load([text], sets.slice(0, -1))).jails[1];
    assert.equal(jail?.ignore.networks.length, 2);
    assert.deepEqual(jail?.port, ["10000:10100"]);
    assert.deepEqual([jail?.escalation.increment, jail?.escalation.factor], [true, 2]);
    assert.equal(jail?.findtime, 129_600_000);
    assert.equal(jail?.filter.failregex[0]?.source, "^a=b <HOST>");
  });

  it("refuses what no jail has, all at once", async () => {
    const sets = [
      "sshd.maxretry=1",
      "a.maxretri=1",
      "maxretry=1",
      "a.maxretry",
      "a.findtime=10x",
      "a.port=[",
      "a=1",
    ];
    assert.deepEqual(await folder.mistakes([text], sets), [
      '--set sshd.maxretry=1: no jail "sshd" (the jails are a.b, a)',
      '--set a.maxretri=1: unknown key "maxretri" (did you mean "maxretry"?)',
      "--set maxretry=1: expected JAIL.KEY=VALUE",
      "--set a.maxretry: expected JAIL.KEY=VALUE",
      '--set a.findtime=10x: findtime: expected a duration such as "10m", got "10x" (units are s, m, h, d, w, mo and y)',
      "--set a.port=[: flow sequence must end with a ]",
      "--set a=1: expected JAIL.KEY=VALUE",
    ]);
  });
});

describe("loadRules finds files", () => {
  const wrongOf = async (...specs: string[]): Promise<readonly string[]> => {
    try {
      await loadRules({ specs, sets: [] });
      return [];
    } catch (error) {
      return mistakesOf(error).map((line) => folder.shorten(line));
    }
  };

  it("a bundled one by its name", async () => {
    const { jails, files } = await loadRules({ specs: ["sshd"], sets: [] });
    assert.equal(jails[0]?.place.file, "rules/sshd.yaml");
    assert.match(files[0] ?? "", /\/rules\/sshd\.yaml$/);
  });

  it("of a directory its *.yaml in order", async () => {
    mkdirSync(folder.path("d"));
    folder.write("d/b.yaml", "jails: {x: {maxretry: 2}}");
    folder.write("d/a.yaml", "jails: {x: {on: ban, maxretry: 1}}");
    folder.write("d/.hidden.yaml", "nonsense");
    folder.write("d/c.txt", "nonsense");
    const { jails, files } = await loadRules({ specs: [folder.path("d")], sets: [] });
    assert.deepEqual(files, [folder.path("d/a.yaml"), folder.path("d/b.yaml")]);
    assert.equal(jails[0]?.maxretry, 2);
  });

  it("a fail2ban configuration, over which files and --set can be laid", async () => {
    mkdirSync(folder.path("f/filter.d"), { recursive: true });
    folder.write(
      "f/jail.conf",
      "[x]\nenabled = true\nfilter = x\nmaxretry = 4\nport = 25\n[y]\nfilter = x\n",
    );
    folder.write("f/filter.d/x.conf", "[Definition]\nfailregex = ^x <HOST>$\n");
    const over = folder.write("over.yaml", "jails: {x: {findtime: 1m}}");
    const loaded = await loadRules({ specs: [folder.path("f"), over], sets: ["x.bantime=1h"] });
    assert.deepEqual(
      loaded.jails.map(({ name, maxretry, findtime, bantime, port }) => [
        name,
        maxretry,
        findtime,
        bantime,
        port,
      ]),
      [["x", 4, 60_000, 3_600_000, [25]]],
    );
    const picked = await loadRules({ specs: [`${folder.path("f")}[y]`], sets: [] });
    assert.deepEqual(
      picked.jails.map(({ name }) => name),
      ["y"],
    );
  });

  it("or says what is missing", async () => {
    mkdirSync(folder.path("empty"));
    folder.write("long.yaml", "#".repeat(1_048_577));
    folder.write("latin1.yaml", Buffer.from("# \xe9\n", "latin1"));
    const specs = ["none.yaml", "empty", "long.yaml", "latin1.yaml"].map((name) => folder.path(name));
    assert.deepEqual(await wrongOf(...specs, "/dev/zero", "sshx"), [
      "none.yaml: no such file or directory",
      "empty: no *.yaml in this directory",
      "long.yaml: longer than 1 MiB",
      "latin1.yaml: not UTF-8",
      "/dev/zero: is a device, expected a regular file",
      'sshx: there are no bundled rules with this name (did you mean "sshd"?)',
    ]);
  });

  it("only when asked", async () => {
    const [wrong] = await wrongOf();
    assert.match(wrong ?? "", /^-r: no rules given \(use -r NAME or -r PATH; bundled rules: .*\bsshd\b/);
  });
});
