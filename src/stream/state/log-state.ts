import type { Header } from "./header.ts";

/** A smaller file is not compacted, in bytes. */
const SMALL = 1 << 20;
/** Most characters of commands that wait while writing fails. */
const MAX_WAITING = 16 << 20;
/** How long after a failed write the next one is tried, in milliseconds. */
const WRITE_PAUSE = 1_000;
/** How long after a failed compaction, or after commands were lost, a compaction is tried, in milliseconds. */
const COMPACTION_PAUSE = 60_000;

/**
 * What a `BanLog` knows of its file and what it decides, without files and timers. Every change is an event that the log reports
 * here. `now` is monotonic, in milliseconds; only times of the log itself are epoch milliseconds.
 */
export class LogState {
  /** Commands that are not in the file yet, as lines, and their length. */
  #waiting: string[] = [];
  #waitingLength = 0;
  #isFailing = false;
  #failures = 0;
  #nextWrite = Number.NEGATIVE_INFINITY;
  /** How often commands were lost: they are not in the file and no longer wait. */
  #losses: number;
  /** How many of these losses the compaction under way repairs. */
  #covered = 0;
  /** Up to when the log was read, as the header says. */
  #seen: number | undefined;
  /** A later time, to be written once all commands before it are on the disk. */
  #nextSeen: number | undefined;
  /** True while `#seen` is only the start of the first run, which has read nothing of its log yet. */
  #isGuess: boolean;
  /** A larger file is compacted, in bytes. */
  #limit = SMALL;
  #nextCompaction = Number.NEGATIVE_INFINITY;

  constructor(header: Header | undefined) {
    this.#seen = header?.seen;
    this.#isGuess = this.#seen === undefined;
    this.#losses = header?.isWhole === false ? 1 : 0;
  }

  /** True when all that was decided is in the file or waits for it without a failure. */
  get isWhole(): boolean {
    return !this.#isFailing && this.#losses === 0;
  }

  /** True from a failed write to the next that succeeds. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Writes that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** True when commands were lost that no compaction has taken from memory since. */
  get hasLosses(): boolean {
    return this.#losses > 0;
  }

  get seen(): number | undefined {
    return this.#seen;
  }

  get nextSeen(): number | undefined {
    return this.#nextSeen;
  }

  /** The header that the file should have. */
  get header(): Header {
    return { seen: this.#seen, isWhole: this.isWhole };
  }

  /** The header of the file that a compaction writes. */
  get newHeader(): Header {
    return { seen: this.#seen, isWhole: this.#losses === this.#covered && this.#waiting.length === 0 };
  }

  /** All waiting commands. */
  get waiting(): string {
    return this.#waiting.join("");
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(line: string): void {
    this.#waiting.push(line);
    this.#waitingLength += line.length;
  }

  isWriteDue(now: number): boolean {
    return this.hasWaiting && (!this.#isFailing || now >= this.#nextWrite);
  }

  /** All waiting commands were written. Returns whether writing failed before. */
  wrote(): boolean {
    const wasFailing = this.#isFailing;
    this.#drop();
    this.#isFailing = false;
    return wasFailing;
  }

  /** A write failed. Returns whether the one before succeeded. */
  writeFailed(now: number): boolean {
    const wasFailing = this.#isFailing;
    this.#failures++;
    this.#nextWrite = now + WRITE_PAUSE;
    this.#isFailing = true;
    return !wasFailing;
  }

  /** Drops the waiting commands when there are too many. Returns whether it did. */
  dropOverflow(now: number): boolean {
    if (this.#waitingLength <= MAX_WAITING) return false;
    this.#drop();
    this.lose(now);
    return true;
  }

  /** Commands were lost, or are found to be. The next compaction takes the bans in force from memory instead. */
  lose(now: number): void {
    if (this.#losses === 0) this.#nextCompaction = now + COMPACTION_PAUSE;
    this.#losses++;
  }

  /**
   * Begins to work on a file of `size` bytes.
   *
   * @param time epoch milliseconds: a first run has read its log up to its start
   */
  start(time: number, size: number, now: number): void {
    this.#limit = Math.max(SMALL, size);
    this.#seen ??= time;
    if (this.#losses > 0) this.#nextCompaction = now + COMPACTION_PAUSE;
  }

  /**
   * Notes that the log was read up to `time`, by the clock `clock` (both epoch milliseconds). That goes back only from a time
   * ahead of the clock or from a guess; while writing fails it stays, so that the log is read again from there.
   *
   * @returns whether `nextSeen` is to be written
   */
  noteSeen(time: number, clock: number): boolean {
    const seen = Math.min(time, clock);
    const known = this.#nextSeen ?? this.#seen ?? seen;
    if (seen <= known && known <= clock && !this.#isGuess) return false;
    this.#isGuess = false;
    if (this.#isFailing) return false;
    this.#nextSeen = seen;
    return true;
  }

  /** All commands up to `seen` are on the disk, so the header may say so. Returns whether it is to be written. */
  confirmSeen(seen: number | undefined): boolean {
    if (seen === undefined || this.#isFailing) return false;
    this.#seen = seen;
    if (this.#nextSeen === seen) this.#nextSeen = undefined;
    return true;
  }

  isLarge(size: number): boolean {
    return size > this.#limit;
  }

  mayCompact(now: number): boolean {
    return now >= this.#nextCompaction;
  }

  compactionStarted(): void {
    this.#covered = 0;
  }

  /** From here on the compaction writes from memory, which covers all losses and all that waits. */
  covered(): void {
    this.#covered = this.#losses;
    this.#drop();
  }

  /** The new file took the place of the old one. */
  moved(): void {
    this.#losses -= this.#covered;
  }

  compacted(size: number): void {
    this.#limit = Math.max(SMALL, 2 * size);
  }

  compactionFailed(now: number): void {
    this.#nextCompaction = now + COMPACTION_PAUSE;
  }

  #drop(): void {
    this.#waiting = [];
    this.#waitingLength = 0;
  }
}
