import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ban, Subject } from "../../../src/protocol/command.ts";
import type { Jail } from "../../../src/rules/rule.ts";
import { BanList, type BanListOptions } from "../../../src/stream/ban/ban-list.ts";
import type { BanRequest } from "../../../src/stream/ban/new-ban.ts";
import { newJail } from "../../helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;
const { escalation } = newJail();
const growing = { ...escalation, increment: true };

function request(jail: Jail, subject: Subject, time: number): BanRequest {
  return { jail, subject, time, failures: jail.maxretry, matches: [] };
}

function newBanList(options: Partial<BanListOptions> = {}): BanList {
  return new BanList({ maxBans: 100, maxRemembered: 10, maxEvidence: 1 << 20, ...options });
}

const first = { ip: "192.0.2.1" };

test("BanList makes a ban of a completed window", () => {
  const bans = newBanList();
  const jail = newJail({ port: [80, "8000:8080"], protocol: ["tcp", "udp"] });
  assert.deepEqual(bans.ban({ ...request(jail, first, NOW), matches: ["a line"] }), {
    cmd: "ban",
    jail: "web",
    ip: "192.0.2.1",
    time: NOW,
    until: NOW + 10 * minute,
    port: [80, "8000:8080"],
    protocol: ["tcp", "udp"],
    failures: 5,
    bancount: 1,
    matches: ["a line"],
  });
  assert.equal(bans.size, 1);
  assert.equal(bans.nextEnd, NOW + 10 * minute);
});

test("BanList says a ban again, unchanged, while it lasts", () => {
  const bans = newBanList();
  const ban = bans.ban(request(newJail(), first, NOW));
  assert.equal(bans.repeat("web", { ip: "192.0.2.9" }, NOW), undefined);
  const known = bans.repeat("web", first, NOW + minute);
  assert.ok(known);
  assert.deepEqual(bans.again(known), { ...ban, repeat: true });
  assert.equal(bans.size, 1);
});

test("BanList tells a ban again with its evidence, as far as there is room", () => {
  const bans = newBanList({ maxEvidence: 100 });
  for (const last of [1, 2]) {
    const matches = [`line ${last} `.repeat(5)];
    bans.ban({ ...request(newJail(), { ip: `192.0.2.${last}` }, NOW), matches });
  }
  assert.deepEqual(
    [...bans.inForce()].map(({ ip, matches, repeat }) => ({ ip, matches, repeat })),
    [
      { ip: "192.0.2.1", matches: [], repeat: true },
      { ip: "192.0.2.2", matches: ["line 2 ".repeat(5)], repeat: true },
    ],
  );
});

test("BanList tells bans in force in their order, whoever went in between", () => {
  const bans = newBanList();
  const ban = (last: number, time: number) => bans.ban(request(newJail(), { ip: `192.0.2.${last}` }, time));
  ban(1, NOW);
  ban(2, NOW + 1);
  ban(3, NOW + 2);
  bans.takeDue(NOW + 10 * minute);
  ban(4, NOW + 10 * minute);
  assert.deepEqual(
    [...bans.inForce()].map(({ ip }) => ip),
    ["192.0.2.2", "192.0.2.3", "192.0.2.4"],
  );
});

