import type { Report } from "../../cli/report.ts";
import { type Clock, monotonicClock } from "../../shared/clock.ts";
import { compact, StoppedError } from "./compact.ts";
import type { Decision } from "./decision.ts";
import { loadState } from "./load-state.ts";
import { LogState } from "./log-state.ts";
import { syncFolder } from "./open-state-file.ts";
import type { RetentionPolicy } from "./retention.ts";
import { StateError } from "./state-error.ts";
import { StateFile } from "./state-file.ts";

/** How often a failed write or a pending compaction is tried when no commands come, in milliseconds. */
const CARE = 10_000;
/** How long what was written may be in the page cache alone, in milliseconds. */
const SYNC = 1_000;

/**
 * The state of f2b-stream: what all its runs decided, as far as the next run needs it. Every command is written here before it
 * goes to stdout. Commands that can't be written wait, with a message; bans go on. `LogState` decides, this class does the I/O.
 */
export class BanLog {
  readonly #path: string;
  readonly #report: Report;
  readonly #clock: Clock;
  readonly #isNew: boolean;
  readonly #state: LogState;
  #file: StateFile;
  /** Where the last whole line ended when the state was read, in bytes. */
  #readEnd = 0;
  #policy: RetentionPolicy | undefined;
  /** True when something was written after the last sync began. */
  #isDirty = false;
  /** Cancels the timers of the next sync and the next care. */
  #cancelSync: (() => void) | undefined;
  #cancelCare: (() => void) | undefined;
  #compaction: Promise<void> | undefined;
  #isEnding = false;

  private constructor(path: string, file: StateFile, report: Report, clock: Clock) {
    this.#path = path;
    this.#file = file;
    this.#report = report;
    this.#clock = clock;
    this.#isNew = file.size === 0;
    this.#state = new LogState(file.readHeader());
  }

  /**
   * Opens a state for this process alone, or creates it.
   *
   * @param clock monotonic; its timers must not keep the process alive
   * @throws StateError
   */
  static async open(path: string, report: Report, clock: Clock = monotonicClock): Promise<BanLog> {
    const file = await StateFile.open(path, (message) => report.warning(`state ${path}: ${message}`));
    return new BanLog(path, file, report, clock);
  }

  /** True when the state was created just now: earlier decisions are unknown. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** True when all that was decided is in the file. */
  get isWhole(): boolean {
    return this.#state.isWhole;
  }

  /** Writes that failed. */
  get failures(): number {
    return this.#state.failures;
  }

  /** Up to when the log was read, in epoch milliseconds; undefined: not known. */
  get seen(): number | undefined {
    return this.#state.seen;
  }

