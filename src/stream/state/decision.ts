import { type Ban, decode, type Unban } from "../../protocol/command.ts";
import { CommandError } from "../../protocol/json-fields.ts";

/** A line of a state that concerns a ban. */
export type Decision = Ban | Unban;

/**
 * The ban or unban in a line of a state; undefined: the line is something else that a state may hold (a header, a `sync`, a command
 * of a newer version).
 *
 * @param bytes undefined: the line is too long
 * @throws CommandError when the line is damaged
 */
export function decisionIn(bytes: Buffer | undefined): Decision | undefined {
  if (bytes === undefined) throw new CommandError("the line is too long");
  if (bytes.length === 0) return undefined;
  try {
    const command = decode(bytes.toString("utf8"), 0);
    return command.cmd === "sync" ? undefined : command;
  } catch (error) {
    if (error instanceof CommandError && error.code === "ERR_COMMAND_UNKNOWN") return undefined;
    throw error;
  }
}
