import { randomBytes } from "node:crypto";
import type { Report } from "../cli/report.ts";
import { TOKEN_LENGTH } from "../protocol/tagged.ts";
import type { Clock } from "../shared/clock.ts";
import { readState, type SavedState } from "./saved-state.ts";
import { StateError, StateFile } from "./state-file.ts";

/** The state is saved at most this often, in milliseconds, except before the first block of a place. */
const EVERY = 500;

const NOTHING: Omit<SavedState, "token"> = { patterns: [], files: [], read: [], journal: undefined };

/** A token that no author of a log line can know. */
export function newToken(): string {
  return randomBytes(TOKEN_LENGTH / 2).toString("hex");
}

/** Keeps how far each source was written, for the next run. */
export class State {
  readonly #file: StateFile;
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #path: string;
  /** What the last run left. */
  readonly saved: SavedState;
  /** Whether there was a last run. */
  readonly isNew: boolean;
  #cancel: (() => void) | undefined;
  /** When it was saved last, by the clock. */
  #savedAt = Number.NEGATIVE_INFINITY;
  #current: () => SavedState = () => this.saved;
  #onSaved: () => void = () => undefined;

  private constructor(
    file: StateFile,
    path: string,
    saved: SavedState | undefined,
    clock: Clock,
    report: Report,
  ) {
    this.#file = file;
    this.#path = path;
    this.#clock = clock;
    this.#report = report;
    this.isNew = saved === undefined;
    this.saved = saved ?? { token: newToken(), ...NOTHING };
  }

  /** @throws StateError */
  static async open(path: string, clock: Clock, report: Report): Promise<State> {
    const file = await StateFile.open(path, (message) => report.warning(message));
    let saved: SavedState | undefined;
    try {
      saved = file.saved === undefined ? undefined : readState(file.saved);
    } catch (error) {
      throw new StateError("ERR_STATE_FORMAT", path, (error as Error).message);
    }
    if (file.isTorn)
      report.warning(`${path}: the state is torn, and says nothing: files are read as without one`);
    return new State(file, path, saved, clock, report);
  }

  /** Gives what is to be saved, and takes that it was. */
  connect(current: () => SavedState, onSaved: () => void): void {
    this.#current = current;
    this.#onSaved = onSaved;
  }

  /** Something has changed, and is saved soon. */
  touch(): void {
    this.#cancel ??= this.#clock.after(EVERY, () => this.save());
  }

  /** A block was taken: that is saved now, or as soon as the last time is `EVERY` ago. */
  taken(): void {
    if (this.#savedAt + EVERY <= this.#clock.now()) this.save();
    else this.touch();
  }

  /** Saves everything now. An error is told, and the last state stays. */
  save(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#savedAt = this.#clock.now();
    try {
      this.#file.save(JSON.stringify(this.#current()));
      this.#onSaved();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#report.rareWarning("state", `${this.#path}: not saved: ${code ?? message}`);
    }
  }

  /** Saves for the last time. */
  async end(): Promise<void> {
    this.save();
    await this.#file.sync();
    this.#file.close();
  }
}
