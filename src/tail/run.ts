import type { Readable } from "node:stream";
import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import type { Clock } from "../shared/clock.ts";
import type { Block, BlockSource } from "./block.ts";
import { describe, FileSet } from "./file-set.ts";
import type { FileContext, FirstParts } from "./file-source.ts";
import { InTurn } from "./in-turn.ts";
import { JournalSource } from "./journal-source.ts";
import { statIfThere } from "./old-parts.ts";
import { type Options, unionOf } from "./options.ts";
import { type Output, PlainOutput, TaggedOutput } from "./output.ts";
import { type FilePattern, filePattern } from "./patterns.ts";
import { Pump } from "./pump.ts";
import { Registry } from "./registry.ts";
import type { SavedState } from "./saved-state.ts";
import { lineTimes, partsAtEnd, partsFromStart, partsSince } from "./since.ts";
import { newToken, State } from "./state.ts";
import { FifoSource, StdinSource, type StreamContext } from "./stream-source.ts";

/** The process around it. */
export interface Surroundings {
  readonly report: Report;
  /** Monotonic; its timers keep the process alive. */
  readonly clock: Clock;
  readonly stdin: () => Readable;
  /** A descriptor. */
  readonly stdout: number;
  readonly isTerminal: boolean;
  readonly isPipe: boolean;
  /** Calls `stop` when the program is asked to end. */
  readonly onSignals: (stop: () => void) => void;
}

/** Bytes read at a time, if the longest line leaves it at that. */
const BLOCK = 524_288;
/** Milliseconds of silence after which something is written, so that a dead reader shows. */
const BEAT = 30_000;
/** Places of a source of which something was written and not saved. The reader knows as many, and one more. */
const MOST_UNSAVED = 3;
/** How long the reader may take for the last block, in milliseconds. */
const PATIENCE = 5_000;

/** What is to be read. */
interface Asked {
  readonly patterns: readonly FilePattern[];
  readonly fifos: readonly string[];
  readonly stdin: boolean;
  readonly journal: readonly string[] | undefined;
}

/**
 * Writes the lines of all sources until it is asked to stop, all have ended, or stdout's reader is gone. Gives the exit status.
 *
 * @throws UsageError
 * @throws RulesError
 * @throws StateError
 */
export async function tail(options: Options, around: Surroundings): Promise<number> {
  const asked = await readAsked(options, around.report);
  const state =
    options.state === undefined ? undefined : await State.open(options.state, around.clock, around.report);
  return new Tail(options, asked, around, state).run();
}

async function readAsked(options: Options, report: Report): Promise<Asked> {
  const operands = options.operands.filter((word) => word !== "-");
  for (const word of operands) {
    if (statIfThere(word)?.kind === "folder")
      throw new UsageError(
        `${word} is a directory: expected a file, or a pattern such as '${word.replace(/\/$/, "")}/*.log'`,
      );
  }
  const rules =
    options.rules.length === 0
      ? undefined
      : await (await import("./sources-of-rules.ts")).sourcesOfRules(options.rules, report);
  const journals = [options.journal, rules?.journal].filter((each) => each !== undefined);
  const isFifo = (word: string) => statIfThere(word)?.kind === "fifo";
  const words = [...operands.filter((word) => !isFifo(word)), ...(rules?.files ?? [])];
  const patterns = new Map(words.map(filePattern).map((pattern) => [pattern.path, pattern]));
  return {
    patterns: [...patterns.values()],
    fifos: operands.filter(isFifo),
    stdin: options.operands.includes("-"),
    journal: journals.length === 0 ? undefined : unionOf(journals),
  };
}

/** All sources, and their way to stdout. */
class Tail {
  readonly #options: Options;
  readonly #around: Surroundings;
  readonly #state: State | undefined;
  readonly #output: Output;
  readonly #pump: Pump;
  readonly #registry: Registry;
  readonly #files: FileSet;
  /** Those that are no files. */
  readonly #streams: BlockSource[] = [];
  readonly #fifos: FifoSource[] = [];
  #journal: JournalSource | undefined;
  readonly #asked: Asked;
  /** By source the places of which something was written since the state was saved. */
  readonly #unsaved = new Map<string, Set<string>>();
  #cancelPatience = (): void => undefined;
  /** What blocks are read into by turns: one is written while the other is read into. */
  readonly #buffers: readonly Buffer[];
  #turn = 0;

