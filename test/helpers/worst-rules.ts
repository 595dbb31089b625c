import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRules } from "../../src/rules/load.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail.ts";
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

/** All bundled jails, each, and together; and jails of fail2ban's, where that is installed. */
export async function ruleNames(): Promise<readonly string[]> {
  const { jails } = await loadRules({ specs: bundled(), sets: [] });
  const names = jails.filter(({ on }) => on === "log").map(({ name }) => name);
  const theirs = existsSync(`${FAIL2BAN}/jail.conf`) ? [...MOST_USED, "sshd, mode=aggressive"] : [];
  return ["all bundled rules", ...names, ...theirs.map((name) => `fail2ban: ${name}`)];
}

/** Whether a rule comes with the program. */
export function isBundled(name: string): boolean {
  return !name.startsWith("fail2ban: ");
}

/** The jails that a name of `ruleNames` stands for. */
export async function jailsNamed(name: string): Promise<readonly CompiledJail[]> {
  const sets = ["*.usedns=no", "*.ignoreself=false"];
  const [, theirs, mode] = /^fail2ban: ([^,]+)(?:, mode=(\w+))?$/.exec(name) ?? [];
  if (theirs !== undefined) return compileJails(await fail2banJails(theirs, mode, sets));
  const { jails } = await loadRules({ specs: bundled(), sets });
  const wanted = jails.filter((jail) => (name === "all bundled rules" ? jail.enabled : jail.name === name));
  if (wanted.length === 0) throw new RangeError(`no rule is called ${name}`);
  return compileJails(wanted);
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
