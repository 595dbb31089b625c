import { basename, dirname } from "node:path";
import type { Clock } from "../shared/clock.ts";
import { toJson } from "../shared/invisible.ts";
import { plural } from "../shared/plural.ts";
import { type FileContext, FileSource, type FirstParts } from "./file-source.ts";
import { atOffset, type Mark } from "./generation.ts";
import { expand, type FilePattern } from "./patterns.ts";
import { FolderWatcher } from "./watcher.ts";

export interface FileSetOptions {
  readonly patterns: readonly FilePattern[];
  readonly context: FileContext;
  /** Monotonic. */
  readonly clock: Clock;
  /** What to read of files that are there at the start, and that no state knows. */
  readonly first: FirstParts;
  /** What the last run knew, by the name of the source. */
  readonly marks: ReadonlyMap<string, readonly Mark[]>;
  /** Patterns of the last run: what they match now, and was not there then, is new. */
  readonly knownPatterns: ReadonlySet<string>;
  readonly maxFiles: number;
  /** True: files are looked at every second, without inotify. */
  readonly polls: boolean;
  /** There may be something to read. */
  readonly onReady: (source: FileSource) => void;
}

/** How often everything is looked at, in milliseconds: where inotify tells of changes, where it can't, and while an old file is open. */
const CHECK = 5_000;
const POLL = 1_000;
/** Patterns are looked up again this long after a change in a folder, in milliseconds. */
const RESCAN = 50;
/** Most bytes of names in the list of sources, which is one header. */
const MAX_NAMES_LENGTH = 900_000;

/** The files that the patterns stand for, as they come and go. */
export class FileSet {
  readonly #options: FileSetOptions;
  readonly #sources = new Map<string, FileSource>();
  readonly #watcher: FolderWatcher;
  /** The sources whose file has a name in a folder, by `folder/name`. */
  #byPath = new Map<string, FileSource[]>();
  /** The sources with files in a folder. */
  #byFolder = new Map<string, Set<FileSource>>();
  #namesLength = 0;
  #isStarted = false;
  /** Whether the next look at everything comes soon. */
  #isOften = false;
  #cancelPoll = (): void => undefined;
  #cancelRescan: (() => void) | undefined;
  readonly #emptyPatterns = new Set<string>();
  /** Files that are left alone, as was told. */
  readonly #leftAlone = new Set<string>();

