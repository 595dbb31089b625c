import type { Report } from "../../cli/report.ts";
import { tellRuleErrors } from "../../rules/report-mistakes.ts";
import type { RuleError } from "../../rules/rule.ts";
import type { Tally } from "../ban/failure-counter.ts";
import type { CompiledJail } from "../jail/jail.ts";

/** What came of reading the rules again. */
export type Reloaded = { readonly jails: number } | { readonly errors: readonly RuleError[] };

export interface ReloaderOptions {
  readonly engine: {
    reload(jails: readonly CompiledJail[], now: number): void;
    readonly tally: Pick<Tally, "onLate">;
  };
  readonly report: Report;
  /** Reads the rules again. */
  readonly load: () => Promise<readonly CompiledJail[]>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Reads the rules again, at SIGHUP or when asked, one time after another. Rules with mistakes change nothing. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<Reloaded> | undefined;
  /** The one that begins after the one that runs. Whoever asks meanwhile asks for this. */
  #next: Promise<Reloaded> | undefined;
  #isStopped = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Rejects when the error is none in rules. */
  reload(): Promise<Reloaded> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** The stream has ended: rules that are being read are taken up no more. */
  stop(): void {
    this.#isStopped = true;
  }

  #start(): Promise<Reloaded> {
    const running = this.#reload();
    this.#running = running;
    const done = () => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(done, done);
    return running;
  }

  async #reload(): Promise<Reloaded> {
    const { engine, report, load, now } = this.#options;
    try {
      const jails = await load();
      if (this.#isStopped) return { jails: jails.length };
      engine.reload(jails, now());
      report.line(`rules read again: ${jails.length} jails`);
      engine.tally.onLate();
      return { jails: jails.length };
    } catch (error) {
      const errors = tellRuleErrors(error, report);
      if (errors === undefined) throw error;
      report.warning("the rules could not be read again: those before stay in force");
      return { errors };
    }
  }
}
