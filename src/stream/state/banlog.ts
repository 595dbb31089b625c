import type { Report } from "../../cli/report.ts";
import { compact, type Needs, StoppedError } from "./compact.ts";
import type { Decision } from "./decision.ts";
import { load } from "./load-state.ts";
import { StateError } from "./state-error.ts";
import { StateFile, syncFolder } from "./state-file.ts";

/** A smaller file is not compacted, in bytes. */
const SMALL = 1 << 20;
/** Most characters of commands that wait for a disk that can't be written to. */
const MAX_WAITING = 16 << 20;
/** How often such a disk is tried, in milliseconds: with new commands, and without. */
const RETRY = 1_000;
const CARE = 10_000;
/** How long after one failed, or commands were found missing, a compaction is tried, in milliseconds. */
const PAUSE = 60_000;
/** How long what was written may be in the page cache alone, in milliseconds. */
const SYNC = 1_000;

/**
 * The state of f2b-stream: what all its runs decided, as far as the next one needs it. A command is written here before
 * anybody is told. What can't be written waits, and that is told; bans go on.
 */
export class BanLog {
  readonly #path: string;
  readonly #report: Report;
  readonly #clock: () => number;
  readonly #isNew: boolean;
  #file: StateFile;
  #needs: Needs | undefined;
  /** Commands that are not in the file yet, as lines, and their length. */
  #lines: string[] = [];
  #waiting = 0;
  /** True while the disk can't be written to. */
  #isFailing = false;
  #failures = 0;
  /** How often it was found that commands are missing in the file, and won't come, since they were all in it. */
  #holes: number;
  /** Up to when the log was read; and a later time, to be written when all before it is on the disk. */
  #seen: number | undefined;
  #nextSeen: number | undefined;
  /** False: it is when the first run began, of whose log nothing was read yet. */
  #isSeen: boolean;
  /** True when something was written after the last sync began. */
  #isDirty = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #careTimer: NodeJS.Timeout | undefined;
  /** When the disk is tried again, and a compaction, in the clock's milliseconds. */
  #nextTry = Number.NEGATIVE_INFINITY;
  #nextCompaction = Number.NEGATIVE_INFINITY;
  /** A larger file, in bytes, is compacted. */
  #limit = SMALL;
  #compaction: Promise<void> | undefined;
  #isEnding = false;

  private constructor(path: string, file: StateFile, report: Report, clock: () => number) {
    this.#path = path;
    this.#file = file;
    this.#report = report;
    this.#clock = clock;
    this.#isNew = file.size === 0;
    const header = file.readHeader();
    this.#seen = header?.seen;
    this.#isSeen = this.#seen !== undefined;
    this.#holes = header?.isWhole === false ? 1 : 0;
  }

  /**
   * Opens a state for this process alone.
   *
   * @param clock monotonic, in milliseconds
   * @throws StateError
   */
  static async open(path: string, report: Report, clock = () => performance.now()): Promise<BanLog> {
    const file = await StateFile.open(path, (message) => report.warning(`state ${path}: ${message}`));
    return new BanLog(path, file, report, clock);
  }

  /** True when the state was made just now: nothing is known of what was before. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** True when all that was decided is in the file. */
  get isWhole(): boolean {
    return !this.#isFailing && this.#holes === 0;
  }

  /** Writes that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Up to when the log was read, in epoch milliseconds; undefined: that is not known. */
  get seen(): number | undefined {
    return this.#seen;
  }

