import type { Jail } from "../../rules/rule.ts";
import type { Evidence } from "../window/evidence.ts";
import { FindWindow } from "../window/window.ts";
import type { CompiledJail } from "./compile-jails.ts";
import { type IgnoreHost, IgnoreList } from "./ignore.ts";

/** What is counted for a jail, for `--stats` and `--metrics`. */
export interface RunningCounts {
  failures: number;
  ignored: number;
  bans: number;
  /** Bans written again because a banned address still logged failures. */
  repeats: number;
  unbans: number;
}

/** What a running jail needs of its surroundings. */
export interface JailHost extends IgnoreHost {
  /** Most addresses remembered. */
  readonly maxKeys: number;
  /** The lines of all jails' windows. */
  readonly evidence: Evidence;
}

/** A jail at work: its window, its ignore list and what is counted for it, whatever sources it reads. */
export class RunningJail {
  readonly window: FindWindow;
  readonly counts: RunningCounts = { failures: 0, ignored: 0, bans: 0, repeats: 0, unbans: 0 };
  readonly #host: JailHost;
  #compiled: CompiledJail;
  #ignore: IgnoreList;

  constructor(compiled: CompiledJail, host: JailHost) {
    this.#host = host;
    this.#compiled = compiled;
    this.window = new FindWindow({ ...compiled.jail, maxKeys: host.maxKeys }, host.evidence);
    this.#ignore = new IgnoreList(compiled.jail.ignore, host);
  }

  /** Takes new rules: the window stays. */
  reload(compiled: CompiledJail): void {
    this.#compiled = compiled;
    this.window.reload({ ...compiled.jail, maxKeys: this.#host.maxKeys });
    this.#ignore = new IgnoreList(compiled.jail.ignore, this.#host);
  }

  get jail(): Jail {
    return this.#compiled.jail;
  }

  get compiled(): CompiledJail {
    return this.#compiled;
  }

  get ignore(): IgnoreList {
    return this.#ignore;
  }
}
