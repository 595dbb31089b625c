import assert from "node:assert/strict";
import { test } from "node:test";
import { type MatchGroups, matchGroupsOf } from "../../../src/filter/match-groups.ts";
import { mergeGroups } from "../../../src/filter/session/merged-session.ts";
import { type SessionOptions, Sessions } from "../../../src/filter/session/sessions.ts";

/** A line of a session: its marks and groups, and whether it is a failure afterwards, with its lines. */
interface Step {
  /** `nofail`, `forget`, `gained`, and the names of users as `user=root`. */
  readonly line: string;
  /** Undefined: nothing is reported. */
  readonly fails?: readonly string[];
  /** The groups of the result, besides mlfid. */
  readonly has?: Readonly<Record<string, string>>;
  /** True: no failure id is known so far. */
  readonly pending?: true;
}

function wordsOf(line: string): Record<string, string> {
  const groups: Record<string, string> = { mlfid: "1" };
  for (const word of line.split(" ")) {
    const [name = "", value] = word.split("=");
    if (value !== undefined) groups[name] = value;
    else groups[{ nofail: "nofail", forget: "mlfforget", gained: "mlfgained" }[name] ?? name] = "x";
  }
  return groups;
}

const tables: readonly { name: string; steps: readonly Step[] }[] = [
  { name: "reports a failure at once", steps: [{ line: "a", fails: ["a"] }] },
  {
    name: "reports each failure once, its lines dropped when the next one comes",
    steps: [
      { line: "a user=root", fails: ["a user=root"] },
      { line: "b user=root", fails: ["b user=root"] },
    ],
  },
  { name: "reports no nofail", steps: [{ line: "nofail" }, { line: "nofail two" }] },
  {
    name: "gives a failure the nofail lines before it",
    steps: [
      { line: "nofail ip4=192.0.2.1" },
      { line: "a", fails: ["nofail ip4=192.0.2.1", "a"], has: { ip4: "192.0.2.1" } },
    ],
  },
  {
    name: "takes the newer of two values, and keeps the old one where there is none",
    steps: [
      { line: "nofail ip4=192.0.2.1 user=root" },
      {
        line: "a ip4=192.0.2.2",
        fails: ["nofail ip4=192.0.2.1 user=root", "a ip4=192.0.2.2"],
        has: { ip4: "192.0.2.2", user: "root" },
      },
    ],
  },
  {
    name: "fails a nofail line when the user is another",
    steps: [
      { line: "nofail user=root" },
      { line: "nofail user=root" },
      { line: "nofail user=admin", fails: ["nofail user=root", "nofail user=root", "nofail user=admin"] },
    ],
  },
  {
    name: "fails a gained session when the user was another before",
    steps: [
      { line: "nofail user=root" },
      { line: "gained user=admin", fails: ["nofail user=root", "gained user=admin"] },
    ],
  },
  {
    name: "does not fail a gained session",
    steps: [{ line: "nofail user=root" }, { line: "gained user=root" }],
  },
  {
    name: "waits for an id, then reports all lines",
    steps: [
      { line: "a", fails: ["a"], pending: true },
      { line: "b", fails: ["a", "b"], pending: true },
      { line: "ip4=192.0.2.1", fails: ["a", "b", "ip4=192.0.2.1"], has: { ip4: "192.0.2.1" } },
    ],
  },
  {
    name: "fails the nofail line that brings the id which a failure waits for",
    steps: [
      { line: "a", fails: ["a"], pending: true },
      { line: "nofail ip4=192.0.2.1", fails: ["a", "nofail ip4=192.0.2.1"] },
    ],
  },
  {
    name: "clears what waits when access is gained",
    steps: [{ line: "a", fails: ["a"], pending: true }, { line: "gained ip4=192.0.2.1" }],
  },
  {
    name: "begins anew after forget",
    steps: [
      { line: "nofail user=root ip4=192.0.2.1" },
      { line: "nofail forget" },
      { line: "nofail user=admin" },
      { line: "a", fails: ["nofail user=admin", "a"], has: { user: "admin" } },
    ],
  },
  {
    name: "reports a failure that forgets, with what was known",
    steps: [
      { line: "nofail ip4=192.0.2.1" },
      { line: "a forget", fails: ["nofail ip4=192.0.2.1", "a forget"], has: { ip4: "192.0.2.1" } },
      { line: "b", fails: ["b"], has: {} },
    ],
  },
  {
    name: "does not keep a session that begins with forget",
    steps: [{ line: "nofail forget user=root" }, { line: "nofail user=admin" }],
  },
];

/** What a step's line says: one that fails and does not wait names somebody. */
function groupsIn({ line, fails, pending }: Step): MatchGroups {
  return matchGroupsOf({ ...wordsOf(line), ...(fails && !pending && { fid: "x" }) });
}

for (const { name, steps } of tables) {
  for (const isStored of [false, true]) {
    test(`Sessions ${name}${isStored ? ", its first line kept as bytes" : ""}`, () =>
      checkSteps(steps, isStored));
  }
}

