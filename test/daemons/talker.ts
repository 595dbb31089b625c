import { connect, type Socket } from "node:net";
import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import type { Answer, Question, Step } from "./talk.ts";

// Runs at the client: a question a line on stdin, an answer a line on stdout, as many at a time as are asked.

/** One connection, by the steps of a question. */
class Connection {
  readonly #timeout: number;
  #socket: Socket;
  /** All that arrived, and where the part begins that came after the last text was sent. */
  #heard = "";
  #since = 0;
  #closed: string | undefined;
  #wake: () => void = () => undefined;

  constructor({ from, to, port, timeout = 30_000 }: Question) {
    this.#timeout = timeout;
    this.#socket = connect({ host: to, port, ...(from !== undefined && { localAddress: from }) });
    this.#listen();
  }

  get heard(): string {
    return this.#heard;
  }

  get closed(): string | undefined {
    return this.#closed;
  }

  async take(step: Step): Promise<void> {
    if ("send" in step) {
      this.#since = this.#heard.length;
      this.#socket.write(Buffer.from(step.send, "latin1"));
    } else if ("expect" in step) {
      const pattern = new RegExp(step.expect, "m");
      await this.#until(() => pattern.test(this.#heard.slice(this.#since)));
    } else if ("wait" in step) {
      await new Promise((resolve) => setTimeout(resolve, step.wait));
    } else if ("sni" in step) {
      await this.#secure(step.sni);
    } else if (step.do === "tls") {
      await this.#secure();
    } else if (step.do === "close") {
      await this.#until(() => false);
    } else {
      this.#socket[step.do === "reset" ? "resetAndDestroy" : "end"]();
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #secure(servername?: string): Promise<void> {
    this.#socket.removeAllListeners();
    const secure = connectTls({
      socket: this.#socket,
      rejectUnauthorized: false,
      ...(servername !== undefined && { servername, checkServerIdentity: () => undefined }),
    });
    this.#socket = secure;
    this.#since = this.#heard.length;
    let isSecure = false;
    secure.once("secureConnect", () => {
      isSecure = true;
      this.#wake();
    });
    this.#listen();
    await this.#until(() => isSecure);
  }

  #listen(): void {
    this.#socket.on("data", (bytes: Buffer) => {
      this.#heard += bytes.toString("latin1");
      this.#wake();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on("close", () => this.#end("closed"));
  }

  #end(why: string): void {
    this.#closed ??= why;
    this.#wake();
  }

  /** Waits until it is so, the connection is closed, or nothing was heard for as long as the question allows. */
  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && this.#closed === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.#end("timeout");
          this.#socket.destroy();
        }, this.#timeout);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

async function ask(question: Question): Promise<Answer> {
  const connection = new Connection(question);
  for (const step of question.steps) {
    if (connection.closed !== undefined) break;
    await connection.take(step);
  }
  const closed = connection.closed;
  connection.destroy();
  return { heard: connection.heard, closed };
}

for await (const line of createInterface({ input: stdin })) {
  const { id, question } = JSON.parse(line) as { id: number; question: Question };
  void ask(question).then((answer) => stdout.write(`${JSON.stringify({ id, answer })}\n`));
}
