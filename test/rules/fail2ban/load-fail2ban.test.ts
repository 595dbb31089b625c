import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadFail2ban } from "../../../src/rules/fail2ban/load-fail2ban.ts";
import { type Jail, RuleError } from "../../../src/rules/rule.ts";
import { formatNetwork } from "../../../src/shared/address.ts";
import { withTree } from "../../helpers/config-tree.ts";

const fixture = fileURLToPath(new URL("../../../../test/fixtures/fail2ban", import.meta.url));

/** The only jail of a small configuration: `options` in its section, warnings without its name. */
function loadOne(options: string, files: Record<string, string> = {}) {
  const tree = {
    "jail.conf": `[DEFAULT]\nfilter = f\naction = iptables\n[j]\nenabled = true\n${options}\n`,
    "filter.d/f.conf": "[Definition]\nfailregex = ^from <HOST>$\n",
    "action.d/iptables.conf": "[Definition]\nactionban = iptables -s <ip>\n",
    ...files,
  };
  return withTree(tree, (directory) => {
    const { jails, warnings, exec } = loadFail2ban(directory);
    return { jail: jails[0], warnings: warnings.map((text) => text.replace(/^jail j: /, "")), exec: exec[0] };
  });
}

function jailOf(options: string): Jail {
  const { jail, warnings } = loadOne(options);
  assert.deepEqual(warnings, []);
  assert.ok(jail);
  return jail;
}

describe("loadFail2ban on the fixture", () => {
  const names = (pick?: readonly string[] | "*") => loadFail2ban(fixture, pick).jails.map(({ name }) => name);

  it("gives the enabled jails", () => assert.deepEqual(names(), ["door", "gate"]));
  it("gives the jails picked, in that order", () =>
    assert.deepEqual(names(["cellar", "door"]), ["cellar", "door"]));
  it("gives all of them for *", () => assert.equal(names("*").length, 8));
  it("refuses a jail that is not there", () => {
    assert.throws(
      () => names(["attic"]),
      (error) => error instanceof RuleError && /"attic"/.test(error.message),
    );
  });
  it("refuses a directory without jail.conf", () => {
    assert.throws(() => loadFail2ban(`${fixture}/filter.d`), /no such file/);
  });

  it("carries a jail over whole", () => {
    const [jail] = loadFail2ban(fixture, ["door"]).jails;
    assert.ok(jail);
    const { filter, ignore, place, ...rest } = jail;
    assert.deepEqual(rest, {
      name: "door",
      description: undefined,
      enabled: true,
      identifier: undefined,
      journalmatch: undefined,
      logpath: ["/var/log/door.log"],
      framing: "file",
      session: undefined,
      maxretry: 2,
      findtime: 600_000,
      bantime: 3_600_000,
      escalation: {
        increment: true,
        factor: 1,
        multipliers: [1, 2, 4],
        maxtime: 3_024_000_000,
        rndtime: 30_000,
        overalljails: false,
        memory: 172_800_000,
      },
      count: { ipv4: 32, ipv6: 128 },
      usedns: "warn",
      port: [22, 2222],
      protocol: ["tcp"],
      mode: "enforce",
      on: "log",
      maxmatches: 2,
      tests: [],
    });
    assert.match(place.file, /jail\.conf$/);
    assert.deepEqual(
      filter.failregex.map(({ source }) => source),
      [
        "^(?:wrong key|bent key) from <HOST>(?: port \\d+)?$",
        "^sure: <F-USER>\\S+</F-USER> is <unknown-tag> at <ADDR>",
        "^(?:notice )?extra lock picked by <HOST>$",
      ],
    );
    assert.deepEqual(ignore.networks.map(formatNetwork), ["127.0.0.0/8", "::1", "192.0.2.0/24"]);
    assert.deepEqual([ignore.hosts, ignore.self, ignore.command], [["friends.example.com"], true, undefined]);
  });

  it("reads globs, their ends and a command with its arguments", () => {
    const [jail] = loadFail2ban(fixture, ["gate"]).jails;
    assert.deepEqual(jail?.logpath, ["/var/log/gate/*.log", "/var/log/gate old.log", "/var/log/gate.extra"]);
    assert.deepEqual(jail?.ignore.command, [`${fixture}/known-visitor`, "<ip>", "two words"]);
    assert.deepEqual(jail?.port, [80, 443, 8080]);
    assert.equal(jail?.filter.datepattern?.source, "^%Y-%m-%d %H:%M:%S");
  });

  it("reads a jail on the journal", () => {
    const [jail] = loadFail2ban(fixture, ["cellar"]).jails;
    assert.deepEqual(jail?.journalmatch, [
      new Map([["_SYSTEMD_UNIT", new Set(["door.service"])]]),
      new Map([["_COMM", new Set(["doord"])]]),
      new Map([["_SYSTEMD_UNIT", new Set(["back door.service"])]]),
    ]);
    assert.deepEqual([jail?.logpath, jail?.port, jail?.bantime], [undefined, undefined, null]);
  });

  it("makes recidive count bans", () => {
    const [jail] = loadFail2ban(fixture, ["recidive"]).jails;
    assert.deepEqual(
      [jail?.on, jail?.filter.failregex, jail?.logpath, jail?.findtime, jail?.maxretry],
      ["ban", [], undefined, 86_400_000, 3],
    );
  });

  it("joins the ports and protocols of several actions", () => {
    const { jails, warnings } = loadFail2ban(fixture, ["twoports"]);
    assert.deepEqual([jails[0]?.port, jails[0]?.protocol], [["5060:5061"], ["tcp", "udp"]]);
    assert.equal(warnings.filter((text) => text.includes("different ports")).length, 0);
  });

  it("names what it can't carry over, jail by jail", () => {
    const { jails, warnings } = loadFail2ban(fixture, ["legacy", "knocker", "told"]);
    assert.deepEqual(
      jails.map(({ mode }) => mode),
      ["enforce", "shadow", "enforce"],
    );
    const subjects = warnings.map((text) => text.match(/^jail \w+: \w+(?:\.\w+)?(?= )|<unknown-tag>/)?.[0]);
    assert.deepEqual(
      subjects.filter((subject) => subject !== "<unknown-tag>"),
      [
        "jail legacy: logencoding",
        "jail legacy: logtimezone",
        "jail legacy: bantime.formula",
        "jail legacy: ignorecommand",
        "jail legacy: action",
        "jail knocker: action",
        "jail told: action",
        "jail told: action",
      ],
    );
  });

  it("gathers what f2b-exec needs", () => {
    const { exec } = loadFail2ban(fixture, ["cellar", "told"]);
    assert.deepEqual(exec[0], {
      jail: "cellar",
      blocktype: "drop",
      chains: ["DOCKER-USER"],
      allports: true,
      commands: [],
      unsupported: [],
    });
    assert.deepEqual(exec[1]?.commands[0]?.commands, {
      actionban: [
        ["logger", "-t", "door", "banned <ip> in told"],
        ["touch", "/run/door/<ip>"],
      ],
      actionunban: [["rm", "-f", "/run/door/<ip>"]],
    });
    assert.deepEqual(
      exec[1]?.unsupported.map(({ name, why }) => [name, why]),
      [["tell", 'actionban needs a shell for "|"']],
    );
  });
});