  constructor(options: Options, asked: Asked, around: Surroundings, state: State | undefined) {
    this.#options = options;
    this.#asked = asked;
    this.#around = around;
    this.#state = state;
    const { stdout, clock, isTerminal } = around;
    const isPlain = options.isPlain || isTerminal;
    const token = state?.saved.token ?? newToken();
    this.#output = isPlain
      ? new PlainOutput(stdout, clock, isTerminal)
      : new TaggedOutput(stdout, clock, token);
    this.#pump = new Pump({
      output: this.#output,
      clock,
      onNext: (block) => this.#note(block),
      onWriting: () => {
        this.#turn = 1 - this.#turn;
      },
      onTaken: () => state?.taken(),
      beat: around.isPipe && !isPlain && options.follows ? BEAT : 2 ** 31 - 1,
    });
    const size = Math.max(BLOCK, 2 * options.maxLine);
    this.#buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
    this.#registry = new Registry(state?.saved.read);
    this.#files = this.#fileSet();
  }

  async run(): Promise<number> {
    const { report, onSignals } = this.#around;
    this.#state?.connect(
      () => this.#saved(),
      () => this.#noted(),
    );
    let end: (status: number) => void = () => undefined;
    const isGivenUp = new Promise<number>((resolve) => {
      end = resolve;
    });
    onSignals(() => this.#stop(end));
    this.#open();
    try {
      const pumped = this.#pump.run(() => this.#isOver()).then(() => EXIT.OK);
      return await Promise.race([pumped, isGivenUp]);
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return EXIT.PIPE;
      if (syscall !== "write" && syscall !== "writev") throw error;
      report.error(`stdout: ${message}`);
      return EXIT.IO;
    } finally {
      await this.#close();
    }
  }

  #fileSet(): FileSet {
    const { begin, maxFiles, maxLine, polls, follows } = this.#options;
    const { report, clock } = this.#around;
    const saved = this.#state?.saved;
    const context: FileContext = {
      report,
      registry: this.#registry,
      maxLine,
      endsLastLine: this.#state === undefined,
      buffer: () => this.#buffers[this.#turn] as Buffer,
      now: () => clock.now(),
      changed: () => this.#changed(),
    };
    return new FileSet({
      patterns: this.#asked.patterns,
      context,
      clock,
      first: firstParts(begin),
      marks: new Map(saved?.files.map(({ name, marks }) => [name, marks])),
      knownPatterns: new Set(saved?.patterns),
      maxFiles,
      polls,
      onReady: (source) => {
        if (follows) this.#pump.ready(source);
      },
    });
  }

  #open(): void {
    const { report, stdin, clock } = this.#around;
    const { maxLine, follows, begin } = this.#options;
    this.#files.open();
    const context: StreamContext = { report, clock, maxLine, onReady: (source) => this.#pump.ready(source) };
    if (this.#asked.stdin) this.#streams.push(new StdinSource(stdin(), context));
    for (const path of this.#asked.fifos) this.#fifos.push(new FifoSource(path, context, !follows));
    const { journal: matches } = this.#asked;
    if (matches !== undefined) {
      const saved = this.#state?.saved.journal;
      const changed = () => this.#state?.touch();
      this.#journal = new JournalSource({ matches, begin, saved, follows, changed }, context);
      this.#streams.push(this.#journal);
    }
    this.#streams.push(...this.#fifos);
    this.#tell();
    this.#state?.save();
    this.#changed();
    if (follows) this.#files.follow();
    else this.#pump.ready(new InTurn(this.#files.sources));
    for (const fifo of this.#fifos) fifo.open();
    this.#journal?.open();
  }

  #tell(): void {
    const { report } = this.#around;
    const parts = [
      ...(this.#asked.patterns.length > 0 ? [describe(this.#files)] : []),
      ...this.#streams.map(({ name, kind }) => (kind === "stdin" ? "stdin" : name)),
    ];
    report.line(`${this.#options.follows ? "follows" : "reads"} ${parts.join(", ")}`);
    for (const { name, isOpen } of this.#files.sources) if (isOpen) report.detail(`reads ${name}`);
    for (const name of this.#files.awaited) report.warning(`${name}: nothing is there yet; waiting for it`);
  }

  /** Sources, or what a state keeps of them, have changed. */
  #changed(): void {
    this.#state?.touch();
    this.#pump.tellSources(() => {
      const sources = [...this.#files.sources, ...this.#streams];
      this.#output.setSources(sources.map(({ name, kind }) => ({ name, kind })));
    });
  }

  #isOver(): boolean {
    const { follows } = this.#options;
    const filesAreOver = !follows || this.#asked.patterns.length === 0;
    return filesAreOver && this.#streams.every(({ isOver }) => isOver);
  }

  #saved(): SavedState {
    return {
      token: this.#state?.saved.token ?? "",
      patterns: this.#asked.patterns.map(({ path }) => path),
      files: this.#files.sources.map(({ name, marks }) => ({ name, marks })),
      read: this.#registry.read,
      journal: this.#journal?.saved ?? this.#state?.saved.journal,
    };
  }

  /** Saves where all sources are before a block that the reader could not tell from new ones if it came again after a kill. */
  #note({ source, at, isNoted }: Block): void {
    if (this.#state === undefined || at === undefined) return;
    const places = this.#unsaved.get(source) ?? new Set();
    if (!isNoted || (places.size >= MOST_UNSAVED && !places.has(at.place))) this.#state.save();
    this.#unsaved.set(source, (this.#unsaved.get(source) ?? new Set()).add(at.place));
  }

  #noted(): void {
    this.#unsaved.clear();
    for (const source of this.#files.sources) source.noted();
    if (this.#journal) this.#journal.isNoted = true;
  }

  /** The block that is being written is finished, if its reader takes it. */
  #stop(end: (status: number) => void): void {
    this.#pump.stop();
    this.#cancelPatience = this.#around.clock.after(PATIENCE, () => end(EXIT.OK));
  }

  async #close(): Promise<void> {
    this.#cancelPatience();
    await this.#state?.end();
    this.#files.close();
    for (const fifo of this.#fifos) fifo.close();
    this.#journal?.close();
  }
}

function firstParts(begin: Options["begin"]): FirstParts {
  if (begin === "end") return partsAtEnd;
  if (begin === "start") return partsFromStart;
  return partsSince(begin, lineTimes(Date.now()));
}
