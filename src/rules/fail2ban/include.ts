import { readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { FileError, RULES, readTrusted } from "../../safe-file.ts";
import { RuleError } from "../rule.ts";
import { type IniFile, parseIni } from "./ini.ts";
import { Config } from "./interpolate.ts";

/** The longest file, in bytes. */
const MAX_FILE_BYTES = 1_048_576;

/** Reads configuration files, each of them once. */
export class ConfigFiles {
  readonly #read = new Map<string, IniFile | undefined>();

  /**
   * `base.conf`, `base.d/*.conf`, `base.local` and `base.d/*.local`, with what they include, merged into one. Undefined
   * when there is none of them.
   *
   * @throws RuleError for a file that cannot be read or has mistakes
   */
  load(base: string): Config | undefined {
    const files = this.#withIncludes(variants(base), []);
    return files.length === 0 ? undefined : this.#merge(files);
  }

  /** Every file in the order of merging. A file that is being included already is skipped: loops end there. */
  #withIncludes(paths: readonly string[], parents: readonly string[]): string[] {
    return withLocal(paths).flatMap((path) => {
      if (this.#file(path) === undefined) return [];
      const single = this.#merge([path]);
      const included = (key: string): string[] => {
        const names = single.get("INCLUDES", key)?.text.split("\n") ?? [];
        const files = names.filter((name) => name !== "").map((name) => resolve(dirname(path), name));
        const chain = [...parents, path];
        return files.flatMap((file) => (chain.includes(file) ? [] : this.#withIncludes([file], chain)));
      };
      return [...included("before"), path, ...included("after")];
    });
  }

  #merge(files: readonly string[]): Config {
    const config = new Config(files);
    for (const file of files) {
      const ini = this.#file(file);
      if (ini !== undefined) config.merge(ini);
    }
    return config;
  }

  #file(path: string): IniFile | undefined {
    if (!this.#read.has(path)) this.#read.set(path, readIni(path));
    return this.#read.get(path);
  }
}

function variants(base: string): string[] {
  const folder = `${base}.d`;
  const names = isDirectory(folder) ? readdirSync(folder).sort() : [];
  const inFolder = (ending: string): string[] =>
    names.filter((name) => name.endsWith(ending) && !name.startsWith(".")).map((name) => `${folder}/${name}`);
  return [`${base}.conf`, ...inFolder(".conf"), `${base}.local`, ...inFolder(".local")];
}

/** `x.local` after each `x.conf` whose own is not listed. */
function withLocal(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const local = path.replace(/\.[^./]+$/, ".local");
    return paths.includes(local) ? [path] : [path, local];
  });
}

function readIni(path: string): IniFile | undefined {
  const place = { file: path, line: 1, column: 1 };
  let bytes: Buffer;
  try {
    bytes = readTrusted(path, MAX_FILE_BYTES, RULES);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = error instanceof FileError ? message : `cannot be read: ${message}`;
    throw new RuleError("ERR_RULE_SYNTAX", place, why);
  }
  if (bytes.length > MAX_FILE_BYTES) throw new RuleError("ERR_RULE_SYNTAX", place, "longer than 1 MiB");
  try {
    return parseIni(new TextDecoder("utf-8", { fatal: true }).decode(bytes), path);
  } catch (error) {
    if (error instanceof RuleError) throw error;
    throw new RuleError("ERR_RULE_SYNTAX", place, "is not UTF-8");
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
