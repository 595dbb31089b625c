import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** So large, in bytes, the young generation may grow. V8 lets it grow to 32 MB, and nothing is faster for that. */
const LARGEST = 8_000_000;
/** Looked at for each of the first chunks, and then each time that so many were read. */
const CHUNKS = 64;
/** V8 13 is Node 24's. Later ones may not know the flags any more, and would say so on stderr. */
const NEWEST_TRIED = 13;

/**
 * Keeps V8's young generation small, and everything young in it. Its size is a flag that only the command line of node can set; but by
 * how much it grows, V8 asks each time. And where most of what some code made has once outlived a scavenge, as sessions do, V8 makes it
 * old from then on, and has to mark its heap twice a second: that happens in one run of six, which takes a fifth more time.
 */
export class YoungGeneration {
  #isDone = Number.parseInt(process.versions.v8, 10) > NEWEST_TRIED;
  #chunks = 0;

  /** To be called before the first chunk: from here on it grows when it is watched alone. */
  constructor() {
    if (this.#isDone) return;
    setFlagsFromString("--no-allocation-site-pretenuring");
    setFlagsFromString("--semi-space-growth-factor=1");
  }

  /** To be called for each chunk. */
  watch(): void {
    if (this.#isDone || (++this.#chunks > CHUNKS && this.#chunks % CHUNKS !== 0)) return;
    const size = getHeapSpaceStatistics().find((each) => each.space_name === "new_space")?.space_size ?? 0;
    this.#isDone = size >= LARGEST;
    setFlagsFromString(`--semi-space-growth-factor=${this.#isDone ? 1 : 2}`);
  }
}
