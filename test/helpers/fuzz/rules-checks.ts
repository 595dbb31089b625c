import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { EXIT } from "../../../src/cli/exit.ts";
import { Report } from "../../../src/cli/report.ts";
import { dumpRules } from "../../../src/rules/dump.ts";
import { type LoadedRules, loadRules } from "../../../src/rules/load-rules.ts";
import { tellMistake } from "../../../src/rules/report-mistakes.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../../src/stream/jail/compile-jails.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
/** The longest rules file. */
const MAX_FILE_BYTES = 1_048_576;
/** So much is tried on each jail. */
const LINES = Buffer.from(
  "2026-11-21T11:59:59Z web1 sshd[7]: Failed password for root from 192.0.2.7 port 1 ssh2\nNov 21 11:59:59 web1 app: x\n",
);

/**
 * Loads rules as f2b-stream does. Mistakes are told, each a line fit for a terminal, and give undefined.
 *
 * @throws what would be an internal error
 */
export async function loadLikeStream(
  spec: string,
): Promise<{ loaded: LoadedRules; compiled: readonly CompiledJail[] } | undefined> {
  const told: string[] = [];
  const report = new Report("fuzz", (line) => told.push(line));
  try {
    const loaded = await loadRules({ specs: [spec], sets: [] });
    for (const warning of loaded.warnings) report.warning(warning);
    const imported = new Set(loaded.exec.map(({ jail }) => jail));
    const compiled = compileJails(loaded.jails, ({ name }) => imported.has(name));
    return { loaded, compiled };
  } catch (error) {
    assert.equal(tellMistake(error, "fuzz", report), EXIT.CONFIG);
    assert.ok(told.length > 0, "a mistake is told");
    return undefined;
  } finally {
    for (const line of told) assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
  }
}

/** What is dumped loads again, and dumps to the same. `path`: a file to write to. */
export async function checkDump({ jails }: LoadedRules, path: string): Promise<void> {
  const dump = dumpRules(jails);
  if (Buffer.byteLength(dump) > MAX_FILE_BYTES || jails.length === 0) return;
  writeFileSync(path, dump);
  const again = await loadRules({ specs: [path], sets: [] });
  assert.equal(dumpRules(again.jails), dump);
  assert.deepEqual(
    again.jails.map(({ name }) => name),
    jails.map(({ name }) => name),
  );
}

/** Jails that were compiled can be set to work. */
export function checkWork(jails: readonly CompiledJail[]): void {
  const report = new Report("fuzz", () => undefined);
  const limits = { maxLine: 65_536, maxKeys: 100, maxEvidence: 10_000, silence: 0, prefilter: true };
  const around = { format: undefined, source: undefined, isLive: false, report, write: () => undefined };
  const engine = new Engine(jails, { ...limits, ...around }, NOW);
  engine.push(Buffer.from(LINES), NOW);
  engine.end(NOW);
}

/** Nothing that was read has become a property of every object. */
export function checkPrototypes(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(Object.getPrototypeOf(Object.prototype), null);
}
