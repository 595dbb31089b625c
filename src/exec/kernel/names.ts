import { createHash } from "node:crypto";
import { JAIL_NAME } from "../../protocol/command.ts";

/** The prefix of all names that f2b-exec creates in the kernel. */
export const PREFIX = "f2bs-";

/** iptables refuses chain names of 29 characters. */
const LONGEST = 28;
const HASH_DIGITS = 10;

/**
 * The name of a jail's chain. Names of jails of up to 22 characters are kept; a longer one is cut and ends in a part of its
 * hash. A cut name is 28 characters long and a whole one shorter, so two jails never share a name.
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
 * The jail of a chain. Where the chain's name is cut, `comment` may hold the name of the jail. Others may have written it, so it
 * counts only if that jail has this chain.
 */
export function jailOf(chain: string, comment: string | undefined): string {
  if (comment !== undefined && JAIL_NAME.test(comment) && chainName(comment) === chain) return comment;
  return chain.slice(PREFIX.length);
}

/** True when the name of a chain does not hold the whole name of its jail. */
export function isCut(chain: string): boolean {
  return chain.length === LONGEST;
}
