import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogName, logLines } from "../log/logs.ts";

/** Text is written in pieces of about so many characters. */
const PIECE = 1 << 20;

/** Where generated logs lie: a new folder under $F2B_BENCH_DIR or the system's for temporary files. */
export class LogFolder {
  readonly path = mkdtempSync(join(process.env.F2B_BENCH_DIR ?? tmpdir(), "f2b-bench-"));

  /** Path of a log of so many lines, generated unless it is there. */
  log(name: LogName, lines: number): string {
    const path = join(this.path, `${name}-${lines}.log`);
    if (existsSync(path)) return path;
    const fd = openSync(path, "wx");
    writeLog(fd, name, lines);
    closeSync(fd);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Writes so many lines. */
export function writeLog(fd: number, name: LogName, lines: number): void {
  let piece = "";
  let left = lines;
  for (const line of logLines(name)) {
    if (left-- === 0) break;
    piece += line;
    if (piece.length < PIECE) continue;
    writeAll(fd, piece);
    piece = "";
  }
  writeAll(fd, piece);
}

/** A pipe may take less than it is given. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
