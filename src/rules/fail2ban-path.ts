import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** Folders of a fail2ban configuration. */
const PARTS = new Set(["jail.d", "filter.d", "action.d", "fail2ban.d"]);

/** A part of a fail2ban configuration that was given in place of the whole, and what to write instead. */
export interface ConfigurationPart {
  readonly message: string;
  readonly hint: string;
}

/**
 * Whether `-r` names a file of a fail2ban configuration, such as `/etc/fail2ban/jail.local`, or one of its folders: fail2ban's files make
 * jails only together.
 */
export function configurationPart(spec: string): ConfigurationPart | undefined {
  const [, path = spec, jails] = /^(.+?)(\[[^[\]]*\])?$/s.exec(spec) ?? [];
  const isFolder = PARTS.has(basename(path));
  if (!isFolder && !/\.(?:conf|local)$/.test(path)) return undefined;
  const folder = isFolder ? path : dirname(path);
  const root = PARTS.has(basename(folder)) ? dirname(resolve(folder)) : folder;
  if (isFolder && !existsSync(join(root, "jail.conf"))) return undefined;
  const kind = isFolder ? "a folder" : "a file";
  const name = basename(path).replace(/\.\w+$/, "");
  const picked = jails ?? (basename(folder) === "filter.d" && !isFolder ? `[${name}]` : "[sshd]");
  return {
    message: `is ${kind} of a fail2ban configuration, which is read as a whole`,
    hint: `write -r ${root} for its enabled jails, or -r '${root}${picked}' for those named, enabled or not`,
  };
}