  /**
   * What earlier runs decided, in its order. To be iterated before anything is added.
   *
   * @throws StateError when the file is something else
   */
  *restore(): Iterable<Decision> {
    const { decisions, damaged, damage, end, torn } = yield* loadState(this.#file);
    if (!this.#isNew && !this.#file.hasHeader && decisions === 0) {
      void this.#file.close();
      throw new StateError("ERR_STATE_FORMAT", this.#path, "is not a state of f2b-stream");
    }
    this.#secure();
    this.#file.cut(end);
    this.#readEnd = end;
    if (torn > 0) this.#warn(`dropped an incomplete last line of ${countBytes(torn)}`);
    if (damage !== undefined) this.#error(damaged > 1 ? `${damage}, and ${countMore(damaged - 1)}` : damage);
    else if (this.#state.hasLosses) this.#error("the last run could not write all that it decided");
    if (damage !== undefined) this.#state.lose(this.#clock.now());
    if (this.#state.hasLosses)
      this.#report.hint("the bans that could be read are in force, and no sync is sent");
  }

  /** Changes permissions, now that the file is known to be a state. */
  #secure(): void {
    try {
      this.#file.secure();
    } catch (error) {
      this.#warn((error as Error).message);
    }
  }

  /** Begins to write, at `time` in epoch milliseconds, and to keep the file small. `policy` knows what was restored. */
  start(policy: RetentionPolicy, time: number): void {
    this.#policy = policy;
    this.#state.start(time, this.#readEnd, this.#clock.now());
    this.#scheduleCare();
    if (this.#isNew) this.#write();
    else if (!this.#file.hasHeader) this.#startCompaction();
  }

  /** Adds a command, as a line. The next `flush` writes it. */
  add(line: string): void {
    this.#state.add(line);
  }

  /** Writes what was added, with one write. */
  flush(): void {
    if (!this.#state.hasWaiting) return;
    if (this.#state.isWriteDue(this.#clock.now())) this.#write();
    if (this.#state.dropOverflow(this.#clock.now())) {
      // The bans in force are not lost: the next compaction takes them from memory.
      this.#warn("too many commands wait to be written: the state will miss bans that end meanwhile");
      this.#writeHeader();
    }
    if (this.#state.isLarge(this.#file.end)) this.#startCompaction();
  }

  /** Notes that the log was read up to `time`, by the clock `clock`, both in epoch milliseconds. */
  noteSeen(time: number, clock: number): void {
    const isNews = this.#state.noteSeen(time, clock);
    if (isNews && this.#cancelSync === undefined) this.#confirmSeen(this.#state.nextSeen);
  }

  /** Tries again what failed, as far as it is time for that. */
  takeCare(): void {
    if (this.#state.isFailing) this.#write();
    if (this.#state.hasLosses || !this.#file.hasHeader) this.#startCompaction();
  }

  /** Writes what is left and closes the file. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#cancelCare?.();
    this.#cancelSync?.();
    await this.#compaction;
    if (this.#state.hasWaiting) this.#write();
    try {
      this.#file.syncNow();
    } catch (error) {
      this.#loseUnsynced(error);
    }
    this.#confirmSeen(this.#state.nextSeen);
    await this.#file.close();
  }

  #write(): void {
    try {
      if (this.#file.end === 0) this.#file.writeHeader(this.#state.header);
      this.#file.append(Buffer.from(this.#state.waiting));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#isDirty = true;
    this.#scheduleSync();
    if (!this.#state.wrote()) return;
    this.#writeHeader();
    this.#warn(this.isWhole ? "can be written again, and nothing is missing" : "can be written again");
  }

  #fail(error: unknown): void {
    if (!this.#state.writeFailed(this.#clock.now())) return;
    this.#error(`${(error as Error).message}: bans go on, but a restart would not know all of them`);
    this.#writeHeader();
  }

  /** Overwrites the header, which takes no room and mostly succeeds on a full disk. */
  #writeHeader(): void {
    try {
      this.#file.writeHeader(this.#state.header);
    } catch {
      // The old header stays.
    }
  }

  #confirmSeen(seen: number | undefined): void {
    if (this.#state.confirmSeen(seen)) this.#writeHeader();
  }

  #scheduleSync(): void {
    this.#cancelSync ??= this.#clock.after(SYNC, () => void this.#sync());
  }

  async #sync(): Promise<void> {
    const file = this.#file;
    const seen = this.#state.nextSeen;
    this.#isDirty = false;
    try {
      await file.sync();
      this.#confirmSeen(seen);
    } catch (error) {
      if (file === this.#file) this.#loseUnsynced(error);
    }
    this.#cancelSync = undefined;
    if (this.#isEnding) return;
    if (this.#isDirty || this.#state.nextSeen !== undefined) this.#scheduleSync();
  }

  /** What was written since the last sync may be lost, and the kernel won't try again. */
  #loseUnsynced(error: unknown): void {
    this.#state.lose(this.#clock.now());
    this.#writeHeader();
    this.#fail(error);
  }

  #scheduleCare(): void {
    this.#cancelCare = this.#clock.after(CARE, () => {
      this.#scheduleCare();
      this.takeCare();
    });
  }

  #startCompaction(): void {
    if (this.#compaction || this.#policy === undefined || !this.#state.mayCompact(this.#clock.now())) return;
    this.#compaction = this.#compact(this.#policy).finally(() => {
      this.#compaction = undefined;
    });
  }

  async #compact(policy: RetentionPolicy): Promise<void> {
    const old = this.#file;
    this.#state.compactionStarted();
    try {
      await compact(old, {
        policy,
        isHealing: this.#state.hasLosses,
        onCovered: () => this.#state.covered(),
        header: () => this.#state.newHeader,
        onMoved: (file) => {
          this.#file = file;
          this.#state.moved();
        },
        isStopped: () => this.#isEnding,
      });
    } catch (error) {
      this.#state.compactionFailed(this.#clock.now());
      if (!(error instanceof StoppedError)) this.#warnOfCompaction(error as Error);
      return;
    }
    this.#state.compacted(this.#file.end);
    this.#write();
    await old.close();
    await syncFolder(this.#file.path).catch(() => undefined);
  }

  #warnOfCompaction({ message }: Error): void {
    this.#report.rareWarning("compact", `state ${this.#path}: cannot be compacted: ${message}`);
  }

  #warn(message: string): void {
    this.#report.warning(`state ${this.#path}: ${message}`);
  }

  #error(message: string): void {
    this.#report.error(`state ${this.#path}: ${message}`);
  }
}

function countBytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

function countMore(count: number): string {
  return count === 1 ? "1 more damaged line" : `${count} more damaged lines`;
}
