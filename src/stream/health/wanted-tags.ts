import { printable } from "../../cli/report.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";

/** So many sampled lines in a row with tags that no jail wants: this is not the log that the rules are for. */
const UNWANTED = 50;
/** Most tags that are shown, and the longest list of them, in characters. */
const SHOWN = 8;
const LONGEST_LIST = 200;
/** Most tags that are counted. */
const COUNTED = 100;

/** Notices that no line has a tag that some jail wants. */
export class WantedTags {
  /** Undefined: some jail wants lines whatever their tag is. */
  #wanted: ReadonlySet<string> | undefined;
  #samples = 0;
  readonly #seen = new Map<string, number>();

  /** Sets the jails that read the log. */
  use(jails: readonly CompiledJail[]): void {
    const identifiers = jails.filter(({ jail }) => jail.on === "log").map(({ jail }) => jail.identifier);
    const all = identifiers.filter((each) => each !== undefined).flat();
    this.#wanted = all.length > 0 && !identifiers.includes(undefined) ? new Set(all) : undefined;
    this.reset();
  }

  /** Whether too many lines in a row were unwanted. */
  get isUnwanted(): boolean {
    return this.#samples >= UNWANTED;
  }

  /** Begins to count anew: some line had a tag that a jail wants. */
  reset(): void {
    this.#samples = 0;
    this.#seen.clear();
  }

  /**
   * Takes the tag of a sampled line; undefined: it has none.
   *
   * @returns true: a jail wants it; a message, once, when too many in a row were unwanted
   */
  sample(tag: string | undefined): true | string | undefined {
    if (this.#wanted === undefined) return undefined;
    if (tag !== undefined && this.#wanted.has(tag)) {
      this.reset();
      return true;
    }
    if (tag === undefined || this.isUnwanted) return undefined;
    if (this.#seen.has(tag) || this.#seen.size < COUNTED) this.#seen.set(tag, (this.#seen.get(tag) ?? 0) + 1);
    return ++this.#samples === UNWANTED ? this.#message(this.#wanted) : undefined;
  }

  #message(wanted: ReadonlySet<string>): string {
    const seen = [...this.#seen].sort(([, a], [, b]) => b - a).map(([tag]) => tag);
    return `none of ${UNWANTED} sampled lines has a tag that a jail wants (${listed([...wanted])}); their tags are ${listed(seen)}`;
  }
}

function listed(tags: readonly string[]): string {
  const more = tags.length > SHOWN ? ", …" : "";
  return printable(tags.slice(0, SHOWN).join(", "), LONGEST_LIST) + more;
}
