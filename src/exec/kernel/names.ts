import { createHash } from "node:crypto";
import { JAIL_NAME } from "../../protocol/command.ts";

/** What every name begins with that f2b-exec gives to something in the kernel. */
export const PREFIX = "f2bs-";

/** iptables refuses chain names of 29 characters. */
const LONGEST = 28;
const HASH_DIGITS = 10;

/**
 * The name of a jail's chain. Jails of up to 22 characters keep their name; a longer one is cut and ends in a piece of
 * its hash. A cut name is 28 characters long and a whole one shorter, so no jail can take the name of another.
 */
export function chainName(jail: string): string {
  const name = PREFIX + jail;
  if (name.length < LONGEST) return name;
  const hash = createHash("sha256").update(jail).digest("hex").slice(0, HASH_DIGITS);
  return `${name.slice(0, LONGEST - HASH_DIGITS - 1)}-${hash}`;
}

/** The name of a jail's ipset for one family, at most 30 of ipset's 31 characters. */
export function ipsetName(jail: string, family: 4 | 6): string {
  return `${chainName(jail)}-${family}`;
}

/** The name of a jail's nftables table, where names may have 255 characters. */
export function tableName(jail: string): string {
  return PREFIX + jail;
}

/**
 * The jail of a chain. Where the chain's name is cut, `said` is what a comment says that it is, which somebody else may have
 * written: it counts only if the chain is that jail's.
 */
export function jailOf(chain: string, said: string | undefined): string {
  if (said !== undefined && JAIL_NAME.test(said) && chainName(said) === chain) return said;
  return chain.slice(PREFIX.length);
}

/** True when the chain's name does not hold the whole name of its jail. */
export function isCut(chain: string): boolean {
  return chain.length === LONGEST;
}