  /**
   * What earlier runs decided, in its order: to be gone through before anything is added.
   *
   * @throws StateError when the file is something else
   */
  *restore(): Iterable<Decision> {
    const { decisions, damaged, damage, end, torn } = yield* load(this.#file);
    if (!this.#isNew && !this.#file.hasHeader && decisions === 0) {
      void this.#file.close();
      throw new StateError("ERR_STATE_FORMAT", this.#path, "is not a state of f2b-stream");
    }
    this.#secure();
    this.#file.cut(end);
    if (torn > 0) this.#warn(`dropped a torn last line of ${torn} bytes`);
    if (damage !== undefined) this.#error(damaged > 1 ? `${damage}, and ${damaged - 1} lines more` : damage);
    else if (this.#holes > 0) this.#error("the last run could not write all that it decided");
    if (damage !== undefined) this.#holes++;
    if (this.#holes > 0) this.#report.hint("the bans that could be read are in force, and no sync is sent");
    this.#limit = Math.max(SMALL, end);
  }

  /** Now that it is known to be a state, it may be changed. */
  #secure(): void {
    try {
      this.#file.secure();
    } catch (error) {
      this.#warn((error as Error).message);
    }
  }

  /** Begins to write at `now`, and to keep the file small. `needs` remembers what was restored. */
  start(needs: Needs, now: number): void {
    this.#needs = needs;
    this.#seen ??= now;
    if (this.#holes > 0) this.#nextCompaction = this.#clock() + PAUSE;
    this.#careTimer = setInterval(() => this.takeCare(), CARE).unref();
    if (this.#isNew) this.#tryToWrite();
    else if (!this.#file.hasHeader) this.#startCompaction();
  }

  /** Takes a command, as a line. After the next `flush` it is in the file. */
  add(line: string): void {
    this.#lines.push(line);
    this.#waiting += line.length;
  }

  /** Writes what was added, with one write. */
  flush(): void {
    if (this.#lines.length === 0) return;
    if (!this.#isFailing || this.#clock() >= this.#nextTry) this.#tryToWrite();
    if (this.#waiting > MAX_WAITING) this.#giveUpWaiting();
    if (this.#file.end > this.#limit) this.#startCompaction();
  }

  /** Notes up to when the log was read. That goes back only where it was ahead of `now`, or a mere guess. */
  see(time: number, now: number): void {
    const seen = Math.min(time, now);
    const known = this.#nextSeen ?? this.#seen ?? seen;
    if (seen <= known && known <= now && this.#isSeen) return;
    this.#isSeen = true;
    // Of what could not be written the log is to be read again.
    if (this.#isFailing) return;
    this.#nextSeen = seen;
    if (this.#syncTimer === undefined) this.#writeSeen(seen);
  }

  /** Tries again what did not succeed, as far as it is time for that. */
  takeCare(): void {
    if (this.#isFailing) this.#tryToWrite();
    if (this.#holes > 0 || !this.#file.hasHeader) this.#startCompaction();
  }

  /** Writes what is left and closes the file. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#careTimer);
    clearTimeout(this.#syncTimer);
    await this.#compaction;
    if (this.#lines.length > 0) this.#tryToWrite();
    try {
      this.#file.syncNow();
    } catch (error) {
      this.#loseSynced(error);
    }
    this.#writeSeen(this.#nextSeen);
    await this.#file.close();
  }

  #tryToWrite(): void {
    try {
      if (this.#file.end === 0) this.#writeHeader(this.isWhole);
      this.#file.append(Buffer.from(this.#lines.join("")));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#lines = [];
    this.#waiting = 0;
    this.#isDirty = true;
    this.#syncSoon();
    if (this.#isFailing) this.#recover();
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#nextTry = this.#clock() + RETRY;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#error(`${(error as Error).message}: bans go on, but a restart would not know of all`);
    this.#mark();
  }

  #recover(): void {
    this.#isFailing = false;
    this.#mark();
    this.#warn(this.isWhole ? "can be written again, and nothing is missing in it" : "can be written again");
  }

  /** The bans in force are not lost: the next compaction takes them from memory. */
  #giveUpWaiting(): void {
    this.#warn("too many commands wait to be written: it will not know of bans that end meanwhile");
    this.#lines = [];
    this.#waiting = 0;
    this.#openHole();
  }

  #openHole(): void {
    if (this.#holes === 0) this.#nextCompaction = this.#clock() + PAUSE;
    this.#holes++;
    this.#mark();
  }

  /** Writes the header over, which takes no room and mostly works on a full disk. */
  #mark(): void {
    try {
      this.#writeHeader(this.isWhole);
    } catch {
      // Then it says what it said.
    }
  }

  #writeHeader(isWhole: boolean): void {
    this.#file.writeHeader({ seen: this.#seen, isWhole });
  }

  #writeSeen(seen: number | undefined): void {
    if (seen === undefined || this.#isFailing) return;
    this.#seen = seen;
    if (this.#nextSeen === seen) this.#nextSeen = undefined;
    this.#mark();
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => void this.#sync(), SYNC).unref();
  }

  async #sync(): Promise<void> {
    const file = this.#file;
    const seen = this.#nextSeen;
    this.#isDirty = false;
    try {
      await file.sync();
      this.#writeSeen(seen);
    } catch (error) {
      if (file === this.#file) this.#loseSynced(error);
    }
    this.#syncTimer = undefined;
    if (this.#isDirty || this.#nextSeen !== undefined) this.#syncSoon();
  }

  /** What was written may be lost now, and the kernel won't try again. */
  #loseSynced(error: unknown): void {
    this.#openHole();
    this.#fail(error);
  }

  #startCompaction(): void {
    if (this.#compaction || this.#clock() < this.#nextCompaction) return;
    this.#compaction = this.#compact().finally(() => {
      this.#compaction = undefined;
    });
  }

  async #compact(): Promise<void> {
    const old = this.#file;
    let covered = 0;
    try {
      await compact(old, {
        needs: this.#needs as Needs,
        isHealing: this.#holes > 0,
        onCovered: () => {
          covered = this.#holes;
          this.#lines = [];
          this.#waiting = 0;
        },
        header: () => ({ seen: this.#seen, isWhole: this.#holes === covered && this.#lines.length === 0 }),
        onMoved: (file) => {
          this.#file = file;
          this.#holes -= covered;
        },
        isStopped: () => this.#isEnding,
      });
    } catch (error) {
      this.#nextCompaction = this.#clock() + PAUSE;
      if (error instanceof StoppedError) return;
      this.#report.rareWarning(
        "compact",
        `state ${this.#path}: is not compacted: ${(error as Error).message}`,
      );
      return;
    }
    this.#limit = Math.max(SMALL, 2 * this.#file.end);
    this.#tryToWrite();
    await old.close();
    await syncFolder(this.#file.path).catch(() => undefined);
  }

  #warn(message: string): void {
    this.#report.warning(`state ${this.#path}: ${message}`);
  }

  #error(message: string): void {
    this.#report.error(`state ${this.#path}: ${message}`);
  }
}
