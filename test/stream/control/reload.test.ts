import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import { RuleError } from "../../../src/rules/rule.ts";
import { Reloader } from "../../../src/stream/control/reload.ts";
import { Engine } from "../../../src/stream/engine.ts";
import type { CompiledJail } from "../../../src/stream/jail/compile-jails.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";
import { RULES, Steered } from "../../helpers/steered.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

/** A reloader whose loads end when they are told to. */
class Tried {
  readonly told: string[] = [];
  readonly written: string[] = [];
  readonly #loads: { resolve: (jails: readonly CompiledJail[]) => void; reject: (error: Error) => void }[] =
    [];
  readonly engine: Engine;
  readonly reloader: Reloader;

  constructor() {
    const report = new Report("test", (line) => this.told.push(line.trim()));
    const options = { isLive: true, format: "none", source: undefined, silence: 0, prefilter: true } as const;
    const bounds = { maxLine: 1000, maxKeys: 100, maxEvidence: 1000 };
    const write = (line: string) => this.written.push(line);
    this.engine = new Engine([], { ...options, ...bounds, report, write }, NOW);
    const load = () =>
      new Promise<readonly CompiledJail[]>((resolve, reject) => this.#loads.push({ resolve, reject }));
    this.reloader = new Reloader({
      engine: this.engine,
      flush: () => undefined,
      report,
      load,
      now: () => NOW,
    });
  }

  /** Loads that have begun and not ended. */
  get loading(): number {
    return this.#loads.length;
  }

  /** Ends the load that began first, with jails of these names. */
  loaded(...names: string[]): void {
    const filter = compileFilter(filterRule({ failregex: ["<HOST>"] }));
    this.#loads.shift()?.resolve(names.map((name) => ({ jail: newJail({ name }), filter })));
  }

  failed(error: Error): void {
    this.#loads.shift()?.reject(error);
  }

  jails(): readonly string[] {
    return [...this.engine.jails.keys()];
  }
}

test("Reloader takes up rules and lets a sync follow", async () => {
  const tried = new Tried();
  const reloaded = tried.reloader.reload();
  tried.loaded("a", "b");
  assert.deepEqual(await reloaded, { jails: 2 });
  assert.deepEqual(tried.jails(), ["a", "b"]);
  assert.deepEqual(
    tried.written.map((line) => JSON.parse(line).phase),
    ["begin", "end"],
  );
  assert.deepEqual(tried.told, ["test: rules reloaded: 2 jails"]);
});

test("Reloader reads one time after another; who asks meanwhile shares the next", async () => {
  const tried = new Tried();
  const first = tried.reloader.reload();
  const others = [1, 2, 3].map(() => tried.reloader.reload());
  assert.equal(tried.loading, 1);
  tried.loaded("old");
  assert.deepEqual(await first, { jails: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(tried.loading, 1, "one for all three");
  tried.loaded("new", "newer");
  assert.deepEqual(await Promise.all(others), Array(3).fill({ jails: 2 }));
  assert.deepEqual(tried.jails(), ["new", "newer"]);
  const last = tried.reloader.reload();
  tried.loaded("last");
  assert.deepEqual(await last, { jails: 1 });
});

test("Reloader tells mistakes, changes nothing, and can be asked again", async () => {
  const tried = new Tried();
  const first = tried.reloader.reload();
  const second = tried.reloader.reload();
  const error = new RuleError("ERR_RULE_VALUE", { file: "a.yaml", line: 2, column: 3 }, "wrong", "try right");
  tried.failed(new AggregateError([error]));
  assert.deepEqual(await first, { errors: [error] });
  assert.deepEqual([tried.jails(), tried.written], [[], []]);
  assert.deepEqual(tried.told, [
    "test: error: a.yaml:2:3: wrong",
    "test: hint: try right",
    "test: warning: reload failed, keeping the previous rules",
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  tried.loaded("a");
  assert.deepEqual(await second, { jails: 1 });
});

test("Reloader takes up nothing when the stream has ended", async () => {
  const tried = new Tried();
  const reloaded = tried.reloader.reload();
  tried.reloader.stop();
  tried.loaded("a");
  await reloaded;
  assert.deepEqual([tried.jails(), tried.written, tried.told], [[], [], []]);
});

test("Reloader gives other errors to who asked", async () => {
  const tried = new Tried();
  const reloaded = tried.reloader.reload();
  tried.failed(new TypeError("a bug"));
  await assert.rejects(reloaded, { message: "a bug" });
});

let steered: Steered | undefined;

afterEach(async () => {
  await steered?.stop();
  steered = undefined;
});

const ways: readonly { name: string; reload: (steered: Steered) => Promise<unknown> }[] = [
  { name: "f2b-client reload", reload: (steered) => steered.ask({ do: "reload" }) },
  {
    name: "SIGHUP",
    reload: (steered) => {
      const { length } = steered.running.stderr();
      steered.running.child.kill("SIGHUP");
      return steered.running.until(({ stderr }) =>
        /(?:rules reloaded|reload failed).*\n$/s.test(stderr.slice(length)),
      );
    },
  },
];

for (const { name, reload } of ways) {
  test(`${name} keeps bans and what was counted, with another maxretry too`, async () => {
    steered = await Steered.start(RULES.replace("maxretry: 3", "maxretry: 5"));
    await steered.ask({ do: "ban", jail: "app", ip: "192.0.2.9" });
    await steered.fail(["192.0.2.1", "192.0.2.1"]);
    await reload(steered);
    steered.rules(RULES);
    await reload(steered);
    await steered.fail(["192.0.2.1"]);
    await steered.fail(["192.0.2.2", "192.0.2.2"]);
    steered.rules(RULES.replace("maxretry: 3", "maxretry: 4"));
    await reload(steered);
    await steered.fail(["192.0.2.2"]);
    await steered.fail(["192.0.2.2"]);
    const sync = (...ips: string[]) => [
      "sync begin",
      ...ips.map((ip) => `ban app ${ip}${ip.endsWith("9") ? " manual" : ""} repeat`),
      "sync end",
    ];
    assert.deepEqual(steered.commands(), [
      "ban app 192.0.2.9 manual",
      ...sync("192.0.2.9"),
      ...sync("192.0.2.9"),
      "ban app 192.0.2.1",
      ...sync("192.0.2.9", "192.0.2.1"),
      "ban app 192.0.2.2",
    ]);
  });

  test(`${name} ends bans of jails that are gone, and takes up new ones`, async () => {
    steered = await Steered.start();
    await steered.ask(
      { do: "ban", jail: "app", ip: "192.0.2.9" },
      { do: "ban", jail: "again", ip: "192.0.2.9" },
    );
    steered.rules(RULES.replace("app:", "other:"));
    await reload(steered);
    await steered.running.until(({ stdout }) => stdout.includes('"phase":"end"'));
    await steered.fail(["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
    assert.deepEqual(steered.commands(), [
      "ban app 192.0.2.9 manual",
      "ban again 192.0.2.9 manual",
      "unban app 192.0.2.9 reload",
      "sync begin",
      "ban again 192.0.2.9 manual repeat",
      "sync end",
      "ban other 192.0.2.1",
    ]);
  });

  test(`${name} with broken rules says where, and changes nothing`, async () => {
    steered = await Steered.start();
    await steered.fail(["192.0.2.1", "192.0.2.1"]);
    steered.rules(RULES.replace("maxretry: 3", "maxretry: few\n    findtimes: 3"));
    await reload(steered);
    const file = steered.folder.path("rules.yaml");
    assert.match(steered.running.stderr(), new RegExp(`error: ${file}:6:15: .*\n.*error: ${file}:7:5: `));
    assert.match(steered.running.stderr(), /warning: reload failed, keeping the previous rules\n$/);
    await steered.fail(["192.0.2.1"]);
    assert.deepEqual(steered.commands(), ["ban app 192.0.2.1"]);
  });
}

test("f2b-client reload tells each mistake with its place, and ends with 78", async () => {
  steered = await Steered.start();
  steered.rules(RULES.replace("maxretry: 3", "maxretry: few\n    findtimes: 3"));
  const file = steered.folder.path("rules.yaml");
  const { status, stdout, stderr } = await steered.client("reload");
  assert.deepEqual([status, stdout], [78, ""]);
  assert.equal(
    stderr,
    [
      `error: ${file}:6:15: maxretry: expected a whole number from 1 to 100000, got "few"`,
      `error: ${file}:7:5: unknown key "findtimes"`,
      'hint: did you mean "findtime"?',
      "error: reload failed, keeping the previous rules",
    ]
      .map((line) => `f2b-client: ${line}\n`)
      .join(""),
  );
  const json = await steered.client("--json", "reload");
  assert.equal(json.status, 78);
  const { ok, code, mistakes } = JSON.parse(json.stdout);
  assert.deepEqual([ok, code], [false, "ERR_CONTROL_RULES"]);
  assert.deepEqual(mistakes[1], {
    code: "ERR_RULE_KEY",
    file,
    line: 7,
    column: 5,
    message: 'unknown key "findtimes"',
    hint: 'did you mean "findtime"?',
  });
  steered.rules(RULES);
  assert.deepEqual(await steered.client("reload"), {
    status: 0,
    signal: null,
    stdout: "rules reloaded: 2 jails\n",
    stderr: "",
  });
});

test("f2b-stream takes a storm of SIGHUP and reload while lines pour in, and loses none", async () => {
  steered = await Steered.start(RULES.replace("maxretry: 3", "maxretry: 2"));
  const addresses = Array.from({ length: 400 }, (_, index) => `198.51.${index >> 8}.${index & 255}`);
  const asked: Promise<unknown>[] = [];
  for (const [index, address] of addresses.entries()) {
    const line = `${new Date().toISOString()} web1 app[7]: login failed from ${address}\n`;
    steered.running.write(line + line);
    if (index % 10 === 0) steered.running.child.kill("SIGHUP");
    if (index % 40 === 0) asked.push(steered.ask({ do: "reload" }, { do: "status" }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(asked);
  const banned = () =>
    steered?.commands().filter((line) => line.startsWith("ban app") && !line.endsWith("repeat"));
  await steered.running.until(() => banned()?.length === addresses.length);
  assert.deepEqual(
    banned(),
    addresses.map((address) => `ban app ${address}`),
  );
});
