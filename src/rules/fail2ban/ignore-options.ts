import { type Network, parseNetwork, unmap } from "../../shared/address.ts";
import type { IgnoreRule } from "../rule.ts";
import { splitWords } from "./calls.ts";
import type { LocatedText } from "./located-text.ts";
import { shellNeed, splitShell } from "./shell-words.ts";
import { flag, type JailOptions, type Warn } from "./values.ts";

/** Reads `ignoreip`, `ignoreself` and `ignorecommand`. Warns of what cannot be carried over. */
export function readIgnore(options: JailOptions, warn: Warn): IgnoreRule {
  const networks: Network[] = [];
  const files: string[] = [];
  const hosts: string[] = [];
  for (const word of splitWords(options.get("ignoreip")?.text ?? "")) {
    const file = /^file:(?:\/\/)?(\/.+)$/.exec(word)?.[1];
    const network = parseNetwork(withPrefix(word));
    if (file !== undefined) files.push(file);
    else if (network !== undefined) networks.push(unmap(network));
    else if (/^(?=.{1,253}$)(?:[\w-]{1,63}\.)*[a-z][\w-]{0,62}\.?$/i.test(word)) hosts.push(word);
    else
      warn(`ignoreip: expected an address, a network or a host name, got ${JSON.stringify(word)}: skipped`);
  }
  const self = flag(options, "ignoreself", true, warn);
  return { networks, files, hosts, self, command: readCommand(options.get("ignorecommand"), warn) };
}

/** `192.0.2.0/255.255.255.0` as `192.0.2.0/24`. */
function withPrefix(word: string): string {
  const [, address, mask] = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(word) ?? [];
  const value = parseNetwork(mask ?? "")?.value;
  if (value === undefined) return word;
  const bits = value.toString(2).padStart(32, "0");
  return /^1*0*$/.test(bits) ? `${address}/${bits.lastIndexOf("1") + 1}` : word;
}

function readCommand(value: LocatedText | undefined, warn: Warn): readonly string[] | undefined {
  if (value === undefined || value.text.trim() === "") return undefined;
  const split = splitShell(value.text);
  const why = value.text.includes("\n") ? "a second line" : shellNeed(split);
  if (why === undefined) {
    const unknown = value.text.match(/<(?:jail\.[a-z_]+|raw-ticket)>/)?.[0];
    if (unknown) warn(`ignorecommand: ${unknown} is not replaced`);
    return split.words;
  }
  warn(`ignorecommand needs a shell for ${JSON.stringify(why)}, which is never run: skipped`);
  return undefined;
}
