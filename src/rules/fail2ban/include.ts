import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { whyUnreadable } from "../../cli/file-error.ts";
import { FileError, RULES, readTrusted } from "../../shared/safe-file.ts";
import { RuleError } from "../rule.ts";
import { type IniFile, parseIni } from "./ini.ts";
import { Config } from "./interpolate.ts";

/** Longest file, in bytes. */
const MAX_FILE_BYTES = 1_048_576;
/** Most files that one file may include: without a limit, files that include each other could be read very often. */
const MAX_INCLUDED = 1000;

/** Reads configuration files, each once. */
export class ConfigFiles {
  readonly #read = new Map<string, IniFile | undefined>();

  /**
   * `base.conf`, `base.d/*.conf`, `base.local` and `base.d/*.local`, with what they include, merged into one. Undefined
   * when none of them exists.
   *
   * @throws RuleError for a file that cannot be read or has mistakes
   */
  load(base: string): Config | undefined {
    const files = this.#withIncludes(variants(base), [], { left: MAX_INCLUDED });
    return files.length === 0 ? undefined : this.#merge(files);
  }

  /** All files in the order of merging. A file that is being included already is skipped, which ends circles. */
  #withIncludes(paths: readonly string[], parents: readonly string[], room: { left: number }): string[] {
    return withLocal(paths).flatMap((path) => {
      if (this.#file(path) === undefined) return [];
      if (room.left-- === 0) throw unreadable(path, `includes more than ${MAX_INCLUDED} files`);
      const single = this.#merge([path]);
      const included = (key: string): string[] => {
        const names = single.get("INCLUDES", key)?.text.split("\n") ?? [];
        const files = names.filter((name) => name !== "").map((name) => resolve(dirname(path), name));
        const chain = [...parents, path];
        return files.flatMap((file) => (chain.includes(file) ? [] : this.#withIncludes([file], chain, room)));
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
  const names = listFolder(folder);
  const inFolder = (ending: string): string[] =>
    names.filter((name) => name.endsWith(ending) && !name.startsWith(".")).map((name) => `${folder}/${name}`);
  return [`${base}.conf`, ...inFolder(".conf"), `${base}.local`, ...inFolder(".local")];
}

/** The paths, with `x.local` after each `x.conf` unless it is among them. */
function withLocal(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const local = path.replace(/\.[^./]+$/, ".local");
    return paths.includes(local) ? [path] : [path, local];
  });
}

function readIni(path: string): IniFile | undefined {
  const bytes = orNothing(path, () => readTrusted(path, MAX_FILE_BYTES, RULES));
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_FILE_BYTES) throw unreadable(path, "longer than 1 MiB");
  try {
    return parseIni(new TextDecoder("utf-8", { fatal: true }).decode(bytes), path);
  } catch (error) {
    if (error instanceof RuleError) throw error;
    throw new RuleError("ERR_RULE_SYNTAX", { file: path, line: 1, column: 1 }, "is not UTF-8");
  }
}

function listFolder(folder: string): string[] {
  return orNothing(folder, () => readdirSync(folder).sort()) ?? [];
}

/**
 * The result of `read`; undefined: there is no such file. Paths come from the configuration, so they may be any text.
 *
 * @throws RuleError when the file cannot be read, or the path is invalid
 */
function orNothing<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RuleError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(path, error instanceof FileError ? error.message : whyUnreadable(error));
  }
}

function unreadable(path: string, message: string): RuleError {
  return new RuleError("ERR_RULE_SYNTAX", { file: path, line: 1, column: 1 }, message);
}