describe("loadFail2ban reads", () => {
  const cases: [options: string, read: (jail: Jail) => unknown, expected: unknown][] = [
    ["", ({ maxretry, findtime, bantime }) => [maxretry, findtime, bantime], [5, 600_000, 600_000]],
    ["bantime = 1d 12h", ({ bantime }) => bantime, 129_600_000],
    ["bantime = -1", ({ bantime }) => bantime, null],
    ["findtime = 60*60", ({ findtime }) => findtime, 3_600_000],
    ["bantime.increment = true", ({ escalation }) => escalation.multipliers, undefined],
    ["bantime.factor = 2.0 / 4", ({ escalation }) => escalation.factor, 0.5],
    ["bantime.formula = ban.Time * 2", ({ escalation }) => escalation.increment, false],
    ["ignoreself = false", ({ ignore }) => ignore.self, false],
    ["ignoreip = file:///a/b file:/c", ({ ignore }) => ignore.files, ["/a/b", "/c"]],
    ["ignoreip = ::ffff:192.0.2.9", ({ ignore }) => ignore.networks.map(formatNetwork), ["192.0.2.9"]],
    ["usedns = RAW", ({ usedns }) => usedns, "raw"],
    ["port = all", ({ port }) => port, undefined],
    ["port = 1000:2000 ssh,ssh", ({ port }) => port, ["1000:2000", 22]],
    ["action = iptables-allports\nport = 22", ({ port }) => port, undefined],
    ["action = nftables[type=allports]\nport = 22", ({ port }) => port, undefined],
    ["protocol = tcp,udp", ({ protocol }) => protocol, ["tcp", "udp"]],
    ['datepattern = ^%%d\nfilter = f[datepattern="^%%m"]', ({ filter }) => filter.datepattern?.source, "^%d"],
    ["maxlines = 7\nfilter = f[maxlines=3]", ({ filter }) => filter.maxlines, 3],
    ["maxlines = 7", ({ filter }) => filter.maxlines, 7],
    ["datepattern = %%Y\n\n  %%H", ({ filter }) => filter.datepattern?.source, "%Y\n%H"],
    ["backend = systemd", ({ logpath, journalmatch }) => [logpath, journalmatch], [undefined, undefined]],
    ["backend = systemd", ({ framing }) => framing, "message"],
    ["logpath = /var/log/auth.log\n  /var/log/mail.log", ({ framing }) => framing, "message"],
    ["logpath = /var/log/auth.log\n  /var/log/nginx/error.log", ({ framing }) => framing, "file"],
    ["", ({ framing }) => framing, "file"],
    [
      "backend = systemd\njournalmatch = _UID=0 _UID=1 _PID=2",
      ({ journalmatch }) => journalmatch,
      [
        new Map([
          ["_UID", new Set(["0", "1"])],
          ["_PID", new Set(["2"])],
        ]),
      ],
    ],
  ];
  for (const [options, read, expected] of cases) {
    it(JSON.stringify(options), () => {
      const { jail } = loadOne(options);
      assert.ok(jail);
      assert.deepEqual(read(jail), expected);
    });
  }

  it("a plain jail without a warning", () => assert.equal(jailOf("logpath = /a").mode, "enforce"));
});

