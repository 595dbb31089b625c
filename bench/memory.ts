import { setTimeout as sleep } from "node:timers/promises";
import { failEach } from "./lib/attack.ts";
import type { Bench } from "./lib/bench.ts";
import { type Figure, under } from "./lib/figures.ts";
import { Follower } from "./lib/follower.ts";
import { f2bStreamLive } from "./lib/peers.ts";
import { spreadOf } from "./lib/statistics.ts";
import { distinctAddress4, distinctAddress6 } from "./log/addresses.ts";

/** Memory for each address remembered: the resident set before and after so many have failed once, by their number. */
export const memory: Bench = async ({ addresses }, logs) => {
  const figures: Figure[] = [];
  for (const [family, address, spared] of [
    ["IPv4", distinctAddress4, "127.0.0.1"],
    ["IPv6", distinctAddress6, "::1"],
  ] as const) {
    const bytes = await bytesEach(addresses, address, spared, logs.path);
    figures.push({
      what: `memory for each of ${addresses.toLocaleString("en")} addresses, ${family}, without evidence`,
      unit: " B",
      spread: spreadOf([bytes]),
      target: under(100),
    });
  }
  return { records: [], figures };
};

/** @param spared an address that is never counted */
async function bytesEach(
  count: number,
  address: (n: number) => string,
  spared: string,
  folder: string,
): Promise<number> {
  const follower = new Follower([...f2bStreamLive(), "--max-evidence", "0"], folder);
  // As many lines before, that count for nobody: the heap is then as large as work on lines makes it.
  await failEach(follower, count, () => spared);
  const before = await settled(follower);
  await failEach(follower, count, address);
  const after = await settled(follower);
  await follower.end();
  return (after - before) / count;
}

async function settled(follower: Follower): Promise<number> {
  await sleep(1000);
  return follower.residentBytes;
}