function checkSteps(steps: readonly Step[], isStored: boolean): void {
  const sessions = new Sessions(({ whole, time }) => {
    const step = steps.find(({ line }) => line === whole);
    return step && { groups: groupsIn(step), lines: [whole], time, size: 0 };
  });
  for (const [time, step] of steps.entries()) {
    const { line, fails, has } = step;
    const stored = isStored ? { whole: line, start: 0, regex: 0, time } : undefined;
    const state = sessions.merge("1", { groups: groupsIn(step), lines: [line], time, size: 0, stored });
    assert.deepEqual(state.nofail ? undefined : state.lines, fails, `at ${line}`);
    const { ip4, user } = mergeGroups(state.groups);
    if (has) assert.deepEqual({ ...(ip4 && { ip4 }), ...(user && { user }) }, has, `at ${line}`);
  }
}

const noReread = () => assert.fail("no line was kept as bytes");

test("Sessions lets no mark stay from line to line", () => {
  const { groups } = new Sessions(noReread).merge("1", {
    groups: matchGroupsOf(wordsOf("nofail gained forget")),
    lines: [],
    time: 0,
    size: 0,
  });
  assert.deepEqual(mergeGroups(groups), { mlfid: "1" });
});

/** How many lines the session `id` has before its failure at `time`. */
function linesBefore(sessions: Sessions, id: string, time: number): number {
  return (
    sessions.merge(id, { groups: matchGroupsOf({ mlfid: id }), lines: ["end"], time, size: 0 }).lines.length -
    1
  );
}

function newSessions(options: Partial<SessionOptions>): {
  sessions: Sessions;
  open: (id: string, time: number) => void;
} {
  const sessions = new Sessions(noReread, {
    maxSessions: 10,
    memory: 1000,
    maxLines: 10,
    maxCharacters: 1e6,
    ...options,
  });
  const open = (id: string, time: number) =>
    void sessions.merge(id, {
      groups: matchGroupsOf({ mlfid: id, nofail: "x" }),
      lines: [id],
      time,
      size: 100,
    });
  return { sessions, open };
}

test("Sessions keeps ids apart", () => {
  const { sessions, open } = newSessions({});
  for (const id of ["a", "a", "b"]) open(id, 0);
  assert.equal(linesBefore(sessions, "a", 1), 2);
  assert.equal(linesBefore(sessions, "b", 1), 1);
  assert.equal(linesBefore(sessions, "c", 1), 0);
});

test("Sessions forgets a session as long after its last line as memory says", () => {
  for (const [age, lines] of [
    [1000, 2],
    [1001, 0],
  ] as const) {
    const { sessions, open } = newSessions({});
    open("a", 0);
    open("a", 900);
    assert.equal(linesBefore(sessions, "a", 900 + age), lines);
  }
});

test("Sessions gives up the one idle longest", () => {
  const { sessions, open } = newSessions({ maxSessions: 2 });
  for (const id of ["a", "b", "a", "c"]) open(id, 0);
  assert.equal(linesBefore(sessions, "a", 0), 2);
  assert.equal(linesBefore(sessions, "b", 0), 0);
});

test("Sessions keeps the newest lines of one session", () => {
  const { sessions, open } = newSessions({ maxLines: 3 });
  for (let i = 0; i < 10; i++) open("a", 0);
  const { lines } = sessions.merge("a", {
    groups: matchGroupsOf({ mlfid: "a" }),
    lines: ["end"],
    time: 0,
    size: 0,
  });
  assert.deepEqual(lines, ["a", "a", "end"]);
});

test("Sessions holds no more characters than its bound, and gives up those idle longest", () => {
  const { sessions, open } = newSessions({ maxSessions: 1000, maxCharacters: 1000 });
  for (const id of ["a", "b", "c", "d", "e", "f", "a", "g", "h", "i", "j"]) open(id, 0);
  assert.equal(linesBefore(sessions, "b", 0), 0);
  assert.equal(linesBefore(sessions, "a", 0), 2);
  assert.equal(linesBefore(sessions, "j", 0), 1);
});

test("Sessions of one id knows what all lines said, however long they were, and shows the newest", () => {
  const { sessions } = newSessions({ maxLines: 100 });
  const merge = (line: string, groups: Record<string, string>) =>
    sessions.merge("a", {
      groups: matchGroupsOf({ mlfid: "a", ...groups }),
      lines: [line],
      time: 0,
      size: 10_000,
    });
  merge("first", { nofail: "x", ip4: "192.0.2.1", port: "22" });
  for (let n = 0; n < 20; n++) merge(`line ${n}`, { nofail: "x" });
  const { ids, groups, lines, nofail } = merge("end", { user: "root" });
  assert.deepEqual(
    [ids.ip4, mergeGroups(groups).port, mergeGroups(groups).user, nofail],
    ["192.0.2.1", "22", "root", false],
  );
  assert.ok(lines.length > 10 && lines.length < 20, `${lines.length} lines`);
  assert.deepEqual(lines.slice(-3), ["line 18", "line 19", "end"]);
});
