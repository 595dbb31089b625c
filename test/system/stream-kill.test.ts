import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Ban, decode } from "../../src/protocol/command.ts";
import { GrowingLog } from "../helpers/attackers.ts";
import { talk } from "../helpers/control.ts";
import { eventually } from "../helpers/eventually.ts";
import { kernelBans } from "../helpers/kernel-bans.ts";
import { Netns, netnsSkip } from "../helpers/netns.ts";
import { program } from "../helpers/program.ts";
import { Unit } from "../helpers/unit.ts";

/** `make kill-stream` asks for 500. */
const KILLS = Number(process.env.F2B_KILLS ?? 8);
/** Most milliseconds from a start to the next kill, and to each fourth; a start takes 400 of them or more. */
const LONGEST = 1_000;
const LONGER = 4_000;
/** What a dying pipeline is given to end by itself, in milliseconds, before the rest of it is killed. */
const PATIENCE = 400;
/** How long f2b-exec may take to do what it was told, in milliseconds. */
const SETTLE = 1_500;
/** An operator ends the ban of somebody who is silent for so long before and after, in milliseconds: else the moment counts. */
const SILENCE = 400;
/** Bans that end so close to the comparison, in milliseconds, may be there or not: kernels count in seconds. */
const BLUR = 4_000;
const ATTACKERS = 240;

const RULES = `
defaults: {ignoreself: false, ignoreip: [127.0.0.0/8]}
jails:
  app:
    identifier: app
    failregex: ^login failed from <ADDR>$
    maxretry: 3
    findtime: 5s
    bantime: 3s
    port: [http, https]
    escalation: {increment: true, maxtime: 1h}
  mail:
    identifier: mail
    failregex: ^login failed from <ADDR>$
    maxretry: 2
    findtime: 10s
    bantime: 25s
    port: smtp
    escalation: {increment: true, overalljails: true, rndtime: 5s, maxtime: 1h}
  watch:
    identifier: [app, mail]
    failregex: ^login failed from <ADDR>$
    maxretry: 4
    findtime: 20s
    bantime: 30s
    mode: shadow
  mark:
    identifier: mark
    failregex: ^here is <ADDR>$
    maxretry: 1
    bantime: 2m
    mode: shadow
  again:
    on: ban
    maxretry: 2
    findtime: 60s
    bantime: 10m
`;

const skip = netnsSkip("iptables", "ip6tables", "ipset", "nft", "flock");

