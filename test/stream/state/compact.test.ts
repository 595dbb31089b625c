import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encode } from "../../../src/protocol/command.ts";
import { type CompactOptions, compact, StoppedError } from "../../../src/stream/state/compact.ts";
import type { Decision } from "../../../src/stream/state/decision.ts";
import { loadState } from "../../../src/stream/state/load-state.ts";
import { StateFile } from "../../../src/stream/state/state-file.ts";
import { eventually } from "../../helpers/eventually.ts";
import { newFolder } from "../../helpers/folder.ts";
import { ban, keepAll, linesOf, NOW, openLog, unban, write } from "../../helpers/state.ts";

const nobody = () => assert.fail("nothing to warn of");

/** A state that is open and holds this. */
async function stateOf(path: string, decisions: readonly Decision[]): Promise<StateFile> {
  const file = await StateFile.open(path, nobody);
  file.writeHeader({ seen: NOW, isWhole: true });
  file.append(Buffer.from(decisions.map(encode).join("")));
  return file;
}

const options: CompactOptions = {
  policy: keepAll,
  isHealing: false,
  header: () => ({ seen: NOW, isWhole: true }),
  onCovered: () => undefined,
  onMoved: () => undefined,
  isStopped: () => false,
};

/** Compacts, with something else happening meanwhile; gives the new file. */
async function compacted(
  file: StateFile,
  given: Partial<CompactOptions>,
  meanwhile: () => void = () => undefined,
): Promise<StateFile> {
  let moved: StateFile | undefined;
  const done = compact(file, {
    ...options,
    ...given,
    onMoved: (next) => {
      moved = next;
    },
  });
  const timer = setInterval(meanwhile, 0);
  await done.finally(() => clearInterval(timer));
  return moved ?? assert.fail("not moved");
}

const lines = (...decisions: readonly Decision[]) => decisions.map((each) => encode(each).trimEnd());
const many = Array.from({ length: 3000 }, (_, i) =>
  ban(i % 250, { time: NOW + i, matches: ["a line of the log"] }),
);

test("compact keeps what is needed, in its order, the evidence where it is needed", async (t) => {
  const path = join(newFolder(t), "state");
  const matches = ["a line"];
  const file = await stateOf(
    path,
    [1, 2, 3, 4].map((last) => ban(last, { matches })),
  );
  const parts = { "192.0.2.1": "all", "192.0.2.2": "bare", "192.0.2.3": "nothing" } as const;
  const retentionOf = ({ ip = "" }) => parts[ip as keyof typeof parts] ?? "all";
  const next = await compacted(file, { policy: { ...keepAll, retentionOf } });
  assert.deepEqual(linesOf(path), lines(ban(1, { matches }), ban(2), ban(4, { matches })));
  await Promise.all([file.close(), next.close()]);
});

test("compact keeps the end of a ban that it keeps, even if the policy forgets it meanwhile", async (t) => {
  const path = join(newFolder(t), "state");
  const file = await stateOf(path, [ban(1), unban(1), unban(2)]);
  const retentionOf = (decision: object) => ("until" in decision ? "bare" : "nothing");
  const next = await compacted(file, { policy: { ...keepAll, retentionOf } });
  assert.deepEqual(linesOf(path), lines(ban(1), unban(1)));
  await Promise.all([file.close(), next.close()]);
});

test("compact loses nothing that is written meanwhile, however much", async (t) => {
  const path = join(newFolder(t), "state");
  const file = await stateOf(path, many);
  const more: Decision[] = [];
  const next = await compacted(file, {}, () => {
    const each = Array.from({ length: 100 }, (_, i) => ban(i, { time: NOW + 10_000 + more.length }));
    more.push(...each);
    file.append(Buffer.from(each.map(encode).join("")));
  });
  assert.ok(more.length > 0, "something was written meanwhile");
  const held = readFileSync(path, "utf8").split("\n").slice(1, -1);
  assert.deepEqual(held.slice(0, many.length), lines(...many));
  assert.deepEqual(held.slice(many.length), lines(...more).slice(0, held.length - many.length));
  await Promise.all([file.close(), next.close()]);
});

test("compact leaves a whole state that is locked, at each moment", async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "state");
  const file = await stateOf(path, many);
  const inodes = new Set<number>();
  const next = await compacted(file, {}, () => {
    inodes.add(statSync(path).ino);
    assert.equal(linesOf(path).length, many.length);
  });
  assert.deepEqual(readdirSync(folder), ["state"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(!inodes.has(statSync(path).ino), "another file took its place at the end");
  await file.close();
  await assert.rejects(StateFile.open(path, nobody), { code: "ERR_STATE_BUSY" });
  await next.close();
});

test("compact heals: what is damaged goes, what is in force comes from memory", async (t) => {
  const path = join(newFolder(t), "state");
  const file = await stateOf(path, [ban(1, { matches: ["x"] })]);
  file.append(Buffer.from("garbage\n"));
  file.append(Buffer.from(encode(ban(2))));
  const inForce = [ban(1, { matches: ["x"] }), ban(3, { matches: ["y"] })];
  const retentionOf = ({ ip = "" }) => (ip === "192.0.2.1" ? "all" : "nothing");
  const happened: string[] = [];
  const next = await compacted(file, {
    isHealing: true,
    policy: {
      retentionOf,
      inForce: () => {
        happened.push("asked");
        return inForce;
      },
    },
    onCovered: () => happened.push("covered"),
  });
  assert.deepEqual(linesOf(path), lines(ban(1), ...inForce));
  assert.deepEqual(happened, ["covered", "asked"]);
  await Promise.all([file.close(), next.close()]);
});

test("compact can be stopped, and leaves the old file as it was", async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "state");
  const file = await stateOf(path, many);
  let calls = 0;
  await assert.rejects(compacted(file, { isStopped: () => ++calls > 2 }), StoppedError);
  assert.deepEqual(readdirSync(folder), ["state"]);
  assert.deepEqual([...loadState(file)], many);
  await file.close();
});

test("BanLog compacts itself when it has grown to twice what is needed", async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "state");
  const { log, told } = await openLog(path, {
    retentionOf: ({ time }) => (time === NOW ? "all" : "nothing"),
    inForce: () => [],
  });
  write(log, ban(1));
  const matches = ["x".repeat(1000)];
  for (let i = 1; i <= 1100; i++) write(log, ban(2, { time: NOW + i, matches }));
  await eventually(() => statSync(path).size < 100_000);
  write(log, ban(3));
  await log.end();
  const again = await openLog(path);
  assert.deepEqual([again.held[0], again.held.at(-1)], [ban(1), ban(3)]);
  assert.deepEqual([...told, ...again.told], []);
  await again.log.end();
});
