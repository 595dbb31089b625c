import type { Target } from "../../protocol/command.ts";

/** Values of one jail's targets, addresses apart from ids, so that an id never passes for an address. */
interface JailValues<T> {
  readonly addresses: Map<string, T>;
  readonly ids: Map<string, T>;
}

/** Values by target. What the values are bounded by is the caller's. */
export class TargetMap<T> {
  readonly #jails = new Map<string, JailValues<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ jail, ip, id = "" }: Target): T | undefined {
    const values = this.#jails.get(jail);
    return ip === undefined ? values?.ids.get(id) : values?.addresses.get(ip);
  }

  set({ jail, ip, id = "" }: Target, value: T): void {
    const values = this.#valuesOf(jail);
    this.#size -= values.addresses.size + values.ids.size;
    if (ip === undefined) values.ids.set(id, value);
    else values.addresses.set(ip, value);
    this.#size += values.addresses.size + values.ids.size;
  }

  /** Returns whether there was a value. */
  delete({ jail, ip, id = "" }: Target): boolean {
    const values = this.#jails.get(jail);
    const wasThere = ip === undefined ? values?.ids.delete(id) : values?.addresses.delete(ip);
    if (wasThere) this.#size--;
    return wasThere === true;
  }

  clear(): void {
    this.#jails.clear();
    this.#size = 0;
  }

  /** The values of a jail's addresses and networks. */
  addressesOf(jail: string): ReadonlyMap<string, T> {
    return this.#jails.get(jail)?.addresses ?? NONE;
  }

  countOf(jail: string): number {
    const values = this.#jails.get(jail);
    return values === undefined ? 0 : values.addresses.size + values.ids.size;
  }

  /** The targets of a jail, addresses first, each kind in the order in which they were set first. */
  *targetsOf(jail: string): Iterable<Target> {
    const values = this.#jails.get(jail);
    for (const ip of values?.addresses.keys() ?? []) yield { jail, ip };
    for (const id of values?.ids.keys() ?? []) yield { jail, id };
  }

  /** All targets, jail by jail. */
  *targets(): Iterable<Target> {
    for (const jail of this.#jails.keys()) yield* this.targetsOf(jail);
  }

  #valuesOf(jail: string): JailValues<T> {
    let values = this.#jails.get(jail);
    if (values === undefined) {
      values = { addresses: new Map(), ids: new Map() };
      this.#jails.set(jail, values);
    }
    return values;
  }
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();
