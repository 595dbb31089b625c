import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OneLineSessions } from "../../../src/filter/session/one-line-sessions.ts";

const line = { whole: "Nov 21 10:00:00 web1 sshd[1]: hello", start: 30, regex: 3, time: 1_795_251_600_123.5 };

test("OneLineSessions gives a line back once", () => {
  const singles = new OneLineSessions(10);
  assert.equal(singles.take("192.0.2.1 port 1"), undefined);
  assert.ok(singles.put("192.0.2.1 port 1", line));
  assert.equal(singles.take("192.0.2.1 port 2"), undefined);
  assert.deepEqual(singles.take("192.0.2.1 port 1"), line);
  assert.equal(singles.take("192.0.2.1 port 1"), undefined);
  assert.equal(singles.size, 0);
});

test("OneLineSessions takes lines of up to 256 bytes, their ids included, of sessions that have a name", () => {
  const singles = new OneLineSessions(10);
  const whole = "x".repeat(250);
  assert.ok(singles.put("123456", { ...line, whole }));
  assert.equal(singles.put("1234567", { ...line, whole }), false);
  assert.equal(singles.put("", line), false);
  assert.equal(singles.take("123456")?.whole, whole);
  assert.equal(singles.size, 0);
});

test("OneLineSessions agrees with a slow model: the newest are there", () => {
  const step = fc.record({ id: fc.nat(30), isPut: fc.boolean() });
  const property = fc.property(
    fc.array(step, { maxLength: 200 }),
    fc.integer({ min: 1, max: 12 }),
    (steps, max) => {
      const singles = new OneLineSessions(max);
      /** What was put in the last `max` turns. */
      let turns: (number | undefined)[] = [];
      for (const [time, { id, isPut }] of steps.entries()) {
        const isKnown = turns.includes(id);
        if (isPut && !isKnown) {
          singles.put(`id ${id}`, { ...line, time });
          turns = [...turns, id].slice(-max);
        } else if (!isPut) {
          assert.equal(singles.take(`id ${id}`) !== undefined, isKnown);
          turns = turns.map((each) => (each === id ? undefined : each));
        }
        assert.equal(singles.size, turns.filter((each) => each !== undefined).length);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});
