import { textOf } from "../../src/check/hostile/template.ts";
import { BENIGN, CaseWriter } from "../../src/check/injection/benign-case.ts";
import { jailPatternsOf } from "../../src/check/injection/jail-patterns.ts";
import type { CompiledJail } from "../../src/stream/jail/compile-jails.ts";

/** Who did nothing. */
export const VICTIM = "203.0.113.9";

/** Whole lines that a jail counts against VICTIM, of the moment that `redated` knows: its own samples, and what its patterns say. */
export function linesOf(jail: CompiledJail): readonly string[] {
  const samples = jail.jail.tests.filter(({ match }) => match !== false).map(({ lines }) => lines.join("\n"));
  const named = samples.map((line) => line.replace(/192\.0\.2\.\d+|2001:db8:[\da-f:]*[\da-f]/g, VICTIM));
  if (jail.jail.on === "ban") return [];
  const patterns = jailPatternsOf(jail);
  const writer = new CaseWriter(patterns, MOMENT.getTime());
  const made = patterns.failregex.flatMap((_, regex) =>
    writer
      .casesOf(regex, { ...BENIGN, ip4: VICTIM }, 3)
      .flatMap(({ lines }) => lines.map(({ line }) => textOf(line))),
  );
  return [...new Set([...named, ...made])];
}

/** When the samples are of. */
const MOMENT = new Date(Date.UTC(2026, 10, 21, 19, 40, 2));

/** The same line of another moment, in UTC. */
export function redated(line: string, now: Date): string {
  return SHAPES.reduce((text, shape) => text.replaceAll(shape(MOMENT), () => shape(now)), line);
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (number: number) => `${number}`.padStart(2, "0");
const clock = (now: Date) => now.toISOString().slice(11, 19);
const month = (now: Date) => MONTHS[now.getUTCMonth()];

/** How dates are written; a longer shape comes before one that stands in it. */
const SHAPES: readonly ((now: Date) => string)[] = [
  (now) => `${DAYS[now.getUTCDay()]} ${month(now)} ${`${now.getUTCDate()}`.padStart(2)} ${clock(now)}`,
  (now) => `${month(now)} ${`${now.getUTCDate()}`.padStart(2)} ${clock(now)}`,
  (now) => `${two(now.getUTCDate())}/${month(now)}/${now.getUTCFullYear()}:${clock(now)}`,
  (now) => now.toISOString().slice(0, 10).replaceAll("-", "/").concat(" ", clock(now)),
  (now) => now.toISOString().slice(0, 19),
  (now) => now.toISOString().slice(0, 19).replace("T", " "),
  (now) => `${Math.floor(now.getTime() / 1000)}`,
  (now) => `${now.getUTCFullYear()}`,
];
