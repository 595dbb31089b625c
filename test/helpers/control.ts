import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for sockets, short enough for them. */
export class SocketFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-ctl-"));

  path(name = "control"): string {
    return join(this.#folder, name);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A connection to a control socket, with all that it was told. */
export class Talk {
  readonly socket: Socket;
  /** Resolves when the other side has ended the connection, however. */
  readonly ended: Promise<void>;
  #text = "";
  #notify: () => void = () => undefined;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#notify();
    });
    this.socket.on("error", () => undefined);
    this.ended = new Promise((resolve) => this.socket.once("close", () => resolve()));
  }

  /** The lines that came, each as what it says. */
  get lines(): readonly Record<string, unknown>[] {
    return this.#text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** Resolves when so many lines have come. */
  async until(count: number): Promise<readonly Record<string, unknown>[]> {
    while (this.lines.length < count) {
      const isOver = await Promise.race([
        this.ended.then(() => true),
        new Promise<void>((resolve) => {
          this.#notify = resolve;
        }),
      ]);
      if (isOver && this.lines.length < count) throw new Error(`ended after ${this.#text}`);
    }
    return this.lines;
  }
}

/** Sends text, closes its half, and gives all lines that came. */
export async function talk(
  path: string,
  input: string | Uint8Array,
): Promise<readonly Record<string, unknown>[]> {
  const talk = new Talk(path);
  talk.socket.end(input);
  await talk.ended;
  return talk.lines;
}