describe("loadFail2ban warns of", () => {
  const cases: [options: string, warning: RegExp][] = [
    ["bantime.increment = 1\nbantime.formula = ban.Time * 3", /^bantime\.formula is Python/],
    ["bantime = soon", /^bantime: expected a duration .* got "soon"/],
    ["maxretry = often", /^maxretry: expected a whole number from 1, got "often" \(.*jail\.conf:6\)/],
    ["maxretry = 0", /^maxretry: expected a whole number from 1/],
    ["maxretry = 100001", /^maxretry: using 100000 instead of 100001/],
    ["usedns = maybe", /^usedns: .* using no/],
    ["ignoreip = 192.0.2.300", /^ignoreip: .*"192\.0\.2\.300": skipped/],
    ["ignoreip = 192.0.2.0/255.0.255.0", /^ignoreip: /],
    ["ignorecommand = a <ip> | b", /^ignorecommand needs a shell for "\|"/],
    ["logencoding = latin1", /^logencoding latin1/],
    ["logtimezone = UTC+0200", /--tz/],
    ["backend = systemd[journalflags=1]", /in the brackets to journalctl/],
    [
      "backend = systemd\njournalmatch = CONTAINER_NAME=x",
      /any local user can write the field CONTAINER_NAME/,
    ],
    ["action =", /only watches/],
    ["action = mail", /only watches/],
    ["action = iptables[blocktype=RETURN]", /lets addresses in/],
    ["action = iptables[port=22]\n  iptables[port=23]", /block different ports/],
    ["port = 22\nprotocol = all", /^protocol all has no ports/],
    ["action = absent", /action absent is not carried over: there is no action\.d/],
    ["failregex = ^<re-nope> <HOST>", /jail\.conf:6:13: <re-nope> is not defined/],
  ];
  for (const [options, warning] of cases) {
    it(JSON.stringify(options), () => {
      const { jail, warnings } = loadOne(options);
      assert.ok(jail, warnings.join("\n"));
      assert.ok(
        warnings.some((text) => warning.test(text)),
        warnings.join("\n"),
      );
    });
  }
});

