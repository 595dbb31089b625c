import { stringify } from "yaml";
import type { CommandAction } from "./action.ts";
import type { ExecJail } from "./load.ts";

/**
 * What f2b-exec needs to do as the actions of fail2ban's jails did, as a file for its `-c`: how traffic is blocked, from which
 * chains, and simple commands. What it can't do stands in comments, jail by jail.
 */
export function dumpExec(exec: readonly ExecJail[]): string {
  const jails = new Map(exec.map((jail) => [jail.jail, keysOf(jail)]));
  const text = stringify({ jails }, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });
  const missing = exec.flatMap(({ jail, unsupported }) =>
    unsupported.map(({ name, why }) => `# ${jail}: ${name}: ${why.replace(/\s+/g, " ")}\n`),
  );
  return [...missing, text].join("");
}

/** Keys that are undefined are left out by yaml's stringify. */
function keysOf({ blocktype, chains, commands }: ExecJail): Readonly<Record<string, unknown>> {
  const actions = commands.flatMap(actionsOf);
  return {
    blocktype,
    chain: chains.length > 0 ? chains : undefined,
    actions: actions.length > 0 ? actions : undefined,
  };
}

/** An action of f2b-exec has one command of each kind; one of fail2ban's may have several, a line each. */
function actionsOf({ name, commands }: CommandAction): readonly Readonly<Record<string, unknown>>[] {
  const kinds = Object.entries(commands);
  const count = Math.max(0, ...kinds.map(([, lines]) => lines.length));
  return Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? name : `${name}-${index + 1}`,
    ...Object.fromEntries(kinds.flatMap(([kind, lines]) => (lines[index] ? [[kind, lines[index]]] : []))),
  }));
}
