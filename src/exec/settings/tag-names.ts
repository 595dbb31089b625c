const JAIL_TAGS = ["name", "port", "protocol"];
const ADDRESS_TAGS = [...JAIL_TAGS, "ip", "bantime", "failures", "bancount", "time"];
/** A tag in an argument, such as `<ip>`; its name is a group. */
export const TAG = /<([A-Za-z][A-Za-z0-9_/?-]*)>/g;

/** The first `<tag>` of an argument that has no value there; undefined: all have one. `jail`: commands without an address. */
export function unknownTag(argument: string, tags: "address" | "jail"): string | undefined {
  const known = tags === "jail" ? JAIL_TAGS : ADDRESS_TAGS;
  for (const [tag, name] of argument.matchAll(TAG)) if (!known.includes(name ?? "")) return tag;
  return undefined;
}
