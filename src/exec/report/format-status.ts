import { columns } from "../../cli/columns.ts";
import { printable } from "../../cli/report.ts";
import { toJson } from "../../shared/invisible.ts";
import type { FoundJail, Until } from "../kernel/backend.ts";

/** The jails of a back end, with their bans in force. */
export interface StatusList {
  readonly backend: string;
  readonly jails: readonly FoundJail[];
}

/** The bans in force, for people: a line per ban, in aligned columns. Names are untrusted text from the kernel. */
export function formatStatus(lists: readonly StatusList[]): string {
  const bans = lists.flatMap(({ backend, jails }) => jails.flatMap((jail) => rowsOf(jail, backend)));
  if (bans.length === 0) return "no jails\n";
  const rows = [["JAIL", "ADDRESS", "UNTIL", "PORTS", "CHAINS", "BACKEND"], ...bans];
  return `${columns(rows.map((row) => row.map((cell) => printable(cell)))).join("\n")}\n`;
}

/** The bans in force, for programs: an object per jail and line. */
export function formatStatusJson(lists: readonly StatusList[]): string {
  return lists.flatMap(({ backend, jails }) => jails.map((jail) => `${jsonOf(jail, backend)}\n`)).join("");
}

function jsonOf({ name, ports, protocols, chains, bans }: FoundJail, backend: string): string {
  const list = [...bans].map(([ip, until]) => ({ ip, until: shownEnd(until, null) }));
  const port = ports.map((text) => (text.includes(":") ? text : Number(text)));
  return toJson({ jail: name, backend, port, protocol: protocols, chain: chains, bans: list });
}

function rowsOf({ name, ports, protocols, chains, bans }: FoundJail, backend: string): readonly string[][] {
  const where = [
    ports.length === 0 ? "all" : `${ports.join(",")}/${protocols.join(",")}`,
    chains.join(",") || "none",
    backend,
  ];
  if (bans.size === 0) return [[name, "-", "-", ...where]];
  return [...bans].map(([ip, until]) => [name, ip, shownEnd(until, "for ever"), ...where]);
}

function shownEnd<T>(until: Until, never: T): string | T {
  return until === null ? never : new Date(until).toISOString();
}