describe(`f2b-stream | f2b-exec, killed ${KILLS} times with -9`, { skip, timeout: 3_600_000 }, () => {
  let net: Netns;
  let folder: string;
  const units = new Set<Unit>();
  const path = (name: string) => join(folder, name);

  before(async () => {
    net = await Netns.create();
    folder = mkdtempSync(join(tmpdir(), "f2b-kill-"));
    writeFileSync(path("rules.yaml"), RULES);
  });
  after(async () => {
    await Promise.all([...units].map((unit) => unit.end(0)));
    await net.remove();
    rmSync(folder, { recursive: true });
  });

  /** As the unit in the manual has it. */
  function start(state: string, rest: string, where: readonly string[] = []): Unit {
    const stream = `"${process.execPath}" "${program("f2b-stream")}" -r ${path("rules.yaml")} --state ${path(state)}`;
    const follow = fileURLToPath(new URL("../helpers/follow.js", import.meta.url));
    const feed = `"${process.execPath}" ${follow} ${path("log")} "$(${stream} --resume)"`;
    const unit = new Unit(
      `${feed} | ${stream} --control ${path(`${state}.sock`)} --heartbeat 1 ${rest}`,
      where,
    );
    units.add(unit);
    return unit;
  }

  async function end(unit: Unit, patience: number): Promise<void> {
    await unit.end(patience);
    units.delete(unit);
  }

  /** What the pipeline with this state answers; undefined: it does not run, or was killed. */
  async function ask(
    state: string,
    request: object,
  ): Promise<readonly Record<string, unknown>[] | undefined> {
    const answer = await talk(path(`${state}.sock`), `${JSON.stringify(request)}\n`);
    return answer.at(-1)?.ok === true ? answer : undefined;
  }

  /** Waits until both pipelines have read all that is in the log by now. */
  async function caughtUp(log: GrowingLog, mark: number): Promise<void> {
    const ip = `192.0.2.${mark % 250}`;
    log.write(`mark[7]: here is ${ip}`);
    const isMark = (each: Record<string, unknown>) => each.jail === "mark" && each.ip === ip;
    for (const state of ["state", "calm"])
      while (!(await ask(state, { do: "banned" }))?.some(isMark)) await sleep(50);
  }

  /** Ends bans by hand, now and then, until `isOver`. Gives how many. */
  async function operate(log: GrowingLog, random: () => number, isOver: () => boolean): Promise<number> {
    let count = 0;
    for (; !isOver(); await sleep(100)) {
      const bans = [...inForce(path("calm")).values()];
      const ban = bans[Math.floor(random() * bans.length)];
      if (ban?.ip === undefined) continue;
      const ip = ban.ip.replace("::/64", "::1");
      log.paused.add(ip);
      await sleep(SILENCE);
      await caughtUp(log, count++);
      // Asked again where the answer was lost with the process.
      for (const state of ["state", "calm"])
        while ((await ask(state, { do: "unban", ip })) === undefined) await sleep(50);
      await sleep(SILENCE);
      log.paused.delete(ip);
    }
    return count;
  }

  test("in the end the bans in force are those of an undisturbed run", async (t) => {
    const seed = Number(process.env.F2B_SEED ?? Date.now() % 100_000);
    const random = generator(seed);
    const log = new GrowingLog(path("log"), ATTACKERS, random);
    const exec = `| "${process.execPath}" "${program("f2b-exec")}" --backend ipset`;
    const calm = start("calm", `> ${path("commands")}`);
    await eventually(() => existsSync(path("calm")));
    log.start();
    const killed = new Map<string, number>();
    let unit = start("state", exec, net.atServer);
    const told: string[] = [];
    let isOver = false;
    const operator = operate(log, random, () => isOver);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(random() * (random() < 0.25 ? LONGER : LONGEST));
      const members = unit.members();
      const victim = members[Math.floor(random() * (members.length + 1))];
      if (victim) unit.kill(victim.pid);
      const name = victim ? nameOf(victim.command) : "all";
      killed.set(name, (killed.get(name) ?? 0) + 1);
      await end(unit, victim ? PATIENCE : 0);
      told.push(unit.stderr);
      unit = start("state", exec, net.atServer);
    }
    isOver = true;
    const unbans = await operator;
    log.stop();
    await caughtUp(log, unbans);
    await sleep(SETTLE);
    const kills = [...killed].map((each) => each.join(" ")).join(", ");
    t.diagnostic(`seed ${seed}, ${log.lines} lines, ${unbans} unbans by hand, killed: ${kills}`);

    const now = Date.now();
    const [ours, theirs] = [inForce(path("state")), inForce(path("calm"))];
    const kernel = new Map<string, ReadonlySet<string>>();
    for (const jail of ["app", "mail", "again"]) kernel.set(jail, new Set(await kernelBans(net, jail)));
    const alarms = told.join("").match(/^f2b-\S+: (?:internal )?error.*|.* is not locked .*/gm);
    assert.deepEqual(alarms ?? [], []);
    const counted = readFileSync(path("commands"), "utf8").includes('"cmd":"ban","jail":"again"');
    assert.ok(counted || KILLS < 100, "bans were counted");
    t.diagnostic(
      `${theirs.size} bans in force, ${[...theirs.values()].filter(({ bancount = 1 }) => bancount > 1).length} of them not the first`,
    );

    assert.deepEqual(difference(ours, theirs), { lost: [], extra: [] }, "what f2b-stream says is in force");
    const enforced = [...theirs].filter(([, ban]) => ban.cmd === "ban");
    const lost = enforced.filter(
      ([, ban]) => (ban.until ?? Infinity) > now + BLUR && !kernel.get(ban.jail)?.has(ban.ip ?? ""),
    );
    const wanted = new Set(enforced.map(([, { jail, ip }]) => `${jail} ${ip}`));
    const extra = [...kernel]
      .flatMap(([jail, ips]) => [...ips].map((ip) => `${jail} ${ip}`))
      .filter((each) => !wanted.has(each));
    assert.deepEqual({ lost, extra }, { lost: [], extra: [] }, "what the kernel has");
    for (const each of [unit, calm]) await end(each, 0);
  });
});

/** The bans in force by a state's file. A state may be written while it is read: bans that end now are left out. */
function inForce(path: string): Map<string, Ban> {
  const bans = new Map<string, Ban>();
  for (const line of readFileSync(path, "utf8").split("\n").slice(1, -1)) {
    const command = decode(line, 0);
    if (command.cmd === "sync") continue;
    const key = `${command.jail} ${command.ip}`;
    if ("until" in command) bans.set(key, command);
    else bans.delete(key);
  }
  return bans;
}

/** Bans by what they say but their evidence. */
function difference(ours: ReadonlyMap<string, Ban>, theirs: ReadonlyMap<string, Ban>) {
  const soon = Date.now() + BLUR;
  const known = (bans: ReadonlyMap<string, Ban>) =>
    new Set(
      [...bans.values()]
        .filter(({ until }) => until === null || until > soon)
        .map(({ matches: _, ...ban }) => JSON.stringify(ban)),
    );
  const [a, b] = [known(ours), known(theirs)];
  return { lost: [...b].filter((each) => !a.has(each)), extra: [...a].filter((each) => !b.has(each)) };
}

/** Which part of the pipeline a process is. */
function nameOf(command: string): string {
  if (command.includes("--resume")) return "resume";
  return /follow|f2b-stream|f2b-exec/.exec(command)?.[0] ?? "a tool";
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from 0 up to 1, always the same for a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
