import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { printable } from "../cli/report.ts";
import type { Block, BlockSource } from "./block.ts";
import { newPlace } from "./generation.ts";
import type { LineStream } from "./line-stream.ts";
import type { SavedJournal } from "./saved-state.ts";
import { linesOf, type StreamContext } from "./stream-source.ts";

export interface JournalOptions {
  /** journalctl's matches, checked; empty: all entries. */
  readonly matches: readonly string[];
  /** What to read first: nothing that is there, all, or from a time on, in epoch milliseconds. */
  readonly begin: "end" | "start" | number;
  /** What a state knows. */
  readonly saved: SavedJournal | undefined;
  /** False: it ends with what is there. */
  readonly follows: boolean;
  /** What a state keeps has changed. */
  readonly changed: () => void;
}

/** Where journalctl begins to read. */
type Start = { readonly cursor: string } | { readonly since: number } | "start";

/** Milliseconds until journalctl is started again: at first, and at most. Both after it ran for `STEADY`. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const STEADY = 60_000;
/** Groups whose members see the whole journal. */
const READERS = ["systemd-journal", "adm", "wheel"];

/** The name of a journal as a source. */
function journalName(matches: readonly string[]): string {
  return ["journal", ...matches].join(" ");
}

/** The journal, by way of a journalctl that is started again when it ends. */
export class JournalSource implements BlockSource {
  readonly name: string;
  readonly kind = "journal";
  readonly #context: StreamContext;
  readonly #options: JournalOptions;
  #isOver = false;
  #isClosed = false;
  #child: ChildProcess | undefined;
  #lines: LineStream | undefined;
  /** What the offsets are in: all bytes of entries since some start. */
  readonly #place: string;
  /** Bytes given. */
  #offset: number;
  isNoted: boolean;
  /** The last entry given, the last one taken. */
  #given: SavedJournal;
  #taken: SavedJournal;
  #delay = FIRST_DELAY;
  #started = 0;
  #hasWritten = false;
  /** True: the cursor was not understood. */
  #isCursorBad = false;
  #cancel = (): void => undefined;

  constructor(options: JournalOptions, context: StreamContext) {
    const { matches, saved } = options;
    this.name = journalName(matches);
    this.#options = options;
    this.#context = context;
    const isSame = saved?.name === this.name;
    this.#place = isSame ? saved.place : newPlace("journal");
    this.#offset = isSame ? saved.offset : 0;
    this.isNoted = isSame;
    const since = {
      name: this.name,
      place: this.#place,
      offset: this.#offset,
      time: String(Date.now() * 1000),
    };
    this.#given = this.#taken = saved
      ? { ...since, ...saved, name: this.name, place: this.#place, offset: this.#offset }
      : since;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a state keeps. */
  get saved(): SavedJournal {
    return this.#taken;
  }

  open(): void {
    if (process.getuid?.() !== 0 && !isReader()) {
      this.#context.report.warning("the journal: only entries of this user are seen");
      this.#context.report.hint(`run with the group systemd-journal: usermod -aG systemd-journal USER`);
    }
    this.#start();
  }

  next(): Block | undefined {
    const bytes = this.#lines?.read();
    if (bytes === undefined) {
      if (!this.#options.follows && this.#lines?.isOver) this.#isOver = true;
      return undefined;
    }
    this.#hasWritten = true;
    const at = { place: this.#place, offset: this.#offset };
    this.#offset += bytes.length;
    const given = { ...this.#given, ...lastEntry(bytes), offset: this.#offset };
    this.#given = given;
    return {
      source: this.name,
      at,
      bytes,
      isNoted: this.isNoted,
      taken: () => {
        this.#taken = given;
      },
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#child?.kill();
  }

  #start(): void {
    const child = spawn("journalctl", journalArgs(this.#startPoint(), this.#options), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#started = this.#context.clock.now();
    this.#hasWritten = false;
    this.#lines = linesOf(child.stdout, this, this.#context);
    createInterface({ input: child.stderr }).on("line", (line) =>
      this.#context.report.rareWarning("journalctl", `journalctl: ${printable(line)}`),
    );
    let failure: NodeJS.ErrnoException | undefined;
    child.on("error", (error) => {
      failure = error;
    });
    child.on("close", (status, signal) => this.#ended(failure?.code ?? status ?? signal));
  }

  #startPoint(): Start {
    const { cursor, time } = this.#given;
    if (cursor !== undefined && !this.#isCursorBad) return { cursor };
    if (cursor !== undefined || this.#options.saved) return { since: Number(time) / 1000 };
    const { begin } = this.#options;
    if (typeof begin === "number") return { since: begin };
    // The end is where the journal ended when f2b-tail began, not where it ends when journalctl has found it.
    return begin === "end" ? { since: Number(time) / 1000 } : begin;
  }

  #ended(how: string | number | null): void {
    if (this.#isClosed) return;
    const { report, clock, onReady } = this.#context;
    onReady(this);
    if (!this.#options.follows && how === 0) return;
    if (!this.#options.follows) {
      report.error(how === "ENOENT" ? "journalctl is not installed" : `journalctl ended with ${how}`);
      this.#isOver = true;
      return;
    }
    const isSteady = clock.now() - this.#started >= STEADY;
    if (isSteady || this.#hasWritten) this.#delay = FIRST_DELAY;
    else if (how !== "ENOENT" && this.#given.cursor !== undefined) this.#isCursorBad = true;
    const why = how === "ENOENT" ? "journalctl is not installed" : `journalctl ended with ${how}`;
    report.warning(`${why}: starting it again in ${this.#delay / 1000} s`);
    this.#cancel = clock.after(this.#delay, () => this.#start());
    this.#delay = Math.min(2 * this.#delay, LONGEST_DELAY);
  }
}

function journalArgs(start: Start, { matches, follows }: JournalOptions): readonly string[] {
  const args = ["-q", "-a", ...(follows ? ["-f"] : []), "-o", "json"];
  if (follows) args.push("--no-tail");
  if (start === "start") return [...args, ...matches];
  if ("cursor" in start) return [...args, `--after-cursor=${start.cursor}`, ...matches];
  return [...args, `--since=@${(start.since / 1000).toFixed(3)}`, ...matches];
}

/** Cursor and time of the last of some whole lines, if it is an entry. */
function lastEntry(bytes: Buffer): Pick<SavedJournal, "cursor" | "time"> | undefined {
  const start = bytes.lastIndexOf(10, -2) + 1;
  try {
    const entry = JSON.parse(bytes.toString("utf8", start)) as Record<string, unknown>;
    const { __CURSOR: cursor, __REALTIME_TIMESTAMP: time } = entry;
    return typeof cursor === "string" && typeof time === "string" ? { cursor, time } : undefined;
  } catch {
    return undefined;
  }
}

function isReader(): boolean {
  try {
    const own = new Set(process.getgroups?.() ?? []);
    const groups = readFileSync("/etc/group", "utf8")
      .split("\n")
      .map((line) => line.split(":"));
    return groups.some(([name = "", , gid]) => READERS.includes(name) && own.has(Number(gid)));
  } catch {
    return true;
  }
}
