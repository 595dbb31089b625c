import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** The size, in bytes, up to which the young generation may grow. V8 would let it grow to 32 MB, without any gain. */
const LARGEST = 8_000_000;
/** The size is checked at each of that many first chunks, and then after each that many. */
const CHUNKS = 64;
/** V8 13 is that of Node 24. Later versions may not know the flags, and would complain on stderr. */
const NEWEST_TRIED = 13;

/**
 * Keeps V8's young generation small, and new objects in it. Only node's command line can set its size, but V8 reads the growth
 * factor each time it grows. And where most objects of some code have once survived a scavenge, as sessions do, V8 allocates them
 * in the old generation from then on and marks its heap twice a second: that happens in one run of six, and costs a fifth of the time.
 */
export class YoungGeneration {
  #isDone = Number.parseInt(process.versions.v8, 10) > NEWEST_TRIED;
  #chunks = 0;

  /** To be called before the first chunk. From here on the young generation grows only in `watch`. */
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
