import type { SshTalker } from "../daemons/ssh-talker.ts";
import type { Step, Talker } from "../daemons/talk.ts";
import type { Bytes } from "./texts.ts";

/** Who speaks to a daemon. */
export interface Talkers {
  readonly talker: Talker;
  readonly ssh: SshTalker;
}

/** A place where a client writes. */
export interface Field {
  readonly name: string;
  /** How many texts one connection takes. */
  readonly batch: number;
  /**
   * Makes one connection from an address, which writes the texts there and fails with each.
   *
   * @returns how many failures the daemon told the client of
   */
  attempt(talkers: Talkers, from: string, texts: readonly Bytes[]): Promise<number>;
}

/** Milliseconds of silence after which a daemon is not waited for. */
const PATIENCE = 2000;

/** Steps before the texts, for each of them, and after them. */
export interface Session {
  readonly before: readonly Step[];
  readonly each: (text: Bytes) => readonly Step[];
  readonly after: readonly Step[];
}

/**
 * A field of a protocol made of lines. A connection with one text fails once at most.
 *
 * @param failed what the daemon answers to a wrong login
 */
export function lineField(
  name: string,
  port: number,
  failed: RegExp,
  { before, each, after }: Session,
  batch = 1,
): Field {
  const all = new RegExp(failed, `g${failed.flags.replace("g", "")}`);
  return {
    name,
    batch,
    async attempt({ talker }, from, texts) {
      const { heard } = await talker.talk(
        from,
        port,
        [...before, ...texts.flatMap(each), ...after],
        PATIENCE,
      );
      return Math.min(texts.length, heard.match(all)?.length ?? 0);
    },
  };
}
