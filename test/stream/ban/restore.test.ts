import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ban } from "../../../src/protocol/command.ts";
import { appJails, TestEngine } from "../../helpers/engine.ts";
import { ban, NOW, unban } from "../../helpers/state.ts";

const minute = 60_000;

/** An engine with room for three bans, at NOW. */
async function withRoomForThree(): Promise<TestEngine> {
  const tested = new TestEngine(await appJails("app-watch.enabled=false"), NOW, { maxBans: 3 });
  tested.engine.tick(NOW);
  return tested;
}

const app = (last: number, minutes: number | null, settings: Partial<Ban> = {}) =>
  ban(last, {
    jail: "app",
    time: NOW - minute,
    until: minutes === null ? null : NOW + minutes * minute,
    ...settings,
  });

/** Who is banned once the decisions are restored: the last numbers of the addresses. */
const inForce = ({ engine }: TestEngine) =>
  [...engine.manualBans.list()].map(({ ip }) => Number(ip?.split(".").at(-1)));

const cases: readonly {
  name: string;
  decisions: readonly (Ban | ReturnType<typeof unban>)[];
  kept: number[];
  told: string[];
}[] = [
  {
    name: "keeps the bound, and those that end last",
    decisions: [app(1, 3), app(2, 9), app(3, 1), app(4, 5), app(5, 2)],
    kept: [1, 2, 4],
    told: [
      "warning: the state holds more than 3 bans: left out the 2 weakest",
      "hint: --max-keys 5 keeps all of them",
    ],
  },
  {
    name: "keeps bans without an end before others",
    decisions: [app(1, null), app(2, 9000), app(3, null), app(4, null)],
    kept: [1, 3, 4],
    told: [
      "warning: the state holds more than 3 bans: left out the weakest one",
      "hint: --max-keys 4 keeps all of them",
    ],
  },
  {
    name: "leaves out the first of too many bans without an end",
    decisions: [app(1, null), app(2, null), app(3, null), app(4, null), app(5, 7)],
    kept: [2, 3, 4],
    told: [
      "warning: the state holds more than 3 bans: left out the 2 weakest",
      "hint: --max-keys 5 keeps all of them",
    ],
  },
  {
    name: "keeps bans of addresses that were banned before, and those asked for by hand",
    decisions: [app(1, 1, { manual: true }), app(2, 2, { bancount: 2 }), app(3, 3), app(4, 4), app(5, 5)],
    kept: [1, 2, 5],
    told: [
      "warning: the state holds more than 3 bans: left out the 2 weakest",
      "hint: --max-keys 5 keeps all of them",
    ],
  },
  {
    name: "counts none that ended meanwhile",
    decisions: [app(1, -0.5), app(2, 1), app(3, 2), app(4, 3)],
    kept: [2, 3, 4],
    told: [],
  },
  {
    name: "has room for who was unbanned, or is told again",
    decisions: [app(1, 1), app(2, 2), app(3, 3), app(1, 5), unban(2, { jail: "app" }), app(4, 4)],
    kept: [3, 1, 4],
    told: [],
  },
  {
    name: "goes by the end that a ban has now",
    decisions: [app(1, 1), app(1, 9), app(2, 2), app(3, 3), app(4, 4)],
    kept: [1, 3, 4],
    told: [
      "warning: the state holds more than 3 bans: left out the weakest one",
      "hint: --max-keys 4 keeps all of them",
    ],
  },
];

for (const { name, decisions, kept, told } of cases) {
  test(`Restorer ${name}`, async () => {
    const tested = await withRoomForThree();
    tested.engine.decisions.restore(decisions, { isNew: false });
    assert.deepEqual(inForce(tested), kept);
    assert.deepEqual(tested.told, told);
    const synced = tested.commands().filter((line) => line.startsWith("ban "));
    assert.deepEqual(
      synced,
      kept.map((last) => `ban app 192.0.2.${last}`),
    );
  });
}

test("Restorer counts a ban that it leaves out where bans are counted", async () => {
  const tested = await withRoomForThree();
  const early = app(7, 1, { time: NOW - 9 * minute, until: NOW - 5 * minute });
  tested.engine.decisions.restore([app(1, 20), app(2, 21), app(3, 22), early, app(7, 1)], { isNew: false });
  const last = tested.commands().slice(-2);
  assert.deepEqual(
    last,
    ["unban app 192.0.2.1", "ban app-again 192.0.2.7"],
    "its second ban is one too many",
  );
});
