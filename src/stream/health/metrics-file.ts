import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Report } from "../../cli/report.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { checkFolder, FileError, look, OURS, readTrusted } from "../../shared/safe-file.ts";

/** How often the file is written, in milliseconds. */
const EVERY = 10_000;
/** All users may read it: a collector runs as another one. */
const MODE = 0o644;

/** A file that shows what was counted: replaced every ten seconds, as a whole, so no reader sees half of it. */
export class MetricsFile {
  readonly #path: string;
  readonly #format: () => string;
  readonly #report: Report;
  readonly #clock: Pick<Clock, "after">;
  #cancelNext: () => void = () => undefined;
  /** Resolves when the file has been written; undefined: it is not being written. */
  #writing: Promise<void> | undefined;
  #isFailing = false;

  /** @param format gives the text of the file */
  constructor(path: string, format: () => string, report: Report, clock: Pick<Clock, "after"> = systemClock) {
    this.#path = path;
    this.#format = format;
    this.#report = report;
    this.#clock = clock;
  }

  /** Writes now, and every ten seconds. */
  start(): void {
    void this.write();
    this.#cancelNext = this.#clock.after(EVERY, () => this.start());
  }

  /** Writes for the last time. */
  async end(): Promise<void> {
    this.#cancelNext();
    await this.#writing;
    await this.write();
  }

  /** Writes now, unless it is being written. Warns of the first of several failures in a row. */
  async write(): Promise<void> {
    this.#writing ??= this.#replace(this.#format()).then(
      () => this.#done(undefined),
      (error: Error) => this.#done(error),
    );
    await this.#writing;
  }

  #done(error: Error | undefined): void {
    this.#writing = undefined;
    if (error !== undefined && !this.#isFailing) this.#report.warning(`--metrics: ${error.message}`);
    this.#isFailing = error !== undefined;
  }

  /** Writes a file beside it and renames that: within a file system. Files at both paths that are not ours stay as they are. */
  async #replace(text: string): Promise<void> {
    const path = join(dirname(this.#path), `.${basename(this.#path)}.new`);
    checkFolder(this.#path);
    for (const each of [this.#path, path]) checkOurs(each);
    await rm(path, { force: true });
    const file = await open(path, "wx", MODE);
    try {
      try {
        await file.chmod(MODE);
        await file.writeFile(text);
      } finally {
        await file.close();
      }
      await rename(path, this.#path);
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}

/** @throws FileError when something else than a file of metrics is at the path: it would be replaced */
function checkOurs(path: string): void {
  try {
    if (look(path, OURS) === undefined) return;
    const head = readTrusted(path, METRICS.length - 1, OURS);
    if (!METRICS.startsWith(head.toString("latin1")))
      throw new FileError("is not a metrics file of f2b-stream: choose another path, or move it away");
  } catch (error) {
    throw error instanceof FileError ? new FileError(`${path} ${error.message}`) : error;
  }
}

/** How such a file begins. One that was written in part may be shorter. */
const METRICS = "# HELP f2b_stream_";

/** The name of a stream whose metrics are in this file. */
export function streamOf(path: string): string {
  return basename(path).replace(/\.prom$/, "");
}
