import type { EnforcedDecision } from "../../protocol/command.ts";
import type { EnforcedJail } from "../kernel/backend.ts";
import { TAG } from "../settings/tag-names.ts";

/** Values by tag name, all checked by decode(): none of them is log text. */
export type TagValues = Readonly<Record<string, string>>;

/** `<name>`, `<port>` and `<protocol>`, in fail2ban's spelling: all ports are `0:65535`. */
export function jailTags({ name, ports, protocols }: EnforcedJail): TagValues {
  return {
    name,
    port: ports.length === 0 ? "0:65535" : ports.join(","),
    protocol: protocols.length === 0 ? "tcp" : protocols.join(","),
  };
}

/** The tags of a command. `<time>` is in epoch seconds, `<bantime>` in seconds (-1: for ever). An id has no `<ip>`. */
export function commandTags(command: EnforcedDecision, jail: EnforcedJail): TagValues {
  const ban = command.cmd === "ban" ? command : undefined;
  const until = ban?.until ?? null;
  return {
    ...jailTags(jail),
    ...(command.ip !== undefined && { ip: command.ip }),
    time: String(Math.floor(command.time / 1000)),
    bantime: String(until === null ? -1 : Math.max(0, Math.ceil((until - command.time) / 1000))),
    failures: String(ban?.failures ?? 0),
    bancount: String(ban?.bancount ?? 1),
  };
}

/**
 * Replaces the tags in each argument, which stays one argument. Returns undefined when a tag has no value.
 *
 * @throws RangeError when a value would turn its argument into an option
 */
export function fillTags(argv: readonly string[], values: TagValues): readonly string[] | undefined {
  let isComplete = true;
  const filled = argv.map((argument) => {
    const text = argument.replace(TAG, (tag, name: string) => {
      if (!Object.hasOwn(values, name)) isComplete = false;
      return values[name] ?? tag;
    });
    if (text.startsWith("-") && argument.startsWith("<name>")) {
      throw new RangeError(`${argument}: the name of the jail would be read as an option`);
    }
    return text;
  });
  return isComplete ? filled : undefined;
}
