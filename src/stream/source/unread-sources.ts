import { printable, type Report } from "../../cli/report.ts";
import type { Source } from "../../protocol/tagged.ts";
import type { Jail } from "../../rules/rule.ts";
import { readsSource } from "../jail/jail-view.ts";

/** Longest list of names in a message, in characters. */
const LONGEST_LIST = 200;

/** Warns, once of each, where jails and sources do not fit together: of sources that no jail reads, of jails that read none. */
export class UnreadSources {
  readonly #report: Report;
  readonly #told = new Set<string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Takes all sources and all jails that read a log. */
  check(sources: readonly Source[], jails: readonly Jail[]): void {
    const reading = jails.filter(({ on }) => on === "log");
    if (sources.length === 0 || reading.length === 0) return;
    for (const source of sources)
      if (!reading.some((jail) => readsSource(jail, source))) this.#tellUnread(source, reading);
    for (const jail of reading)
      if (!sources.some((source) => readsSource(jail, source))) this.#tellIdle(jail, sources);
  }

  /** Warns when jails read different logs, and nothing says which one this input is. */
  checkUnnamed(jails: readonly Jail[]): void {
    const paths = new Set(
      jails.map(({ logpath }) => logpath?.join(" ")).filter((path) => path !== undefined),
    );
    if (paths.size < 2 || !this.#isNew("unnamed")) return;
    this.#report.warning("the jails name different logs, and every jail sees every line of this one");
    this.#report.hint("--source /var/log/auth.log says which log stdin is; f2b-tail reads several");
  }

  #tellUnread({ name }: Source, jails: readonly Jail[]): void {
    if (!this.#isNew(`source ${name}`)) return;
    const paths = [...new Set(jails.flatMap(({ logpath = [] }) => logpath))];
    this.#report.warning(`no jail reads ${printable(name, LONGEST_LIST)}`);
    this.#report.hint(`the jails' logpath: ${listed(paths)}; --set JAIL.logpath=… changes one`);
  }

  #tellIdle({ name, logpath = [] }: Jail, sources: readonly Source[]): void {
    if (!this.#isNew(`jail ${name}`)) return;
    this.#report.warning(`[${name}] reads none of the sources: its logpath is ${listed(logpath)}`);
    this.#report.hint(`the sources: ${listed(sources.map((source) => source.name))}`);
  }

  #isNew(what: string): boolean {
    const isNew = !this.#told.has(what);
    this.#told.add(what);
    return isNew;
  }
}

function listed(names: readonly string[]): string {
  return printable(names.join(", "), LONGEST_LIST);
}
