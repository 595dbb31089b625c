import { readArgs, type Typed, UsageError } from "../cli/args.ts";
import { JAIL_NAME, readSubject, type Subject } from "../protocol/command.ts";
import { DEFAULT_SOCKET, type Request } from "../protocol/control-requests.ts";
import { CommandError } from "../protocol/json-fields.ts";
import { DURATION_UNITS, parseDuration } from "../shared/duration.ts";

export const HELP = `usage: f2b-client [-s SOCKET] [--json] COMMAND

Queries and controls a running f2b-stream.

  status [JAIL]         show its state; a jail's settings, counts and bans
  banned                list the bans in force
  ban JAIL IP [TIME]    ban an address or network: 10m, 1d 12h, -1 for ever
                        (default: as long as the jail's next ban)
  unban IP              end its bans in all jails and forget its failures
  explain IP            show why it is banned and until when, or how near it is
  reload                reload the rules; with mistakes nothing changes
  ping                  check that it answers

  -s, --socket SOCKET   the socket of f2b-stream --control
                        (default: ${DEFAULT_SOCKET})
      --json            print the answer as JSON, one object a line
      --id              IP is another failure id (<F-ID>), taken as it is
      --all             unban --all: end all bans
  -h, --help; --version

exit status: 65 f2b-stream refuses, 69 it does not answer, 78 mistakes in rules

  f2b-client explain 192.0.2.7
`;

/** What the command line means. */
export type Options = { readonly action: "help" } | { readonly action: "version" } | Question;

export interface Question {
  readonly action: "ask";
  readonly socket: string;
  readonly isJson: boolean;
  readonly request: Request;
}

/**
 * Reads the command line of f2b-client.
 *
 * @throws UsageError
 */
export function readOptions(argv: readonly string[]): Options {
  const typed = readArgs(argv, {
    flags: ["json", "all", "id"],
    strings: ["socket"],
    alias: { s: "socket" },
  });
  if (typed.has("help")) return { action: "help" };
  if (typed.has("version")) return { action: "version" };
  return {
    action: "ask",
    socket: typed.value("socket") ?? DEFAULT_SOCKET,
    isJson: typed.has("json"),
    request: readRequest(typed),
  };
}

function readRequest(typed: Typed): Request {
  const [command, ...rest] = typed.operands;
  const hasTarget = command === "ban" || command === "unban" || command === "explain";
  if (typed.has("all") && command !== "unban") throw new UsageError("option --all is for unban only");
  if (typed.has("id") && !hasTarget) throw new UsageError("option --id is for ban, unban and explain only");
  switch (command) {
    case "ping":
    case "banned":
    case "reload":
      noMore(rest, 0);
      return { do: command };
    case "status":
      noMore(rest, 1);
      return { do: command, jail: rest[0] === undefined ? undefined : readJail(rest[0]) };
    case "explain":
      noMore(rest, 1);
      return { do: command, subject: readTarget(typed, rest[0]) };
    case "unban":
      noMore(rest, typed.has("all") ? 0 : 1);
      return { do: command, subject: typed.has("all") ? "all" : readTarget(typed, rest[0]) };
    case "ban": {
      const [jail, subject, ...time] = rest;
      const bantime = time.length === 0 ? undefined : readBantime(time.join(" "));
      return { do: command, jail: readJail(jail), subject: readTarget(typed, subject), bantime };
    }
    case undefined:
      throw new UsageError("missing command");
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}`);
  }
}

function noMore(operands: readonly string[], most: number): void {
  const excess = operands[most];
  if (excess !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(excess)}`);
}

function readJail(name: string | undefined): string {
  if (name === undefined) throw new UsageError("missing jail");
  if (JAIL_NAME.test(name)) return name;
  throw new UsageError(`expected the name of a jail, got ${JSON.stringify(name)}`);
}

function readTarget(typed: Typed, text: string | undefined): Subject {
  if (text === undefined || text === "") throw new UsageError("missing address");
  try {
    return readSubject(typed.has("id") ? { id: text } : { ip: text });
  } catch (error) {
    if (error instanceof CommandError) throw new UsageError(error.message);
    throw error;
  }
}

function readBantime(text: string): number | null {
  if (text === "-1") return null;
  const bantime = parseDuration(text);
  if (bantime !== undefined && bantime > 0) return bantime;
  throw new UsageError(
    `expected a duration such as "10m", or -1 for ever, got ${JSON.stringify(text)}: units are ${DURATION_UNITS}`,
  );
}
