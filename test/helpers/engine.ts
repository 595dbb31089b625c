import { Report } from "../../src/cli/report.ts";
import { decode } from "../../src/protocol/command.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { Engine, type EngineOptions } from "../../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail/compile-jails.ts";
import { ROOT } from "./root.ts";

/** The jails of test/fixtures/rules/app.yaml that are enabled; `sets` as for `--set`. */
export async function appJails(...sets: readonly string[]): Promise<readonly CompiledJail[]> {
  const { jails } = await loadRules({ specs: [`${ROOT}test/fixtures/rules/app.yaml`], sets });
  return compileJails(jails.filter(({ enabled }) => enabled));
}

/** An engine, what it writes and what it tells. */
export class TestEngine {
  readonly engine: Engine;
  /** Commands as lines. */
  readonly lines: string[] = [];
  /** Messages, without the program's name. */
  readonly told: string[] = [];

  /** @param now epoch milliseconds */
  constructor(jails: readonly CompiledJail[], now: number, options: Partial<EngineOptions> = {}) {
    const report = new Report("test", (line) => this.told.push(line.replace(/^test: |\n$/g, "")));
    this.engine = new Engine(
      jails,
      {
        isLive: true,
        silence: 0,
        prefilter: true,
        format: undefined,
        source: undefined,
        maxLine: 65_536,
        maxKeys: 1000,
        maxEvidence: 1 << 20,
        report,
        write: (line) => this.lines.push(line),
        ...options,
      },
      now,
    );
  }

  push(text: string | Uint8Array, now: number): void {
    this.engine.push(Buffer.from(text), now);
  }

  /** What was written: `ban app 192.0.2.1`, and so on. */
  commands(): readonly string[] {
    return this.lines.map((line) => {
      const command = decode(line, 0);
      if (command.cmd === "sync") return `sync ${command.phase}`;
      return `${command.cmd} ${command.jail} ${command.ip ?? command.id}`;
    });
  }
}

/** A line of the program that app.yaml looks at. */
export function appFailure(address: string, time: number): string {
  return `${new Date(time).toISOString()} web1 app[7]: login failed from ${address}\n`;
}
