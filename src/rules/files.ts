import { createReadStream, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { whyUnreadable } from "../cli/file-error.ts";
import { suggestion } from "../shared/did-you-mean.ts";
import { packageFile } from "../shared/package-files.ts";
import { FileError, look, RULES } from "../shared/safe-file.ts";
import { configurationPart } from "./fail2ban-path.ts";
import { RuleError } from "./rule.ts";

/** The package's own rules. */
const RULES_FOLDER = fileURLToPath(packageFile("rules"));

/** A rules file: its path, and its name in messages. */
export interface RulesFile {
  readonly path: string;
  readonly name: string;
  /** One of those that come with the package. */
  readonly isBundled?: true;
}

/** A fail2ban configuration, with the jails picked from it, as `-r` names it: `/etc/fail2ban[sshd,postfix]`. */
export interface Fail2banSpec {
  readonly fail2ban: string;
}

type FoundRules = RulesFile | Fail2banSpec | RuleError;

/** The longest rules file, in bytes. */
const MAX_FILE_BYTES = 1_048_576;

/** The files that the arguments of `-r` name, in order; an error in place of an argument that names none. */
export async function findRules(specs: readonly string[]): Promise<readonly FoundRules[]> {
  if (specs.length === 0) {
    return [failure("-r", "no rules given", `use -r NAME or -r PATH; ${bundledNames(await listBundled())}`)];
  }
  const found = await Promise.all(specs.map(findSpec));
  return found.flat();
}

/**
 * Reads a file of at most 1 MiB, or a pipe (`-r <(make-rules)` is a path under /dev/fd). Returns a RuleError where that fails.
 */
export async function readBounded(path: string, name: string): Promise<string | RuleError> {
  const chunks: Buffer[] = [];
  try {
    look(path, RULES);
    for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk as Buffer);
  } catch (error) {
    return failure(name, error instanceof FileError ? error.message : whyUnreadable(error));
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_FILE_BYTES) return failure(name, "longer than 1 MiB");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return failure(name, "not UTF-8");
  }
}

/** Whether there is a bundled rules file with this name. */
export async function isBundled(name: string): Promise<boolean> {
  return (await listBundled()).includes(name);
}

/** The rules files that come with the package. */
export async function bundledFiles(): Promise<readonly RulesFile[]> {
  return (await listBundled()).map(bundledFile);
}

async function findSpec(spec: string): Promise<readonly FoundRules[]> {
  const part = configurationPart(spec);
  if (part) return [failure(spec, part.message, part.hint)];
  if (/.\[[^\]]*\]$/.test(spec)) return [{ fail2ban: spec }];
  if (!spec.includes("/") && !/\.ya?ml$/.test(spec)) return [await findBundled(spec)];
  try {
    if (!(await stat(spec)).isDirectory()) return [{ path: spec, name: spec }];
    return await findInDirectory(spec);
  } catch (error) {
    return [failure(spec, whyUnreadable(error))];
  }
}

async function findInDirectory(directory: string): Promise<readonly FoundRules[]> {
  const entries = await readdir(directory);
  if (entries.includes("jail.conf")) return [{ fail2ban: directory }];
  const names = entries.filter((entry) => entry.endsWith(".yaml") && !entry.startsWith(".")).sort();
  if (names.length === 0) return [failure(directory, "no *.yaml in this directory")];
  return names.map((name) => ({ path: join(directory, name), name: join(directory, name) }));
}

async function findBundled(name: string): Promise<RulesFile | RuleError> {
  const names = await listBundled();
  if (names.includes(name)) return bundledFile(name);
  const hint = existsSync(name) ? `for the file of this name, write ./${name}` : suggestion(name, names);
  return failure(name, "there are no bundled rules with this name", hint ?? bundledNames(names));
}

function bundledFile(name: string): RulesFile {
  return { path: join(RULES_FOLDER, `${name}.yaml`), name: `rules/${name}.yaml`, isBundled: true };
}

async function listBundled(): Promise<readonly string[]> {
  try {
    const entries = await readdir(RULES_FOLDER);
    return entries.flatMap((entry) => /^(.+)\.yaml$/.exec(entry)?.[1] ?? []).sort();
  } catch {
    return [];
  }
}

function bundledNames(names: readonly string[]): string {
  return names.length === 0 ? "there are no bundled rules" : `bundled rules: ${names.join(", ")}`;
}

function failure(name: string, message: string, hint?: string): RuleError {
  return new RuleError("ERR_RULE_SYNTAX", { file: name, line: 0, column: 0 }, message, hint);
}
