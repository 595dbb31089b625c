import assert from "node:assert/strict";
import { test } from "node:test";
import { saidByGroups } from "../src/filter/said.ts";
import { groupsOf, type SessionOptions, Sessions } from "../src/filter/session.ts";

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

for (const { name, steps } of tables) {
  test(`Sessions ${name}`, () => {
    const sessions = new Sessions();
    for (const [time, { line, fails, has, pending }] of steps.entries()) {
      const state = sessions.merge("1", { said: saidByGroups(wordsOf(line)), lines: [line], time });
      assert.deepEqual(state.nofail ? undefined : state.lines, fails, `at ${line}`);
      const { ip4, user } = groupsOf(state.said);
      if (has) assert.deepEqual({ ...(ip4 && { ip4 }), ...(user && { user }) }, has, `at ${line}`);
      if (pending) state.session.wait(state);
    }
  });
}

test("Sessions lets no mark stay from line to line", () => {
  const { said } = new Sessions().merge("1", {
    said: saidByGroups(wordsOf("nofail gained forget")),
    lines: [],
    time: 0,
  });
  assert.deepEqual(groupsOf(said), { mlfid: "1" });
});

/** How many lines the session `id` has before its failure at `time`. */
function linesBefore(sessions: Sessions, id: string, time: number): number {
  return sessions.merge(id, { said: saidByGroups({ mlfid: id }), lines: ["end"], time }).lines.length - 1;
}

function newSessions(options: Partial<SessionOptions>): {
  sessions: Sessions;
  open: (id: string, time: number) => void;
} {
  const sessions = new Sessions({ maxSessions: 10, memory: 1000, maxLines: 10, ...options });
  const open = (id: string, time: number) =>
    void sessions.merge(id, { said: saidByGroups({ mlfid: id, nofail: "x" }), lines: [id], time });
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
  const { lines } = sessions.merge("a", { said: saidByGroups({ mlfid: "a" }), lines: ["end"], time: 0 });
  assert.deepEqual(lines, ["a", "a", "end"]);
});
