import { PROTOCOLS } from "../../shared/limits.ts";
import { type Jail, RuleError } from "../rule.ts";
import { parsePort } from "../services.ts";
import { splitWords } from "./calls.ts";
import type { FirewallAction } from "./resolve-action.ts";
import type { ResolvedJail } from "./resolve-jail.ts";
import type { Warn } from "./values.ts";

/** The ports that one action blocks; an empty list: all. */
interface ClosedPorts {
  readonly ports: readonly (number | string)[];
  readonly protocols: readonly string[];
}

/**
 * The ports that the jail's firewall actions block, together; without such an action the jail's own `port`.
 *
 * @throws RuleError for an unknown port or protocol
 */
export function portsOf(jail: ResolvedJail, warn: Warn): Pick<Jail, "port" | "protocol"> {
  const actions = jail.actions.filter((action) => action.kind === "firewall");
  const closed = (actions.length === 0 ? [undefined] : actions).map((action) => closedBy(jail, action));
  const ports = [...new Set(closed.flatMap((each) => each.ports))];
  const protocols = [...new Set(closed.flatMap((each) => each.protocols))];
  const all = closed.some((each) => each.ports.length === 0);
  if (!all && closed.some((each) => each.ports.length < ports.length)) {
    warn(`actions block different ports: all of them are blocked for ${protocols.join(" and ")}`);
  }
  if (all) return { port: undefined, protocol: protocols.includes("all") ? ["all"] : protocols };
  if (protocols.includes("icmp")) throw refused(jail, "protocol icmp has no ports");
  if (!protocols.includes("all")) return { port: ports, protocol: protocols };
  warn("protocol all has no ports: they are blocked for tcp and udp");
  return { port: ports, protocol: ["tcp", "udp"] };
}

function closedBy(jail: ResolvedJail, action: FirewallAction | undefined): ClosedPorts {
  const protocols = splitWords((action?.protocol ?? jail.protocol?.text ?? "").toLowerCase());
  const wrong = protocols.find((word) => !PROTOCOLS.includes(word));
  if (wrong !== undefined) throw refused(jail, `unknown protocol ${JSON.stringify(wrong)}`);
  const text = action?.allports ? "" : (action?.port ?? jail.port?.text ?? "");
  return { ports: readPorts(jail, text), protocols: protocols.length === 0 ? ["tcp"] : protocols };
}

function readPorts(jail: ResolvedJail, text: string): readonly (number | string)[] {
  const ports = splitWords(text).map((word) => {
    if (/^(?:all|any)$/i.test(word)) return "0:65535";
    const port = parsePort(word);
    if (port === undefined) throw refused(jail, `unknown port ${JSON.stringify(word)}`);
    return port;
  });
  return ports.some((port) => port === "0:65535" || port === "1:65535") ? [] : ports;
}

function refused({ place }: ResolvedJail, message: string): RuleError {
  return new RuleError("ERR_RULE_VALUE", place, message);
}
