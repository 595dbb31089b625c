import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder, from the compiled benchmarks. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export const BUNDLED = ["sshd", "postfix", "dovecot", "sendmail", "nginx", "recidive"] as const;

/** Debian's fail2ban, or whatever $FAIL2BAN_CONFIG says. */
export const FAIL2BAN_CONFIG = process.env.FAIL2BAN_CONFIG ?? "/etc/fail2ban";

/** The commands that f2b-stream runs beside. Undefined: not installed. */
export const SSHG_PARSER = find("sshg-parser", ["/usr/libexec/sshguard", "/usr/lib/x86_64-linux-gnu"]);
export const FAIL2BAN_REGEX = find("fail2ban-regex");
export const RIPGREP = find("rg");
export const GREP = find("grep");
/** The python3 that Debian's fail2ban is installed for, wherever another one may stand on PATH. */
export const PYTHON = find("python3", ["/usr/bin"]);

/** Three of the patterns of our rule for sshd, as grep -E writes them. */
export const GREP_PATTERNS = [
  "Failed (password|keyboard-interactive(/[a-z]+)?) for [^:]* from [0-9a-f.:]+ port [0-9]+( ssh[0-9])?$",
  "Invalid user [^:]* from [^ ]+ port [0-9]+$",
  "Connection (closed|reset) by ((invalid|authenticating) user [^:]* )?[0-9a-f.:]+ port [0-9]+( \\[preauth\\])?$",
].flatMap((pattern) => ["-e", pattern]);

/** Our program, on a log of the past. */
export function f2bStream(rules: readonly string[]): readonly string[] {
  return [...program(rules), "--replay", "--repeats", "--now", "2026-11-25T00:00:00Z"];
}

/** Our program, following a log for sshd. The addresses of this machine may be among those that we let fail. */
export function f2bStreamLive(): readonly string[] {
  return [...program(["sshd"]), "--set", "sshd.ignoreself=false"];
}

/** Our program with the rules for sshd, in a soak: a log of the past, or one that it follows. */
export function f2bStreamSoak(isLive: boolean): readonly string[] {
  return isLive ? f2bStreamLive() : f2bStream(["sshd"]);
}

function program(rules: readonly string[]): readonly string[] {
  const path = fileURLToPath(new URL("../../bin/f2b-stream.js", import.meta.url));
  return [process.execPath, path, "-q", ...rules.flatMap((rule) => ["-r", rule])];
}

/** Path of a file of ours that is not compiled. */
export function source(path: string): string {
  return join(ROOT, path);
}

function find(name: string, folders = process.env.PATH?.split(delimiter) ?? []): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
