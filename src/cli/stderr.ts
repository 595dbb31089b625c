import type { Writable } from "node:stream";

/** Most bytes that wait for a reader of stderr that has stopped: a batch of f2b-exec may report 50,000 bans at once. */
export const MAX_WAITING = 16 * 1024 * 1024;

/**
 * Writes messages to `stream`, and survives when they can't be written: a logger that is gone (EPIPE) or a full disk must not
 * stop the bans. For a reader that has stopped at most MAX_WAITING bytes wait; further messages are dropped, and their number is
 * written as soon as there is room.
 */
export function forPeople(program: string, stream: Writable = process.stderr): (text: string) => void {
  let lost = 0;
  stream.on("error", () => undefined);
  return (text) => {
    if (stream.writableLength > MAX_WAITING) {
      lost++;
      return;
    }
    if (lost > 0) stream.write(`${program}: warning: ${countMessages(lost)} dropped: stderr was not read\n`);
    lost = 0;
    stream.write(text);
  };
}

function countMessages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}