  constructor(options: FileSetOptions) {
    this.#options = options;
    const { report } = options.context;
    this.#watcher = new FolderWatcher(report, options.polls, (folder, name, isNew) =>
      this.#happened(folder, name, isNew),
    );
  }

  /** In the order in which they were found. */
  get sources(): readonly FileSource[] {
    return [...this.#sources.values()];
  }

  get openFiles(): number {
    let count = 0;
    for (const source of this.#sources.values()) count += source.files;
    return count;
  }

  /** Patterns and files that don't match anything now. */
  get awaited(): readonly string[] {
    const files = this.sources.filter(({ isGone }) => isGone).map(({ name }) => name);
    return [...files, ...this.#emptyPatterns];
  }

  get leftAlone(): readonly string[] {
    return [...this.#leftAlone];
  }

  /** Opens what is there. */
  open(): void {
    for (const pattern of this.#options.patterns) this.#find(pattern);
    this.#isStarted = true;
  }

  /** From now on `onReady` is called. */
  follow(): void {
    this.#watch();
    // What came between the opening and the watch.
    this.#checkAll();
    this.#armPoll();
  }

  close(): void {
    this.#cancelPoll();
    this.#cancelRescan?.();
    this.#watcher.close();
    for (const source of this.#sources.values()) source.close();
  }

  #find(pattern: FilePattern): void {
    if (!pattern.isGlob) {
      this.#add(pattern.path, pattern);
      return;
    }
    const { paths, leftAlone } = expand(pattern);
    for (const path of paths) this.#add(path, pattern);
    for (const path of leftAlone) this.#tellLeftAlone(path);
    if (paths.length > 0) this.#emptyPatterns.delete(pattern.path);
    else this.#emptyPatterns.add(pattern.path);
  }

  #tellLeftAlone(path: string): void {
    if (this.#leftAlone.has(path) || this.#leftAlone.size >= this.#options.maxFiles) return;
    this.#leftAlone.add(path);
    this.#options.context.report.detail(`${path}: compressed, or an old part of another file: left alone`);
  }

  #add(path: string, pattern: FilePattern): void {
    if (this.#sources.has(path)) return;
    const { maxFiles, context, marks, knownPatterns, first } = this.#options;
    const length = Buffer.byteLength(toJson({ name: path, kind: "file" })) + 1;
    if (this.#sources.size >= maxFiles || this.#namesLength + length > MAX_NAMES_LENGTH) {
      const isTold = context.report.rareWarning(
        "files",
        `${path}: not read: there are ${this.#sources.size} files`,
      );
      if (isTold) context.report.hint("--max-files raises the bound");
      return;
    }
    this.#namesLength += length;
    const source = new FileSource(path, context);
    this.#sources.set(path, source);
    const known = marks.get(path);
    if (known && !this.#isStarted) source.restore(known);
    else if (this.#isStarted || knownPatterns.has(pattern.path))
      source.begin((file) => [{ file, from: atOffset(file.id) }]);
    else source.begin(first);
    if (this.#isStarted && source.isOpen) context.report.detail(`${path}: is there, and is read`);
    this.#options.onReady(source);
    context.changed();
  }

  #watch(): void {
    this.#byPath = new Map();
    this.#byFolder = new Map();
    const folders = new Set<string>();
    for (const source of this.#sources.values()) {
      for (const path of new Set([source.name, source.realPath])) {
        const folder = dirname(path);
        folders.add(folder);
        this.#byPath.set(path, [...(this.#byPath.get(path) ?? []), source]);
        this.#byFolder.set(folder, (this.#byFolder.get(folder) ?? new Set()).add(source));
      }
    }
    for (const pattern of this.#options.patterns) {
      if (pattern.isGlob) for (const folder of expand(pattern).folders) folders.add(folder);
    }
    this.#watcher.watch(folders);
  }

  #happened(folder: string, name: string | undefined, isNew: boolean): void {
    const sources =
      name === undefined ? undefined : this.#byPath.get(`${folder === "/" ? "" : folder}/${name}`);
    for (const source of sources ?? []) {
      if (isNew) source.check();
      this.#options.onReady(source);
    }
    // An old file is written to under its new name.
    for (const source of this.#byFolder.get(folder) ?? []) if (source.hasOld) this.#options.onReady(source);
    if (!isNew) return;
    if (name === undefined || name === basename(folder)) this.#checkAll();
    this.#cancelRescan ??= this.#options.clock.after(RESCAN, () => this.#rescan());
    if (!this.#isOften && this.#needsOften) this.#armPoll();
  }

  get #needsOften(): boolean {
    return this.#watcher.needsPolling || this.sources.some(({ hasOld }) => hasOld);
  }

  #rescan(): void {
    this.#cancelRescan = undefined;
    for (const pattern of this.#options.patterns) if (pattern.isGlob) this.#find(pattern);
    this.#forget();
    this.#watch();
  }

  /** A file that a glob matched, and that is gone for good, is no source any more. */
  #forget(): void {
    const named = new Set(this.#options.patterns.filter(({ isGlob }) => !isGlob).map(({ path }) => path));
    for (const [path, source] of this.#sources) {
      if (!source.isGone || named.has(path)) continue;
      this.#sources.delete(path);
      this.#namesLength -= Buffer.byteLength(toJson({ name: path, kind: "file" })) + 1;
      this.#options.context.changed();
    }
  }

  #checkAll(): void {
    for (const source of this.#sources.values()) {
      source.check();
      this.#options.onReady(source);
    }
  }

  #armPoll(): void {
    this.#cancelPoll();
    this.#isOften = this.#needsOften;
    this.#cancelPoll = this.#options.clock.after(this.#isOften ? POLL : CHECK, () => this.#poll());
  }

  #poll(): void {
    this.#watcher.check();
    for (const source of this.#sources.values()) source.closeQuiet();
    this.#checkAll();
    this.#rescan();
    this.#armPoll();
  }
}

/** What the set follows, for people. */
export function describe(set: FileSet): string {
  const open = set.sources.filter(({ isOpen }) => isOpen).length;
  const parts = [plural(open, "file")];
  if (set.awaited.length > 0) parts.push(`waits for ${set.awaited.length} more`);
  if (set.leftAlone.length > 0)
    parts.push(`leaves ${plural(set.leftAlone.length, "compressed or old one")} alone`);
  return parts.join(", ");
}