test("BanList at its bound ends, for a new ban, of those worth least the one that ends soonest", () => {
  const bans = newBanList({ maxBans: 3 });
  const ban = (last: number, time: number, more: Partial<BanRequest> = {}) =>
    bans.ban({ ...request(newJail(), { ip: `192.0.2.${last}` }, NOW + time), ...more });
  const evicted = () => bans.takeEvicted().map(({ ip, time, reason }) => `${ip} ${time - NOW} ${reason}`);
  ban(1, 0);
  ban(2, 2);
  ban(3, 1);
  assert.ok(bans.isFull);
  bans.repeat("web", { ip: "192.0.2.1" }, NOW + 3);
  assert.equal(ban(4, 9)?.bancount, 1);
  assert.deepEqual(evicted(), ["192.0.2.3 9 evicted"]);
  assert.deepEqual(evicted(), []);
  assert.equal(ban(3, 10)?.bancount, 2, "the one that was ended comes back, and counts as one that does");
  assert.deepEqual(evicted(), ["192.0.2.2 10 evicted"]);
  ban(5, 11);
  assert.deepEqual(evicted(), ["192.0.2.4 11 evicted"]);
  ban(6, 12, { bantime: null });
  ban(7, 13, { manual: true, bantime: 1000 });
  ban(8, 14, { manual: true, bantime: null });
  assert.deepEqual(evicted(), ["192.0.2.5 12 evicted", "192.0.2.1 13 evicted", "192.0.2.3 14 evicted"]);
  assert.equal(ban(9, 15), undefined, "no flood takes these away");
  assert.equal(bans.refused, 1);
  assert.equal(ban(9, 15, { bantime: null })?.cmd, "ban");
  assert.deepEqual(evicted(), ["192.0.2.6 15 evicted"]);
  const left = [...bans.inForce()].map(({ ip }) => ip);
  assert.deepEqual(left, ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
  assert.equal(bans.takeDue(NOW + 1013)?.ip, "192.0.2.7", "bans by hand end at their time");
});

test("BanList at its bound: what only watches goes first, and takes the place of nothing else", () => {
  const bans = newBanList({ maxBans: 2 });
  const ban = (last: number, more: Partial<Jail> = {}) =>
    bans.ban(request(newJail(more), { ip: `192.0.2.${last}` }, NOW + last))?.cmd;
  assert.deepEqual([ban(1), ban(2, { mode: "shadow", bantime: null })], ["ban", "would-ban"]);
  assert.equal(ban(3, { mode: "shadow" }), "would-ban");
  assert.equal(ban(4), "ban");
  assert.equal(ban(5, { mode: "shadow" }), undefined);
  assert.deepEqual(
    bans.takeEvicted().map(({ cmd, ip }) => `${cmd} ${ip}`),
    ["would-unban 192.0.2.2", "would-unban 192.0.2.3"],
  );
});

test("BanList at its bound: history takes no room", () => {
  const bans = newBanList({ maxBans: 1 });
  const ban = (last: number, time: number, isHistory: boolean) =>
    bans.ban(request(newJail(), { ip: `192.0.2.${last}` }, time), NOW, isHistory)?.ip;
  const over = NOW - 10 * minute;
  assert.equal(ban(1, NOW, true), "192.0.2.1");
  assert.equal(ban(2, over, false), undefined);
  assert.equal(ban(3, over, true), "192.0.2.3");
  assert.equal(bans.takeEnded("web", { ip: "192.0.2.3" }, NOW)?.reason, "expired");
  assert.deepEqual([bans.size, bans.refused, bans.takeEvicted().length], [1, 0, 0]);
});

test("BanList makes room for a ban of an earlier run: of one rank that one goes that ends soonest, the new one, too", () => {
  const bans = newBanList({ maxBans: 2 });
  const banOf = (last: number, bancount: number): Ban => {
    const [time, until] = [NOW, NOW + last * minute];
    return { cmd: "ban", jail: "web", ip: `192.0.2.${last}`, time, until, bancount };
  };
  for (const ban of [banOf(3, 1), banOf(2, 2)]) bans.restore(ban, newJail());
  assert.equal(bans.dropWeakest(banOf(1, 1)).ip, "192.0.2.1");
  assert.equal(bans.dropWeakest(banOf(4, 1)).ip, "192.0.2.3");
  assert.deepEqual(
    [...bans.inForce()].map(({ ip }) => ip),
    ["192.0.2.2"],
  );
});

test("BanList keeps as few ends as it has bans, however many come and go at its bound", () => {
  const bans = newBanList({ maxBans: 10 });
  for (let n = 0; n < 5000; n++) {
    const ip = `198.18.${n >> 8}.${n & 255}`;
    bans.ban(request(newJail({ bantime: n % 2 ? null : minute }), { ip }, NOW + n));
    bans.repeat("web", { ip }, NOW + n);
  }
  assert.equal(bans.size, 10);
  assert.ok(bans.scheduled <= 1020, `${bans.scheduled} ends`);
  assert.equal(bans.takeEvicted().length, 4990 - bans.refused);
});

test("BanList ends bans in the order of their ends", () => {
  const bans = newBanList();
  for (const [ip, time] of [
    ["192.0.2.3", 2],
    ["192.0.2.1", 1],
    ["192.0.2.2", 2],
  ] as const)
    bans.ban(request(newJail(), { ip }, NOW + time));
  const until = NOW + 10 * minute;
  assert.equal(bans.takeDue(until), undefined);
  const unban = { cmd: "unban", jail: "web", reason: "expired" };
  assert.deepEqual(bans.takeDue(until + 5), { ...unban, ip: "192.0.2.1", time: until + 1 });
  assert.deepEqual(bans.takeDue(until + 5), { ...unban, ip: "192.0.2.3", time: until + 2 });
  assert.deepEqual(bans.takeDue(until + 5), { ...unban, ip: "192.0.2.2", time: until + 2 });
  assert.equal(bans.takeDue(until + 5), undefined);
});

test("BanList keeps a ban without an end", () => {
  const bans = newBanList();
  assert.equal(bans.ban(request(newJail({ bantime: null }), first, NOW))?.until, null);
  assert.equal(bans.takeDue(Number.MAX_SAFE_INTEGER), undefined);
  assert.equal(bans.takeEnded("web", first, Number.MAX_SAFE_INTEGER), undefined);
  assert.equal(bans.nextEnd, undefined);
});

test("BanList lets a ban that would outlast the calendar last for ever", () => {
  const century = 100 * 31_557_600_000;
  const jail = newJail({ bantime: century, escalation: { ...growing, factor: 1000 } });
  const bans = newBanList();
  assert.equal(bans.ban(request(jail, first, NOW))?.until, NOW + century);
  bans.takeDue(NOW + century);
  assert.equal(bans.ban(request(jail, first, NOW + century + 1))?.until, null);
});

test("BanList makes no ban that has ended by now, and does not count it", () => {
  const bans = newBanList();
  assert.equal(bans.ban(request(newJail(), first, NOW), NOW + 10 * minute), undefined);
  assert.equal(bans.size, 0);
  assert.equal(bans.ban(request(newJail(), first, NOW), NOW + 10 * minute - 1)?.bancount, 1);
});

test("BanList ends a ban for a failure at its end, whatever the clock says", () => {
  const bans = newBanList();
  bans.ban(request(newJail(), first, NOW));
  const until = NOW + 10 * minute;
  assert.equal(bans.takeEnded("web", first, until - 1), undefined);
  assert.equal(bans.takeEnded("other", first, until), undefined);
  assert.equal(bans.takeEnded("web", first, until)?.time, until);
  assert.equal(bans.takeEnded("web", first, until), undefined);
  assert.equal(bans.takeDue(until), undefined, "ended once");
});

test("BanList does not take an id for the address that it spells", () => {
  const bans = newBanList();
  bans.ban(request(newJail(), first, NOW));
  assert.equal(bans.ban(request(newJail(), { id: "192.0.2.1" }, NOW))?.repeat, undefined);
  assert.equal(bans.size, 2);
});

test("BanList watches in shadow", () => {
  const bans = newBanList();
  assert.equal(bans.ban(request(newJail({ mode: "shadow" }), first, NOW))?.cmd, "would-ban");
  assert.equal(bans.takeDue(NOW + 10 * minute)?.cmd, "would-unban");
});

/** Bans `first` in each jail in turn, as soon as it is free again, and gives bancount and minutes of each. */
function history(jails: readonly Jail[], pauses: readonly number[], maxRemembered = 10): readonly string[] {
  const bans = newBanList({ maxRemembered });
  let time = NOW;
  return jails.map((jail, index) => {
    time += (pauses[index] ?? 0) * minute;
    const ban = bans.ban(request(jail, first, time));
    assert.ok(ban?.until);
    const told = `${ban.bancount}: ${(ban.until - time) / minute}`;
    time = ban.until;
    bans.takeDue(time);
    return told;
  });
}

test("BanList counts the bans of an address and lets them grow", () => {
  const jail = newJail({ escalation: growing });
  assert.deepEqual(history([jail, jail, jail, jail], []), ["1: 10", "2: 20", "3: 40", "4: 80"]);
});

test("BanList forgets a ban as long after its end as memory says", () => {
  const jail = newJail({ escalation: { ...growing, memory: 60 * minute } });
  assert.deepEqual(history([jail, jail], [0, 60]), ["1: 10", "2: 20"]);
  assert.deepEqual(history([jail, jail], [0, 60.001]), ["1: 10", "1: 10"]);
});

test("BanList counts a jail by itself, or all of them with overalljails", () => {
  const web = newJail({ name: "web", escalation: growing });
  const mail = newJail({ name: "mail", escalation: growing });
  const all = newJail({ name: "all", escalation: { ...growing, overalljails: true } });
  assert.deepEqual(history([web, mail, web, all], []), ["1: 10", "1: 10", "2: 20", "1: 80"]);
});

test("BanList counts each ban once for overalljails, however long it lasts", () => {
  const short = { ...growing, memory: minute };
  const web = newJail({ name: "web", bantime: 600 * minute, escalation: short });
  const all = newJail({ name: "all", escalation: { ...growing, overalljails: true } });
  const bans = newBanList();
  bans.ban(request(newJail({ name: "web", bantime: minute, escalation: short }), first, NOW));
  bans.takeDue(NOW + minute);
  bans.ban(request(web, first, NOW + minute));
  bans.ban(request(newJail({ name: "other" }), { ip: "192.0.2.2" }, NOW));
  bans.takeDue(NOW + 30 * minute);
  const ban = bans.ban(request(all, first, NOW + 31 * minute));
  assert.equal(ban?.until, NOW + 71 * minute, "the third: two are known");
});

test("BanList remembers no more than its bound, those that ended last", () => {
  const jail = newJail();
  const bans = newBanList({ maxRemembered: 2 });
  for (const last of [1, 2, 3]) bans.ban(request(jail, { ip: `192.0.2.${last}` }, NOW + last));
  while (bans.takeDue(NOW + 20 * minute));
  const counts = [1, 2, 3].map((last) =>
    bans.ban(request(jail, { ip: `192.0.2.${last}` }, NOW + 20 * minute)),
  );
  assert.deepEqual(
    counts.map((ban) => ban?.bancount),
    [1, 2, 2],
  );
});

test("BanList bans as long as asked, by hand, and tells so", () => {
  const bans = newBanList();
  const asked = { ...request(newJail(), first, NOW), manual: true, bantime: minute } as const;
  assert.deepEqual(bans.ban(asked), {
    cmd: "ban",
    jail: "web",
    ip: "192.0.2.1",
    time: NOW,
    until: NOW + minute,
    failures: 5,
    bancount: 1,
    manual: true,
    matches: [],
  });
  assert.equal(bans.ban({ ...asked, subject: { id: "x" }, bantime: null })?.until, null);
});

test("BanList prolongs a ban, shortens it, and ends it once, at its last end", () => {
  const bans = newBanList();
  const ban = bans.ban({ ...request(newJail(), first, NOW), matches: ["a line"] });
  const ends = (bantime: number | null) => bans.prolong("web", first, NOW + minute, bantime);
  assert.deepEqual(ends(60 * minute), { ...ban, until: NOW + 61 * minute });
  assert.equal(bans.takeDue(NOW + 10 * minute), undefined, "its first end is none any more");
  assert.equal(ends(null)?.until, null);
  assert.equal(bans.takeDue(NOW + 61 * minute), undefined);
  assert.equal(ends(minute)?.until, NOW + 2 * minute);
  assert.equal(bans.takeDue(NOW + 61 * minute)?.time, NOW + 2 * minute);
  assert.equal(bans.takeDue(NOW + 61 * minute), undefined);
  assert.equal(bans.prolong("web", first, NOW, minute), undefined, "nothing to prolong");
});

test("BanList ends a ban when asked, and no second time", () => {
  const bans = newBanList();
  bans.ban(request(newJail(), first, NOW));
  assert.equal(bans.end("other", first, NOW + 1, "manual"), undefined);
  assert.deepEqual(bans.end("web", first, NOW + 1, "manual"), {
    cmd: "unban",
    jail: "web",
    ip: "192.0.2.1",
    time: NOW + 1,
    reason: "manual",
  });
  assert.equal(bans.end("web", first, NOW + 1, "manual"), undefined);
  assert.equal(bans.takeDue(NOW + 10 * minute), undefined);
  assert.equal(bans.ban(request(newJail(), first, NOW + 2))?.bancount, 2, "it is remembered");
});

test("BanList holds no ends of bans that were ended or changed, however many", () => {
  const bans = newBanList();
  for (let turn = 0; turn < 5000; turn++) {
    bans.ban(request(newJail({ bantime: 1e12 }), first, NOW));
    bans.prolong("web", first, NOW, 1e12);
    bans.end("web", first, NOW, "manual");
  }
  assert.ok(bans.scheduled <= 1003, `${bans.scheduled} ends`);
});

test("BanList knows what explains a ban", () => {
  const jail = newJail({ escalation: growing });
  const bans = newBanList();
  const unknown = { ban: undefined, repeats: 0, repeated: undefined, bancount: 0, remembered: undefined };
  assert.deepEqual(bans.recordOf(jail, first, NOW), { ...unknown, next: 10 * minute });
  const ban = bans.ban({ ...request(jail, first, NOW), matches: ["a line"] });
  bans.repeat("web", first, NOW + 1);
  bans.repeat("web", first, NOW + 2);
  const now = { ban, repeats: 2, repeated: NOW + 2, bancount: 1, remembered: undefined, next: 20 * minute };
  assert.deepEqual(bans.recordOf(jail, first, NOW + 3), now);
  assert.deepEqual(bans.find("web", first)?.time, NOW);
  bans.takeDue(NOW + 10 * minute);
  const remembered = NOW + 10 * minute + jail.escalation.memory;
  const past = { ...unknown, bancount: 1, remembered, next: 20 * minute };
  assert.deepEqual(bans.recordOf(jail, first, remembered), past);
  assert.deepEqual(bans.recordOf(jail, first, remembered + 1), { ...unknown, next: 10 * minute });
  assert.equal(bans.find("web", first), undefined);
});

test("BanList lists bans as they are in force when their turn comes", () => {
  const bans = newBanList();
  for (const last of [1, 2, 3]) bans.ban(request(newJail(), { ip: `192.0.2.${last}` }, NOW + last));
  const listed: (string | undefined)[] = [];
  for (const { ip, matches } of bans.list()) {
    listed.push(ip);
    assert.equal(matches, undefined);
    bans.end("web", { ip: "192.0.2.2" }, NOW + 4, "manual");
  }
  assert.deepEqual(listed, ["192.0.2.1", "192.0.2.3"]);
  assert.deepEqual([...bans.countByJail()], [["web", 2]]);
});

test("BanList reload ends bans of jails that are gone or whose mode changed", () => {
  const bans = newBanList();
  for (const name of ["gone", "quiet", "same"]) bans.ban(request(newJail({ name }), first, NOW));
  const jails = new Map([
    ["quiet", newJail({ name: "quiet", mode: "shadow" })],
    ["same", newJail({ name: "same", bantime: 1 })],
  ]);
  assert.deepEqual(bans.reload(jails, NOW + 5), [
    { cmd: "unban", jail: "gone", ip: "192.0.2.1", time: NOW + 5, reason: "reload" },
    { cmd: "unban", jail: "quiet", ip: "192.0.2.1", time: NOW + 5, reason: "reload" },
  ]);
  assert.deepEqual(
    [...bans.inForce()].map(({ jail }) => jail),
    ["same"],
  );
  assert.equal(bans.takeDue(NOW + 10 * minute)?.jail, "same", "its end stays");
  assert.equal(bans.takeDue(NOW + 10 * minute), undefined);
});

test("BanList agrees with a slow model", () => {
  const jails = [
    newJail({ name: "a", escalation: { ...growing, memory: 25 * minute } }),
    newJail({ name: "b", bantime: 3 * minute }),
  ];
  const step = fc.record({ jail: fc.nat(1), last: fc.nat(2), minutes: fc.nat(12), isDue: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bans = newBanList({ maxRemembered: 1000 });
      /** All bans ever made: key, start, end, which of its key. */
      const all: { key: string; until: number; count: number; isOver: boolean }[] = [];
      let now = NOW;
      for (const { jail: index, last, minutes, isDue } of steps) {
        now += minutes * minute;
        const jail = jails[index];
        assert.ok(jail);
        const subject = { ip: `192.0.2.${last}` };
        const key = `${jail.name} ${subject.ip}`;
        const told: string[] = [];
        if (isDue)
          for (let unban = bans.takeDue(now); unban; unban = bans.takeDue(now))
            told.push(`${unban.jail} ${unban.ip} ${unban.time}`);
        else {
          const unban = bans.takeEnded(jail.name, subject, now);
          if (unban) told.push(`${unban.jail} ${unban.ip} ${unban.time}`);
        }
        const over = all.filter((ban) => !ban.isOver && ban.until <= now && (isDue || ban.key === key));
        for (const ban of over) ban.isOver = true;
        assert.deepEqual(told.sort(), over.map((ban) => `${ban.key} ${ban.until}`).sort());
        const mine = all.filter((ban) => ban.key === key).at(-1);
        if (mine && !mine.isOver && mine.until <= now) continue;
        const known = bans.repeat(jail.name, subject, now);
        assert.equal(known !== undefined, mine !== undefined && !mine.isOver);
        if (mine && known) {
          assert.deepEqual([known.until, known.bancount], [mine.until, mine.count]);
          continue;
        }
        const ban = bans.ban(request(jail, subject, now));
        const isKnown = mine !== undefined && now <= mine.until + jail.escalation.memory;
        const count = isKnown ? mine.count + 1 : 1;
        const bantime = index === 0 ? 10 * minute * 2 ** (count - 1) : 3 * minute;
        assert.deepEqual([ban?.repeat, ban?.until, ban?.bancount], [undefined, now + bantime, count]);
        all.push({ key, until: now + bantime, count, isOver: false });
      }
      assert.equal(bans.size, all.filter(({ isOver }) => !isOver).length);
    }),
    { numRuns: 300 },
  );
});

test("BanList remembers no ban anew when a count is set to zero after it was forgotten", () => {
  for (const [late, bancount] of [
    [0, 2],
    [1, 1],
  ] as const) {
    const bans = newBanList();
    const jail = newJail();
    bans.ban(request(jail, first, NOW));
    bans.takeDue(NOW + 10 * minute);
    const time = NOW + 10 * minute + jail.escalation.memory + late;
    bans.forgive({ cmd: "unban", jail: "web", ...first, time, reason: "manual" }, jail);
    assert.equal(bans.ban(request(jail, first, time + 1))?.bancount, bancount);
  }
});
