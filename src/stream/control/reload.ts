import type { Report } from "../../cli/report.ts";
import { tellRuleErrors } from "../../rules/report-mistakes.ts";
import type { RuleError } from "../../rules/rule.ts";
import { plural } from "../../shared/plural.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";

/** The outcome of a reload: how many jails there are now, or the mistakes. */
export type ReloadOutcome = { readonly jails: number } | { readonly errors: readonly RuleError[] };

export interface ReloaderOptions {
  readonly engine: { reload(jails: readonly CompiledJail[], now: number): void };
  /** Called when commands may have been written. */
  readonly flush: () => void;
  readonly report: Report;
  /** Reads the rules again. */
  readonly load: () => Promise<readonly CompiledJail[]>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Reads the rules again, at SIGHUP or on request, one reload at a time. Rules with mistakes change nothing. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<ReloadOutcome> | undefined;
  /** The one that starts after the one that runs; all requests meanwhile share it. */
  #next: Promise<ReloadOutcome> | undefined;
  #isStopped = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Rejects with errors that are not mistakes in rules. */
  reload(): Promise<ReloadOutcome> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** The stream has ended: rules that are being read are dropped. */
  stop(): void {
    this.#isStopped = true;
  }

  #start(): Promise<ReloadOutcome> {
    const running = this.#reload();
    this.#running = running;
    const done = () => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(done, done);
    return running;
  }

  async #reload(): Promise<ReloadOutcome> {
    const { engine, flush, report, load, now } = this.#options;
    try {
      const jails = await load();
      if (this.#isStopped) return { jails: jails.length };
      engine.reload(jails, now());
      report.line(`rules reloaded: ${plural(jails.length, "jail")}`);
      flush();
      return { jails: jails.length };
    } catch (error) {
      const errors = tellRuleErrors(error, report);
      if (errors === undefined) throw error;
      report.warning("reload failed, keeping the previous rules");
      return { errors };
    }
  }
}
