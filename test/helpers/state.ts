import { readFileSync } from "node:fs";
import { Report } from "../../src/cli/report.ts";
import { type Ban, encode, type Unban } from "../../src/protocol/command.ts";
import { BanLog } from "../../src/stream/state/banlog.ts";
import type { Needs } from "../../src/stream/state/compact.ts";
import type { Decision } from "../../src/stream/state/decision.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);

/** Needs everything. */
export const needsAll: Needs = { partOf: () => "all", inForce: () => [] };

export function ban(last: number, settings: Partial<Ban> = {}): Ban {
  return { cmd: "ban", jail: "web", ip: `192.0.2.${last}`, time: NOW, until: null, ...settings };
}

export function unban(last: number, settings: Partial<Unban> = {}): Unban {
  return { cmd: "unban", jail: "web", ip: `192.0.2.${last}`, time: NOW, reason: "manual", ...settings };
}

/** A state that is open, what it held, and what it told. */
export interface Opened {
  readonly log: BanLog;
  readonly held: readonly Decision[];
  readonly told: string[];
}

/** Opens a state and reads what it holds. */
export async function openLog(path: string, needs = needsAll, clock?: () => number): Promise<Opened> {
  const told: string[] = [];
  const log = await BanLog.open(path, new Report("test", (line) => told.push(line)), clock);
  const held = [...log.restore()];
  log.start(needs, NOW);
  return { log, held, told };
}

/** Adds to a state, and writes. */
export function write(log: BanLog, ...decisions: readonly Decision[]): void {
  for (const decision of decisions) log.add(encode(decision));
  log.flush();
}

/** A state's lines behind its header. */
export function linesOf(path: string): readonly string[] {
  return readFileSync(path, "utf8").split("\n").slice(1, -1);
}
