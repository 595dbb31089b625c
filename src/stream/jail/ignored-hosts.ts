import type { Report } from "../../cli/report.ts";
import type { Network } from "../../shared/address.ts";
import { BackgroundLookup, type Resolve, resolveHost, withinBound } from "./lookup.ts";

/**
 * Looks up the host names of `ignoreip`. Apart from those in the log, which are the attacker's: too many of them would push
 * these out.
 */
export class IgnoredHosts {
  readonly #report: Report;
  readonly #hosts: BackgroundLookup<readonly Network[]>;

  constructor(report: Report, resolve: Resolve = resolveHost) {
    this.#report = report;
    this.#hosts = new BackgroundLookup(resolve);
  }

  /** The addresses of a host name as far as they are known; looks them up in the background. `now` in epoch milliseconds. */
  addressesOf(host: string, now: number): readonly Network[] {
    return withinBound(host, this.#hosts.known(host, now) ?? [], this.#report);
  }
}
