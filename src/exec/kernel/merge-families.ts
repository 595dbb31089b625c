import type { Batch, FoundJail } from "./backend.ts";

/** Merges both families of each jail. */
export function mergeFamilies(list: readonly FoundJail[]): readonly FoundJail[] {
  const merged = new Map<string, FoundJail>();
  for (const found of list) {
    const other = merged.get(found.name);
    merged.set(found.name, {
      name: found.name,
      ports: union(other?.ports, found.ports),
      protocols: union(other?.protocols, found.protocols),
      chains: union(other?.chains, found.chains),
      bans: new Map([...(other?.bans ?? []), ...found.bans]),
    });
  }
  return [...merged.values()];
}

/** The batches with only the changes of one family. */
export function ofFamily(batches: readonly Batch[], version: 4 | 6): readonly Batch[] {
  return batches.map(({ jail, changes }) => ({
    jail,
    changes: changes.filter(({ ip }) => (ip.includes(":") ? 6 : 4) === version),
  }));
}

function union(some: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...some, ...more])];
}
