import { stringify } from "yaml";
import { printable } from "../../cli/report.ts";
import { CHAIN_NAME } from "../../exec/settings/settings.ts";
import type { ImportedActions } from "./load-fail2ban.ts";
import type { CommandAction } from "./resolve-action.ts";

/** Longest comment, in characters. */
const LONGEST = 1000;

/**
 * The actions of fail2ban's jails as a file for f2b-exec's `-c`: how traffic is blocked, from which chains, and simple commands. What
 * f2b-exec cannot do is in comments, jail by jail.
 */
export function dumpExec(exec: readonly ImportedActions[]): string {
  const jails = new Map(exec.map((jail) => [jail.jail, jailToKeys(jail)]));
  const text = stringify({ jails }, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });
  const missing = exec.flatMap(({ jail, unsupported, chains }) => [
    ...unsupported.map(({ name, why }) => commentOf(jail, `${name}: ${why}`)),
    ...chains
      .filter((chain) => !CHAIN_NAME.test(chain))
      .map((chain) => commentOf(jail, `chain ${JSON.stringify(chain)}: no name of a chain`)),
  ]);
  return [...missing, text].join("");
}

/** A comment on one line, whatever is in the text. */
function commentOf(jail: string, text: string): string {
  return `# ${printable(`${jail}: ${text.replace(/\s+/g, " ")}`, LONGEST)}\n`;
}

/** The keys of a jail; yaml's stringify leaves out undefined ones. */
function jailToKeys({ blocktype, chains, commands }: ImportedActions): Readonly<Record<string, unknown>> {
  const chain = chains.filter((name) => CHAIN_NAME.test(name));
  const actions = commands.flatMap(actionsOf);
  return {
    blocktype,
    chain: chain.length > 0 ? chain : undefined,
    actions: actions.length > 0 ? actions : undefined,
  };
}

/** An action of f2b-exec has one command of each kind; fail2ban's may have several, one on each line. */
function actionsOf({ name, commands }: CommandAction): readonly Readonly<Record<string, unknown>>[] {
  const kinds = Object.entries(commands);
  const count = Math.max(0, ...kinds.map(([, lines]) => lines.length));
  return Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? name : `${name}-${index + 1}`,
    ...Object.fromEntries(kinds.flatMap(([kind, lines]) => (lines[index] ? [[kind, lines[index]]] : []))),
  }));
}
