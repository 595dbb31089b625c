import {
  closeSync,
  copyFileSync,
  existsSync,
  futimesSync,
  openSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Report } from "../../src/cli/report.ts";
import { formatGreeting, formatTaggedHeader } from "../../src/protocol/tagged.ts";
import type { Block } from "../../src/tail/block.ts";
import { FileSource } from "../../src/tail/file-source.ts";
import type { Mark } from "../../src/tail/generation.ts";
import { Registry } from "../../src/tail/registry.ts";
import { partsFromStart } from "../../src/tail/since.ts";
import { readTagged } from "./tagged-reader.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

/** A log that a daemon writes and logrotate rotates, and one f2b-tail that reads it, step by step. */
export class TailModel {
  readonly #log: string;
  #fd: number;
  /** The file that was renamed last, while its daemon still has it open. */
  #oldFd: number | undefined;
  #written = 0;
  #parts = 0;
  #unfinished = "";
  #now = 0;
  /** Each change has its own time: those of a file system are as coarse as 4 ms. */
  #changes = 1_800_000_000;
  #source: FileSource | undefined;
  #registry = new Registry();
  /** What the state has. */
  #saved: { marks: readonly Mark[]; read: readonly Mark[] } | undefined;
  /** Blocks that were given and not taken. */
  #given: Block[] = [];
  readonly #out: Buffer[] = [];
  readonly messages: string[] = [];

  constructor(folder: string) {
    this.#log = join(folder, "x.log");
    this.#fd = openSync(this.#log, "a");
    this.start();
  }

  /** Writes some lines, and perhaps a piece of the next one. */
  append(lines: number, isCut: boolean): void {
    for (let i = 0; i < lines; i++) this.#write(this.#fd, this.#nextLine());
    if (!isCut) return;
    const line = this.#nextLine();
    writeSync(this.#fd, this.#unfinished + line.slice(0, 5));
    this.#unfinished = line.slice(5);
    this.#touch(this.#fd);
  }

  /** The file gets another name; its daemon writes on until it opens a new one. */
  rename(lateLines: number): void {
    renameSync(this.#log, this.#nextPart());
    for (let i = 0; i < lateLines; i++) this.#write(this.#fd, this.#nextLine());
    this.#finishLine();
    if (this.#oldFd !== undefined) closeSync(this.#oldFd);
    this.#oldFd = this.#fd;
    this.#fd = openSync(this.#log, "a");
    this.#touch(this.#fd);
  }

  /** A thread of the daemon still writes to the file that was renamed. */
  appendLate(): void {
    if (this.#oldFd !== undefined) this.#write(this.#oldFd, this.#nextLine(), "");
  }

  copyTruncate(): void {
    this.#finishLine();
    const part = this.#nextPart();
    copyFileSync(this.#log, part);
    this.#touch(part);
    truncateSync(this.#log, 0);
    this.#touch(this.#fd);
  }

  /** f2b-tail looks at its files. */
  look(): void {
    this.#source?.check();
    this.#now += 1_000;
    this.#source?.closeQuiet();
  }

  /** f2b-tail reads a block, whose first bytes reach the reader; the rest when it is taken. */
  read(): void {
    this.take();
    const block = this.#source?.next();
    if (block === undefined || block.at === undefined) return;
    if (!block.isNoted) this.save();
    this.#out.push(Buffer.from(formatTaggedHeader(TOKEN, { source: block.source, ...block.at })));
    this.#out.push(Buffer.from(block.bytes));
    this.#given.push(block);
  }

  take(): void {
    for (const block of this.#given) block.taken();
    this.#given = [];
  }

  save(): void {
    if (this.#source === undefined) return;
    this.#saved = structuredClone({ marks: this.#source.marks, read: this.#registry.read });
    this.#source.noted();
  }

  /** Nothing is written any more; of the last block so much less. */
  kill(lessBytes: number): void {
    this.#source?.close();
    this.#source = undefined;
    const last = this.#given.length > 0 ? this.#out.pop() : undefined;
    if (last) this.#out.push(last.subarray(0, Math.max(0, last.length - lessBytes)));
    this.#given = [];
  }

  start(): void {
    if (this.#source) return;
    this.#registry = new Registry(this.#saved?.read);
    const buffer = Buffer.alloc(4096);
    this.#source = new FileSource(this.#log, {
      report: new Report("f2b-tail", (message) => this.messages.push(message)),
      registry: this.#registry,
      maxLine: 200,
      endsLastLine: false,
      buffer: () => buffer,
      now: () => this.#now,
      changed: () => undefined,
    });
    this.#out.push(Buffer.from(formatGreeting(TOKEN)));
    if (this.#saved) this.#source.restore(this.#saved.marks);
    else this.#source.begin(partsFromStart);
    this.save();
  }

  /** Lets f2b-tail read all there is. Gives what its reader has, and what was written. */
  end(): { read: readonly string[]; written: readonly string[] } {
    this.#finishLine();
    this.start();
    for (let round = 0; round < 3; round++) {
      this.#source?.check();
      for (let length = -1; length !== this.#out.length; ) {
        length = this.#out.length;
        this.read();
        this.take();
      }
    }
    this.#source?.close();
    closeSync(this.#fd);
    if (this.#oldFd !== undefined) closeSync(this.#oldFd);
    const read = readTagged(Buffer.concat(this.#out)).get(this.#log)?.lines ?? [];
    return {
      read,
      written: Array.from({ length: this.#written }, (_, number) => lineOf(number).slice(0, -1)),
    };
  }

  #nextLine(): string {
    return lineOf(this.#written++);
  }

  #nextPart(): string {
    let path: string;
    do path = `${this.#log}-${20260000 + ++this.#parts}`;
    while (existsSync(path));
    return path;
  }

  #write(fd: number, line: string, before = this.#unfinished): void {
    writeSync(fd, before + line);
    if (before !== "") this.#unfinished = "";
    this.#touch(fd);
  }

  #touch(file: number | string): void {
    const time = this.#changes++;
    if (typeof file === "number") futimesSync(file, time, time);
    else utimesSync(file, time, time);
  }

  #finishLine(): void {
    if (this.#unfinished !== "") this.#write(this.#fd, "");
  }
}

function lineOf(number: number): string {
  return `line ${number} ${"x".repeat((number * 7) % 40)}\n`;
}
