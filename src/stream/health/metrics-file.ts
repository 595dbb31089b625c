import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Report } from "../../cli/report.ts";
import { checkFolder, FileError, look, OURS, readTrusted } from "../../shared/safe-file.ts";

/** How often the file is written, in milliseconds. */
const EVERY = 10_000;
/** Anybody may read what was counted: a collector runs as another user. */
const MODE = 0o644;

/** A file that shows what was counted: written anew every ten seconds, as a whole or not at all, so no reader sees half of it. */
export class MetricsFile {
  readonly #path: string;
  readonly #format: () => string;
  readonly #report: Report;
  #timer: NodeJS.Timeout | undefined;
  /** Ends when the file has been written; undefined: nobody is writing it. */
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(path: string, format: () => string, report: Report) {
    this.#path = path;
    this.#format = format;
    this.#report = report;
  }

  start(): void {
    void this.write();
    this.#timer = setInterval(() => void this.write(), EVERY);
  }

  /** Writes for the last time. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.write();
  }

  /** Writes now, unless that is still going on. A failure is told once, until writing has succeeded again. */
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

  /** Beside the file, since a rename must not leave the file system. What is there is looked at first, and stays if it is not ours. */
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

/** @throws FileError when something is at a path that is not such a file of ours: it would be replaced */
function checkOurs(path: string): void {
  try {
    if (look(path, OURS) === undefined) return;
    const head = readTrusted(path, METRICS.length - 1, OURS);
    if (!METRICS.startsWith(head.toString("latin1")))
      throw new FileError("is no file of metrics of f2b-stream: take another, or move it elsewhere");
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
