import type { Found, Until } from "./backend/backend.ts";

/** What is in force, for people: a line a ban, the columns aligned. */
export function formatStatus(jails: readonly Found[]): string {
  if (jails.length === 0) return "no jails\n";
  const rows = [["JAIL", "ADDRESS", "UNTIL", "PORTS", "CHAINS"], ...jails.flatMap(rowsOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** What is in force, for programs: an object a jail, one a line. */
export function formatStatusJson(jails: readonly Found[], backend: string): string {
  return jails
    .map(({ name, ports, protocols, chains, bans }) => {
      const list = [...bans].map(([ip, until]) => ({ ip, until: shownEnd(until, null) }));
      const port = ports.map((text) => (text.includes(":") ? text : Number(text)));
      const shown = { jail: name, backend, port, protocol: protocols, chain: chains, bans: list };
      return `${JSON.stringify(shown)}\n`;
    })
    .join("");
}

function rowsOf({ name, ports, protocols, chains, bans }: Found): readonly string[][] {
  const where = [
    ports.length === 0 ? "all" : `${ports.join(",")}/${protocols.join(",")}`,
    chains.join(",") || "none",
  ];
  if (bans.size === 0) return [[name, "-", "-", ...where]];
  return [...bans].map(([ip, until]) => [name, ip, shownEnd(until, "for ever"), ...where]);
}

function shownEnd<T>(until: Until, never: T): string | T {
  return until === null ? never : new Date(until).toISOString();
}
