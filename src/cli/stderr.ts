import type { Writable } from "node:stream";

/** Most that waits for a reader of stderr who has stopped, in bytes: a batch of f2b-exec's tells of 50,000 bans at once. */
export const MAX_WAITING = 16 * 1024 * 1024;

/**
 * Writes lines for people to `stream`, and lives on when nobody can read them: a logger that is gone (EPIPE) or a full disk must
 * not end what bans. A reader that has stopped takes up no more than MAX_WAITING bytes; what comes beyond is left out, and
 * how much is said as soon as there is room.
 */
export function forPeople(program: string, stream: Writable = process.stderr): (text: string) => void {
  let lost = 0;
  stream.on("error", () => undefined);
  return (text) => {
    if (stream.writableLength > MAX_WAITING) {
      lost++;
      return;
    }
    if (lost > 0) stream.write(`${program}: warning: ${lost} messages were lost: nobody read them\n`);
    lost = 0;
    stream.write(text);
  };
}