describe("loadFail2ban leaves out a jail, and only that one,", () => {
  const cases: [name: string, options: string, warning: RegExp][] = [
    ["whose filter is not there", "filter = absent", /left out: .*jail\.conf:6:10: filter "absent"/],
    ["whose filter has no failregex", "filter = empty", /left out: .*no failregex/],
    ["whose filter has a mistake", "filter = wrong", /left out: .*wrong\.conf:1:1/],
    ["with a value that leads nowhere", "logpath = %(nope)s", /left out: .*jail\.conf:6.*%\(nope\)s/],
    ["with a prefregex of two lines", "prefregex = ^a\n  ^b", /left out: .*several lines/],
    [
      "with more lines together than there may be",
      "maxlines = 1001",
      /left out: .*maxlines: expected a whole number up to 1000/,
    ],
    ["with a port that is none", "port = sshh", /left out: .*unknown port "sshh"/],
    ["with ports of a protocol that has none", "port = 22\nprotocol = icmp", /left out: .*icmp has no ports/],
    ["with a protocol that is none", "protocol = tpc", /left out: .*unknown protocol "tpc"/],
    ["with an action that can't be read", "action = iptables[x", /left out: .*expected name\[key/],
    ["with a journalmatch that is none", "backend = systemd\njournalmatch = x", /left out: .*FIELD=VALUE/],
  ];
  for (const [name, options, warning] of cases) {
    it(name, () => {
      const files = {
        "filter.d/empty.conf": "[Definition]\nfailregex =\n",
        "filter.d/wrong.conf": "x\n",
        "jail.local": "[other]\nenabled = true\n",
      };
      const { jail, warnings } = loadOne(options, files);
      assert.equal(jail?.name, "other");
      assert.ok(
        warnings.some((text) => warning.test(text)),
        warnings.join("\n"),
      );
    });
  }

  it("with a name that commands can't carry", () => {
    const { warnings } = loadOne("", { "jail.local": "[a b]\nenabled = true\n" });
    assert.match(warnings.join("\n"), /jail a b: left out: .*letters, digits/);
  });
});

/** What Debian's fail2ban makes of comments after values: `;` begins one, `#` only in a duration, which Python evaluates. */
describe("loadFail2ban reads comments after values as fail2ban does:", () => {
  const cases: [
    options: string,
    picked: (jail: Jail | undefined) => unknown,
    value: unknown,
    warning: RegExp | undefined,
  ][] = [
    ["bantime = 10m ; ten minutes", (jail) => jail?.bantime, 600_000, undefined],
    ["bantime = 10m # on 25 m", (jail) => jail?.bantime, 600_000, undefined],
    ["bantime = 600 # ten", (jail) => jail?.bantime, 600_000, undefined],
    ["bantime = -1 # for ever", (jail) => jail?.bantime, null, undefined],
    ["findtime = 1d 12h# x", (jail) => jail?.findtime, 129_600_000, undefined],
    ["findtime = 1h;x", (jail) => jail?.findtime, 600_000, /findtime: expected a duration/],
    ["bantime = # 10m", (jail) => jail?.bantime, 600_000, /bantime: expected a duration/],
    ["bantime.factor = 2 # two", (jail) => jail?.escalation.factor, 2, undefined],
    ["bantime.increment = true ; yes", (jail) => jail?.escalation.increment, true, undefined],
    [
      "bantime.increment = true # yes",
      (jail) => jail?.escalation.increment,
      false,
      /bantime\.increment: expected true or false, got "true # yes" .*only " ;" begins a comment/,
    ],
    ["ignoreself = false # own", (jail) => jail?.ignore.self, false, /ignoreself: expected true or false/],
    ["ignoreself = no ; own", (jail) => jail?.ignore.self, false, undefined],
    ["maxretry = 3 ; three", (jail) => jail?.maxretry, 3, undefined],
    ["maxretry = 3 # three", (jail) => jail?.maxretry, 5, /maxretry: expected a whole number/],
    ["usedns = no ; c", (jail) => jail?.usedns, "no", undefined],
    ["ignoreip = 192.0.2.1 ; me", (jail) => jail?.ignore.networks.length, 1, undefined],
  ];
  for (const [options, picked, value, warning] of cases) {
    it(options, () => {
      const { jail, warnings } = loadOne(options);
      assert.deepEqual(picked(jail), value);
      if (warning === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join("\n"), warning);
    });
  }

  it("enabled = true # comment", () => {
    const tree = {
      "jail.conf":
        "[a]\nenabled = true # comment\n[b]\nenabled = TRUE ; comment\nfilter = f\naction = iptables\n",
      "filter.d/f.conf": "[Definition]\nfailregex = ^from <HOST>$\n",
    };
    withTree(tree, (directory) => {
      const { jails, warnings } = loadFail2ban(directory);
      assert.deepEqual(
        jails.map(({ name }) => name),
        ["b"],
      );
      assert.match(
        warnings.join("\n"),
        /^jail a: enabled: expected true or false, got "true # comment" \(.*jail\.conf:2\)/,
      );
    });
  });
});
