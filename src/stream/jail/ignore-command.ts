import { execFile } from "node:child_process";
import { lookupService } from "node:dns/promises";
import { groupName } from "../../filter/filter-tags.ts";
import type { Groups } from "../../filter/verdict.ts";
import type { Jail } from "../../rules/rule.ts";
import { type Network, parseNetwork } from "../../shared/address.ts";

/** Longest run of an `ignorecommand`, in milliseconds. */
const COMMAND_TIMEOUT = 10_000;
/** Longest value of a tag, in characters: a log's text may be longer than an argument can be. */
const LONGEST = 4096;

/** What the tags of an `ignorecommand` are filled with, as in fail2ban. All but the jail's own comes from the log. */
export interface CommandValues {
  /** The address or network; for an id that is none, the id. */
  readonly ip: string;
  /** The failure's id as it was found. */
  readonly fid: string;
  readonly jail: Jail;
  /** Epoch milliseconds. */
  readonly time: number;
  /** How many bans of it are known. */
  readonly bancount: number;
  readonly lines: readonly string[];
  readonly groups: () => Groups;
}

/** An `ignorecommand` ready to run. */
interface Question {
  /** Each argument in pieces, between which the name of the host goes. */
  readonly argv: readonly (readonly string[])[];
  readonly ip: string;
}

/**
 * The tags of an `ignorecommand` that are filled in besides `<F-…>` and `<ip-host>`. The failure has not been counted, nor the address been
 * banned when it runs.
 */
const TAGS = {
  ip: ({ ip }) => ip,
  fid: ({ fid }) => fid,
  name: ({ jail }) => jail.name,
  family: ({ ip }) => familyOf(parseNetwork(ip)),
  "ip-rev": ({ ip }) => reversed(parseNetwork(ip)),
  time: ({ time }) => String(time / 1000),
  bantime: ({ jail }) => String(jail.bantime === null ? -1 : Math.floor(jail.bantime / 1000)),
  bancount: ({ bancount }) => String(bancount),
  failures: () => "0",
  ipfailures: () => "0",
  ipjailfailures: () => "0",
  restored: () => "0",
  matches: ({ lines }) => lines.join("\n"),
  ipmatches: ({ lines }) => lines.join("\n"),
  ipjailmatches: ({ lines }) => lines.join("\n"),
} as const satisfies Readonly<Record<string, (values: CommandValues) => string>>;

/** What `askCommand` is asked about one failure: the arguments as text. Each value stays within its argument, whatever it is. */
export function commandQuestion(command: readonly string[], values: CommandValues): string {
  const argv = command.map((word) => word.split("<ip-host>").map((piece) => filled(piece, values)));
  return JSON.stringify({ argv, ip: values.ip } satisfies Question);
}

function filled(text: string, values: CommandValues): string {
  return text.replace(/<(?:F-([A-Z0-9_-]+)|([a-z-]+))>/g, (tag, custom?: string, name = "") => {
    if (custom !== undefined) return cut(values.groups()[groupName(custom)] ?? "");
    return Object.hasOwn(TAGS, name) ? cut(TAGS[name as keyof typeof TAGS](values)) : tag;
  });
}

function cut(text: string): string {
  return text.slice(0, LONGEST);
}

function familyOf(network: Network | undefined): string {
  return network === undefined ? "" : network.family === 4 ? "inet4" : "inet6";
}

/** As the name of a PTR record begins: `7.2.0.192.` */
function reversed(network: Network | undefined): string {
  if (network === undefined) return "";
  const { family, value } = network;
  if (family === 4) {
    return [0n, 8n, 16n, 24n].map((shift) => `${(value >> shift) & 255n}.`).join("");
  }
  const digits = value.toString(16).padStart(32, "0");
  return [...digits]
    .reverse()
    .map((digit) => `${digit}.`)
    .join("");
}

/**
 * Runs an `ignorecommand`, as an argv and without a shell: true for status 0, false for any other; undefined when it could not be run.
 *
 * @param question from `commandQuestion`
 */
export async function askCommand(question: string): Promise<boolean | undefined> {
  const { argv, ip } = JSON.parse(question) as Question;
  const host = argv.some((pieces) => pieces.length > 1) ? await hostOf(ip) : "";
  const [file = "", ...args] = argv.map((pieces) => pieces.join(host));
  return new Promise((resolve) => {
    execFile(file, args, { timeout: COMMAND_TIMEOUT, killSignal: "SIGKILL", maxBuffer: 65536 }, (error) => {
      if (!error) resolve(true);
      else resolve(typeof error.code === "number" ? false : undefined);
    });
  });
}

/** The name of an address; empty when it has none, or is none. */
async function hostOf(ip: string): Promise<string> {
  try {
    const { hostname } = await lookupService(ip, 0);
    return hostname === ip ? "" : hostname;
  } catch {
    return "";
  }
}
