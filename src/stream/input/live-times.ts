import { MAX_AHEAD } from "../../shared/limits.ts";

/** A line is on time when it is late by no more than this, in milliseconds; fail2ban's bound. */
const ON_TIME = 60_000;
/** Two lines are late by the same amount when that differs by no more than this, in milliseconds: stamps have whole seconds. */
const SAME = 2_000;
/** So long after the first line that is late by an amount, in milliseconds, another one shows that the amount is constant. */
const STEADY = 5_000;
/** How much later than the others a line may come that was held up on its way, in milliseconds. */
const HELD_UP = 60_000;
/** So many lines on time in a row show that a log is on time again. */
const WELL = 10;
/** Most lines whose time is not decided yet. */
const MAX_UNDECIDED = 100;

/** A failure and when it counts, in epoch milliseconds. */
export interface Timed<T> {
  readonly failure: T;
  readonly time: number;
}

const NOTHING: readonly never[] = [];

interface Undecided<T> extends Timed<T> {
  /** When the line came. */
  readonly came: number;
}

/**
 * When the failures of a live log count that are late or early.
 *
 * A line from the future was written by a clock, or read in a zone, that is wrong: it counts now. A late line is either one of a backlog,
 * which has its own time, or of a log that is always late, which counts when it comes. How fast the log's time passes tells the two apart:
 * in a backlog it passes faster than on the clock; in a log that is always late it passes with the clock. A late line waits for that to be
 * known: at the latest until one comes that is on time, or the input ends.
 *
 * Times are epoch milliseconds; `now` is the clock's.
 */
export class LiveTimes<T> {
  readonly #undecided: Undecided<T>[] = [];
  /** The first line of those that are off by the same amount: its amount (below 0: early), and when it came. */
  #first: { readonly late: number; readonly came: number } | undefined;
  #isSteady = false;
  /** Lines on time in a row. */
  #onTime = WELL;

  /** By how much the log is always late, in milliseconds (below 0: early); 0: it is not; undefined: unknown. */
  get offset(): number | undefined {
    if (this.#isSteady) return this.#first?.late;
    return this.#onTime >= WELL ? 0 : undefined;
  }

  /** Whether a line of this time is on time, and nothing waits for it to be known: the usual case, quickly. */
  isPlain(time: number, now: number): boolean {
    return this.#onTime >= WELL && time >= now - ON_TIME && time <= now + MAX_AHEAD;
  }

  /**
   * Takes the time of the next line, with its failure if it is one.
   *
   * @param hasPaused whether the input has paused before: until then its lines were there when reading began, and late ones are a backlog's
   * @returns the failures whose time is known now, in the order in which they came
   */
  add(time: number, now: number, failure: T | undefined, hasPaused: boolean): readonly Timed<T>[] {
    const late = now - time;
    if (late <= ON_TIME && late >= -MAX_AHEAD) return this.#addOnTime(time, failure);
    this.#onTime = 0;
    const earlier = this.#compare(late, now);
    if (failure === undefined) return earlier;
    if (this.#isSteady || late < 0) return [...earlier, { failure, time: this.#corrected(time, now) }];
    if (!hasPaused) return [...earlier, { failure, time }];
    this.#undecided.push({ failure, time, came: now });
    return this.#undecided.length > MAX_UNDECIDED ? [...earlier, ...this.#decide("own")] : earlier;
  }

  /** Ends the input: what is undecided has its own time. */
  end(): readonly Timed<T>[] {
    return this.#decide("own");
  }

  #addOnTime(time: number, failure: T | undefined): readonly Timed<T>[] {
    const earlier = this.#decide("own");
    if (++this.#onTime >= WELL) {
      this.#first = undefined;
      this.#isSteady = false;
    }
    return failure === undefined ? earlier : [...earlier, { failure, time }];
  }

  /** Compares a line with those before it that were off by the same amount. Returns what is decided by that. */
  #compare(late: number, now: number): readonly Timed<T>[] {
    const first = this.#first;
    const more = first === undefined ? Number.NaN : late - first.late;
    if (
      first === undefined ||
      !(more >= -HELD_UP && more <= HELD_UP) ||
      (!this.#isSteady && Math.abs(more) > SAME)
    ) {
      this.#first = { late, came: now };
      this.#isSteady = false;
      return this.#decide("own");
    }
    if (more < -SAME) this.#first = { late, came: now };
    if (this.#isSteady || now - first.came < STEADY) return NOTHING;
    this.#isSteady = true;
    return this.#decide("came");
  }

  /** When a line counts of a log that is always late by the same, or early. */
  #corrected(time: number, now: number): number {
    const late = this.#first?.late ?? 0;
    return late < 0 ? now : Math.min(now, time + late);
  }

  /** Decides what is undecided: each has its own time, or that at which it came. */
  #decide(by: "own" | "came"): readonly Timed<T>[] {
    if (this.#undecided.length === 0) return NOTHING;
    const undecided = this.#undecided.splice(0);
    return undecided.map(({ failure, time, came }) => ({ failure, time: by === "own" ? time : came }));
  }
}
