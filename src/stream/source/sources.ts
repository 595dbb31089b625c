import type { Report } from "../../cli/report.ts";
import type { Source, SourceKind } from "../../protocol/tagged.ts";
import type { Jail } from "../../rules/rule.ts";
import type { InputWarnings } from "../health/input-warnings.ts";
import type { Format } from "../input/format.ts";
import { TaggedInput } from "../input/tagged-input.ts";
import { readsSource, sourceNamed } from "../jail/jail-view.ts";
import type { RunningJail } from "../jail/running-jail.ts";
import { LogSource, type SourceHost } from "./log-source.ts";
import { UnreadSources } from "./unread-sources.ts";

export interface SourcesOptions {
  /** Undefined: the first bytes, and the first line of each source, decide. */
  readonly format: Format | "tagged" | undefined;
  /** What stdin is, for jails that name a `logpath`. */
  readonly source: string | undefined;
  readonly report: Report;
  readonly warnings: InputWarnings;
  readonly host: SourceHost;
  /** Called after lines have come. */
  readonly onLines: () => void;
}

/** How many lines are looked at to find up to when the log was read. */
const FEW_LINES = 50;
/** A source without input for this time, in milliseconds, was read to its end. */
const QUIET = 60_000;
/** Most sources of one input: twice as many as f2b-tail reads unless asked to. Each takes some 300 KB. */
const MAX_SOURCES = 2048;

/** The sources of an input: the one that it is, or those that f2b-tail names. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #input: TaggedInput;
  /** By name; `undefined` for the one source of an input that names none. */
  readonly #sources = new Map<string | undefined, LogSource>();
  /** All that f2b-tail reads. */
  #named: readonly Source[] = [];
  readonly #unread: UnreadSources;
  /** The jails at work, and all jails of the rules. */
  #running: readonly RunningJail[] = [];
  #jails: readonly Jail[] = [];
  /** Entries of sources that are gone. */
  #judgedBefore = 0;

  constructor(options: SourcesOptions) {
    this.#options = options;
    this.#unread = new UnreadSources(options.report);
    const { format, source, warnings } = options;
    this.#input = new TaggedInput(
      {
        onTagged: () => warnings.sourceNamed(source),
        onPlain: (bytes) => this.#push(undefined, bytes),
        onSources: (sources) => this.#name(sources),
        onLines: (name, bytes) => this.#push(name, bytes),
        onCut: (name) => this.#sources.get(name)?.cut(),
        onError: (message) => warnings.badHeader(message),
      },
      format === undefined ? undefined : format === "tagged",
    );
  }

  /** What each line is; `tagged`: that depends on its source; undefined: there was no line yet. */
  get format(): Format | "tagged" | undefined {
    if (this.#input.isTagged) return "tagged";
    const source = this.#sources.get(undefined);
    return source ? source.format : this.#formatOf(undefined);
  }

  /** Those that lines came from. */
  get list(): readonly LogSource[] {
    return [...this.#sources.values()];
  }

  /** Entries looked at in full. */
  get judged(): number {
    return this.list.reduce((sum, { judged }) => sum + judged, this.#judgedBefore);
  }

  /**
   * Up to when the log was read, in epoch milliseconds: of each source, the earlier of its last two dated lines, since one may be wrong; of
   * several, the one that is farthest behind, unless it is quiet. Undefined: unknown, or the last lines have no date.
   */
  readUpTo(now: number): number | undefined {
    const known = this.list.filter(({ format }) => format !== undefined);
    const busy = known.filter(({ lastInput }) => now - lastInput < QUIET);
    const times = (busy.length > 0 ? busy : known)
      .map((source) => source.lastTimes(FEW_LINES))
      .filter(({ length }) => length > 0)
      .map((last) => Math.min(...last));
    if (times.length === 0) return undefined;
    return busy.length > 0 ? Math.min(...times) : Math.max(...times);
  }

  /** Sets the jails. @param jails all of the rules, those that are not at work too */
  use(running: readonly RunningJail[], jails: readonly Jail[]): void {
    this.#running = running;
    this.#jails = jails;
    for (const source of this.list) source.use(this.#jailsOf(source.name));
    this.#tellUnread();
  }

  /** Takes the next bytes of the input. */
  push(chunk: Buffer): void {
    this.#input.push(chunk);
  }

  /** Ends the input: an unfinished line is a line, save in one that f2b-tail has written, which was killed then. */
  end(): void {
    this.#input.end();
    this.#sources.get(undefined)?.end();
    this.settle();
  }

  /** Counts the failures that wait for their time to be known. */
  settle(): void {
    for (const source of this.list) source.settle();
  }

  /** Headers alone are no input: f2b-tail writes one now and then to see that its reader is still there. */
  #push(name: string | undefined, bytes: Buffer): void {
    this.#sourceOf(name)?.push(bytes);
    this.#options.onLines();
  }

  #name(sources: readonly Source[]): void {
    this.#named = sources;
    const names = new Set<string | undefined>(sources.map(({ name }) => name));
    for (const [name, source] of this.#sources) {
      if (names.has(name)) continue;
      source.settle();
      this.#judgedBefore += source.judged;
      this.#sources.delete(name);
    }
    this.#tellUnread();
  }

  /** The source of this name, which begins with its first bytes; undefined: there are too many. */
  #sourceOf(name: string | undefined): LogSource | undefined {
    const known = this.#sources.get(name);
    if (known) return known;
    const { warnings, host, source: stdin } = this.#options;
    if (this.#sources.size >= MAX_SOURCES) {
      warnings.tooManySources(MAX_SOURCES);
      return undefined;
    }
    const source = new LogSource(name, this.#formatOf(name), host);
    this.#sources.set(name, source);
    source.use(this.#jailsOf(name));
    if (name === undefined && stdin === undefined) this.#unread.checkUnnamed(this.#jails);
    return source;
  }

  /** The format of a source where it is known before its first line. */
  #formatOf(name: string | undefined): Format | undefined {
    const { format } = this.#options;
    if (name !== undefined) return this.#kindOf(name) === "journal" ? "journal" : undefined;
    return format === "tagged" ? undefined : format;
  }

  #jailsOf(name: string | undefined): readonly RunningJail[] {
    const source = name === undefined ? undefined : { name, kind: this.#kindOf(name) };
    return this.#running.filter(({ jail }) => readsSource(jail, source));
  }

  #kindOf(name: string): SourceKind {
    return this.#named.find((source) => source.name === name)?.kind ?? "file";
  }

  #tellUnread(): void {
    const stdin = sourceNamed(this.#options.source);
    this.#unread.check(this.#input.isTagged ? this.#named : stdin ? [stdin] : [], this.#jails);
  }
}
