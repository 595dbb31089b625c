import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRules } from "../../src/rules/load-rules.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail/compile-jails.ts";
import { ROOT } from "./root.ts";

const FAIL2BAN = process.env.FAIL2BAN_CONFIG ?? "/etc/fail2ban";

/** Those that most who run fail2ban have on, by what they run: ssh, mail, web and FTP. */
const MOST_USED = [
  "sshd",
  "recidive",
  "nginx-http-auth",
  "nginx-botsearch",
  "apache-auth",
  "postfix",
  "dovecot",
  "exim",
  "proftpd",
  "vsftpd",
];

/** All bundled rules together, and each file with all of its jails; and jails of fail2ban's, where that is installed. */
export async function ruleNames(): Promise<readonly string[]> {
  const names = bundled().filter((name) => name !== "recidive");
  const theirs = existsSync(`${FAIL2BAN}/jail.conf`) ? [...MOST_USED, "sshd, mode=aggressive"] : [];
  return ["all bundled rules", ...names, ...theirs.map((name) => `fail2ban: ${name}`)];
}

/** Whether a rule comes with the program. */
export function isBundled(name: string): boolean {
  return !name.startsWith("fail2ban: ");
}

/** The jails that a name of `ruleNames` stands for: of a file those as well that are not on unless they are asked for. */
export async function jailsNamed(name: string): Promise<readonly CompiledJail[]> {
  const sets = ["*.usedns=no", "*.ignoreself=false"];
  const [, theirs, mode] = /^fail2ban: ([^,]+)(?:, mode=(\w+))?$/.exec(name) ?? [];
  if (theirs !== undefined) return compileJails(await fail2banJails(theirs, mode, sets));
  const isAll = name === "all bundled rules";
  const { jails } = await loadRules({ specs: isAll ? bundled() : [name], sets });
  return compileJails(
    isAll ? jails.filter(({ enabled }) => enabled) : jails.filter(({ on }) => on === "log"),
  );
}

async function fail2banJails(name: string, mode: string | undefined, sets: readonly string[]) {
  if (mode === undefined) return (await loadRules({ specs: [`${FAIL2BAN}[${name}]`], sets })).jails;
  const folder = mkdtempSync(join(tmpdir(), "f2b-worst-"));
  try {
    cpSync(FAIL2BAN, folder, { recursive: true });
    writeFileSync(join(folder, "jail.local"), `[${name}]\nmode = ${mode}\n`);
    return (await loadRules({ specs: [`${folder}[${name}]`], sets })).jails;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bundled(): readonly string[] {
  const files = readdirSync(`${ROOT}rules`).filter((file) => file.endsWith(".yaml"));
  return files.map((file) => file.replace(/\.yaml$/, ""));
}
