import type { Netns } from "./netns.ts";

/** Whom a jail has banned, as the kernel's own tools show it, whatever the back end; sorted. */
export async function kernelBans(net: Netns, jail: string): Promise<string[]> {
  const [rules4, rules6, sets, tables] = await Promise.all([
    net.run("iptables", "-S"),
    net.run("ip6tables", "-S"),
    net.run("ipset", "save"),
    net.run("nft", "list", "ruleset", "inet"),
  ]);
  const bans = new Set<string>();
  for (const [, ip = ""] of `${rules4}${rules6}`.matchAll(new RegExp(`^-A f2bs-${jail} -s (\\S+)`, "gm"))) {
    bans.add(ip.replace(/(?:\/32|(?<=:\S*)\/128)$/, ""));
  }
  for (const [, ip = ""] of sets.matchAll(new RegExp(`^add f2bs-${jail}-[46] (\\S+)`, "gm"))) bans.add(ip);
  const table = new RegExp(`^table inet f2bs-${jail} \\{\\n([\\s\\S]*?)^\\}`, "m").exec(tables)?.[1] ?? "";
  for (const [, prefix, text = ""] of table.matchAll(/set ipv[46]-(\d+) \{([\s\S]*?)\n\t\}/g)) {
    const elements = /elements = \{([\s\S]*?)\}/.exec(text)?.[1] ?? "";
    for (const element of elements.split(",")) {
      const [ip] = element.trim().split(" ");
      if (ip) bans.add(prefix === "32" || prefix === "128" ? ip : `${ip}/${prefix}`);
    }
  }
  return [...bans].sort();
}
