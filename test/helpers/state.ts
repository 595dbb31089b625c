import { readFileSync } from "node:fs";
import { Report } from "../../src/cli/report.ts";
import { type Ban, encode, type Unban } from "../../src/protocol/command.ts";
import type { Clock } from "../../src/shared/clock.ts";
import { BanLog } from "../../src/stream/state/banlog.ts";
import type { Decision } from "../../src/stream/state/decision.ts";
import type { RetentionPolicy } from "../../src/stream/state/retention.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);

/** Keeps everything. */
export const keepAll: RetentionPolicy = { retentionOf: () => "all", inForce: () => [] };

export function ban(last: number, settings: Partial<Ban> = {}): Ban {
  return { cmd: "ban", jail: "web", ip: `192.0.2.${last}`, time: NOW, until: null, ...settings };
}

export function unban(last: number, settings: Partial<Unban> = {}): Unban {
  return { cmd: "unban", jail: "web", ip: `192.0.2.${last}`, time: NOW, reason: "manual", ...settings };
}

/** An open state, what it held, and its messages. */
export interface Opened {
  readonly log: BanLog;
  readonly held: readonly Decision[];
  readonly told: string[];
}

/** Opens a state and reads what it holds. */
export async function openLog(path: string, policy = keepAll, clock?: Clock): Promise<Opened> {
  const told: string[] = [];
  const log = await BanLog.open(path, new Report("test", (line) => told.push(line)), clock);
  const held = [...log.restore()];
  log.start(policy, NOW);
  return { log, held, told };
}

/** Adds to a state, and writes. */
export function write(log: BanLog, ...decisions: readonly Decision[]): void {
  for (const decision of decisions) log.add(encode(decision));
  log.flush();
}

/** A state's lines after its header. */
export function linesOf(path: string): readonly string[] {
  return readFileSync(path, "utf8").split("\n").slice(1, -1);
}
