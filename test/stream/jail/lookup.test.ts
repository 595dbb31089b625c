import assert from "node:assert/strict";
import { test } from "node:test";
import { BackgroundLookup } from "../../../src/stream/jail/lookup.ts";

/** A lookup whose answers the test gives. */
class Asked {
  /** What was asked, in order. */
  readonly questions: string[] = [];
  readonly #answers: ((answer: string | Error | undefined) => void)[] = [];
  readonly lookup = new BackgroundLookup<string>((question) => {
    this.questions.push(question);
    return new Promise((resolve, reject) => {
      this.#answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  });

  /** Answers the oldest open question, and lets the answer be taken. */
  async answer(answer: string | Error | undefined): Promise<void> {
    this.#answers.shift()?.(answer);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("BackgroundLookup asks in the background and remembers the answer for five minutes", async () => {
  const asked = new Asked();
  assert.equal(asked.lookup.known("a", 0), undefined);
  assert.equal(asked.lookup.known("a", 1), undefined);
  await asked.answer("1");
  assert.equal(asked.lookup.known("a", 300_000), "1");
  assert.deepEqual(asked.questions, ["a"]);
  assert.equal(asked.lookup.known("a", 300_001), "1", "the old answer until there is a new one");
  await asked.answer("2");
  assert.equal(asked.lookup.known("a", 300_002), "2");
  assert.deepEqual(asked.questions, ["a", "a"]);
});

test("BackgroundLookup keeps the last answer when asking fails", async () => {
  const asked = new Asked();
  asked.lookup.known("a", 0);
  await asked.answer("1");
  for (const failure of [undefined, new Error("no")]) {
    asked.lookup.known("a", 1_000_000);
    await asked.answer(failure);
    assert.equal(asked.lookup.known("a", 1_000_001), "1");
  }
});

test("BackgroundLookup asks again after half a minute when there never was an answer", async () => {
  const asked = new Asked();
  asked.lookup.known("a", 0);
  await asked.answer(undefined);
  asked.lookup.known("a", 30_000);
  assert.equal(asked.questions.length, 1);
  asked.lookup.known("a", 30_001);
  assert.equal(asked.questions.length, 2);
});

test("BackgroundLookup asks again when the clock was set back", async () => {
  const asked = new Asked();
  asked.lookup.known("a", 1000);
  await asked.answer("1");
  asked.lookup.known("a", 999);
  assert.equal(asked.questions.length, 2);
});

test("BackgroundLookup calls those who wait with the answer, in order, once", async () => {
  const asked = new Asked();
  const heard: string[] = [];
  const hear = (who: string) => (answer: string | undefined) => heard.push(`${who} ${answer}`);
  assert.equal(asked.lookup.when("a", 0, hear("first")), true);
  assert.equal(asked.lookup.when("a", 0, hear("second")), true);
  assert.deepEqual(heard, []);
  await asked.answer("1");
  assert.equal(asked.lookup.when("a", 0, hear("third")), true);
  assert.deepEqual(heard, ["first 1", "second 1", "third 1"]);
});

test("BackgroundLookup tells those who wait that there is no answer", async () => {
  const asked = new Asked();
  const heard: string[] = [];
  asked.lookup.when("a", 0, (answer) => heard.push(String(answer)));
  await asked.answer(new Error("no"));
  assert.deepEqual(heard, ["undefined"]);
  asked.lookup.when("a", 1, (answer) => heard.push(String(answer)));
  assert.deepEqual(heard, ["undefined", "undefined"], "nobody waits for a question that just failed");
});

test("BackgroundLookup asks four questions at a time", async () => {
  const asked = new Asked();
  for (const question of "abcdef") asked.lookup.known(question, 0);
  assert.equal(asked.questions.join(""), "abcd");
  await asked.answer("1");
  assert.equal(asked.questions.join(""), "abcde");
});

test("BackgroundLookup lets a thousand questions wait, and a thousand who wait for answers", async () => {
  const asked = new Asked();
  for (let i = 0; i < 1004; i++) asked.lookup.known(`q${i}`, 0);
  assert.equal(
    asked.lookup.when("one too many", 0, () => assert.fail("not asked")),
    false,
  );
  let heard = 0;
  const hear = () => heard++;
  for (let i = 0; i < 1000; i++) assert.equal(asked.lookup.when(`q${i % 2}`, 0, hear), true);
  assert.equal(asked.lookup.when("q1", 0, hear), false);
  await asked.answer("1");
  assert.equal(heard, 500);
  assert.equal(asked.lookup.when("q1", 0, hear), true, "there is room again");
});

test("BackgroundLookup remembers ten thousand answers", async () => {
  let questions = 0;
  const lookup = new BackgroundLookup<string>(async () => String(++questions));
  for (let i = 0; i <= 10_000; i++) {
    lookup.known(`q${i}`, 0);
    if (i % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lookup.known("q1", 0), "2");
  assert.equal(lookup.known("q0", 0), undefined, "the oldest is gone");
});
