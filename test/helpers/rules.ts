import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadedRules, loadRules, RulesError } from "../../src/rules/load-rules.ts";
import { formatPlace } from "../../src/rules/rule.ts";

/** Files in a folder of their own: texts by name. Paths of `-r` are made from `path`. */
export class RulesFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-rules-"));

  path(name = ""): string {
    return join(this.#folder, name);
  }

  write(name: string, text: string | Uint8Array): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Loads `texts` as files `0.yaml`, `1.yaml`, …, in order. */
  load(texts: readonly string[], sets: readonly string[] = []): Promise<LoadedRules> {
    const specs = texts.map((text, index) => this.write(`${index}.yaml`, text));
    return loadRules({ specs, sets });
  }

  /** A message with file names as the tests gave them. */
  shorten(message: string): string {
    return message.replaceAll(`${this.#folder}/`, "");
  }

  /** The mistakes of `texts` as the program prints them, hints in parentheses, without the folder. */
  async mistakes(texts: readonly string[], sets: readonly string[] = []): Promise<readonly string[]> {
    try {
      await this.load(texts, sets);
      return [];
    } catch (error) {
      return mistakesOf(error).map((line) => this.shorten(line));
    }
  }
}

/** The lines for the errors in a RulesError; throws again what is none. */
export function mistakesOf(error: unknown): readonly string[] {
  if (!(error instanceof RulesError)) throw error;
  return error.errors.map(
    ({ place, message, hint }) =>
      `${formatPlace(place)}: ${message}${hint === undefined ? "" : ` (${hint})`}`,
  );
}
