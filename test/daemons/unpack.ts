import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DaemonHost } from "./host.ts";

const exec = promisify(execFile);

/** Where packages are kept, so that a second run needs no network. */
const CACHE =
  process.env.F2B_DEB_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "f2b-stream");

/**
 * Puts the files of Debian packages on a host, for daemons that can't be installed on one machine with others: exim4 and postfix, or two
 * FTP servers. Their maintainer scripts don't run.
 *
 * @throws Error with what apt or dpkg said
 */
export async function unpack(host: DaemonHost, ...packages: readonly string[]): Promise<void> {
  for (const name of packages) {
    // dpkg -x would put a folder in the place of /lib, which is a link.
    const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
    await exec("sh", ["-c", script, "unpack", await fetched(name), host.path("/")]);
  }
}

/** Why a package can't be had; false when it can. For `skip`. */
export function unpackSkip(...packages: readonly string[]): string | false {
  if (packages.every((name) => kept(name) !== undefined)) return false;
  const found = spawnSync("apt-get", ["download", "--print-uris", ...packages], { encoding: "utf8" });
  return found.status === 0 ? false : `needs apt-get with ${packages.join(", ")}`;
}

async function fetched(name: string): Promise<string> {
  const found = kept(name);
  if (found !== undefined) return found;
  const folder = join(CACHE, `.${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  await exec("apt-get", ["download", "-o", "APT::Sandbox::User=root", name], { cwd: folder });
  for (const file of readdirSync(folder)) renameSync(join(folder, file), join(CACHE, file));
  const file = kept(name);
  if (file === undefined) throw new Error(`apt-get download ${name} left no file in ${folder}`);
  return file;
}

function kept(name: string): string | undefined {
  if (!existsSync(CACHE)) return undefined;
  const file = readdirSync(CACHE).find((each) => each.startsWith(`${name}_`) && each.endsWith(".deb"));
  return file === undefined ? undefined : join(CACHE, file);
}
