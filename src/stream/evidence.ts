export interface EvidenceOptions {
  /** Most bytes of text held, over all jails; the lines of whoever was idle longest go first. */
  readonly maxBytes: number;
}

/** A line that made a failure. */
interface Line {
  readonly text: string;
  /** Epoch milliseconds of the failure. */
  readonly time: number;
}

/** A line's share of memory besides its text, in bytes. */
const LINE_OVERHEAD = 64;

/** Holds the lines that show why an address is about to be banned. */
export class Evidence {
  readonly #options: EvidenceOptions;
  /** By jail and address, the one idle longest first. */
  readonly #lines = new Map<string, readonly Line[]>();
  #bytes = 0;

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** Keeps the lines of a failure at `time` for `key`, at most the newest `maxmatches` of all it has. */
  add(key: string, lines: readonly string[], time: number, maxmatches: number): void {
    const before = this.#lines.get(key) ?? [];
    this.forget(key);
    const all = [...before, ...lines.map((text) => ({ text, time }))].slice(-maxmatches);
    if (maxmatches <= 0 || all.length === 0) return;
    this.#lines.set(key, all);
    this.#bytes += weight(all);
    while (this.#bytes > this.#options.maxBytes) this.#dropOldest();
  }

  /** The lines held for `key` of failures after `since`, oldest first; then all are forgotten. */
  take(key: string, since: number): readonly string[] {
    const lines = this.#lines.get(key) ?? [];
    this.forget(key);
    return lines.filter(({ time }) => time > since).map(({ text }) => text);
  }

  forget(key: string): void {
    const lines = this.#lines.get(key);
    if (lines === undefined) return;
    this.#bytes -= weight(lines);
    this.#lines.delete(key);
  }

  #dropOldest(): void {
    const [oldest] = this.#lines.keys();
    if (oldest !== undefined) this.forget(oldest);
  }
}

/** Strings beyond Latin-1 take two bytes a character; counted as if all did. */
function weight(lines: readonly Line[]): number {
  return lines.reduce((sum, { text }) => sum + text.length * 2 + LINE_OVERHEAD, 0);
}
