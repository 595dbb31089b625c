import assert from "node:assert/strict";
import { test } from "node:test";
import { LogClock } from "../../../src/stream/input/log-clock.ts";

const day = 86_400_000;
const START = Date.UTC(2026, 10, 21);
const at = (days: number) => START + days * day;

const moves: readonly { name: string; lines: readonly number[]; now: number }[] = [
  { name: "stands before two lines agree", lines: [at(0)], now: Number.NEGATIVE_INFINITY },
  { name: "starts with the second line", lines: [at(0), at(0.1)], now: at(0.1) },
  { name: "starts with the later of two", lines: [at(0.1), at(0)], now: at(0.1) },
  { name: "does not start with a wild first line", lines: [at(9000), at(0), at(0.1)], now: at(0.1) },
  { name: "never goes back", lines: [at(0), at(0.5), at(0.1)], now: at(0.5) },
  { name: "takes a step of a day", lines: [at(0), at(0), at(1)], now: at(1) },
  { name: "does not believe one line far ahead", lines: [at(0), at(0), at(30)], now: at(0) },
  {
    name: "goes on after one line far ahead",
    lines: [at(0), at(0), at(30), at(0.1), at(0.2)],
    now: at(0.2),
  },
  { name: "believes a second line", lines: [at(0), at(0), at(30), at(30.5)], now: at(30.5) },
  { name: "believes a second line that is earlier", lines: [at(0), at(0), at(30), at(29.5)], now: at(30) },
  { name: "goes with a log of few lines", lines: [at(0), at(2), at(4), at(6)], now: at(4) },
  {
    name: "forgets a line far ahead that it has passed",
    lines: [at(0), at(0), at(1.5), at(1), at(2), at(30)],
    now: at(2),
  },
];

for (const { name, lines, now } of moves) {
  test(`LogClock ${name}`, () => {
    const clock = new LogClock();
    for (const time of lines) clock.advance(time);
    assert.equal(clock.now, now);
  });
}

const ends: readonly { name: string; last: number; before: number | undefined; now: number }[] = [
  { name: "moves on to the last dated line", last: at(0.5), before: undefined, now: at(0.5) },
  { name: "believes the last two lines when they agree", last: at(30.5), before: at(30), now: at(30.5) },
  { name: "does not believe one line far ahead", last: at(30), before: undefined, now: at(0) },
  { name: "does not let a line confirm itself", last: at(30), before: at(0), now: at(0) },
];

for (const { name, last, before, now } of ends) {
  test(`LogClock at the end ${name}`, () => {
    const clock = new LogClock();
    for (const time of [at(0), at(0), at(30)]) clock.advance(time);
    clock.end(last, before);
    assert.equal(clock.now, now);
  });
}
