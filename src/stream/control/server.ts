import type { Server, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { printable, type Report } from "../../cli/report.ts";
import { linesOf } from "../../protocol/control-lines.ts";
import {
  ControlError,
  decodeRequest,
  type End,
  endOf,
  MAX_REQUEST_BYTES,
  type Request,
} from "../../protocol/control-requests.ts";
import { toJson } from "../../shared/invisible.ts";

/** Most clients at a time, and most others who are being told so; beyond that connections end without a word. */
const MAX_CLIENTS = 16;
const MAX_TOLD = 16;
/** How long, in milliseconds, a client may take to send a request, or to take a piece of its answer. */
const PATIENCE = 10_000;
/** An answer is written in pieces of about so many characters. */
const PIECE = 65_536;

/**
 * Does what a request asks and gives the lines of its answer, each with its newline. The lines are taken as the client takes
 * them; what the request changes is done before.
 *
 * @throws ControlError
 */
export type Answerer = (request: Request) => Promise<Iterable<string>>;

export interface ControlServerOptions {
  readonly answer: Answerer;
  readonly report: Report;
  /** Milliseconds, as `PATIENCE`. */
  readonly patience?: number;
}

/**
 * Answers clients. It never keeps the process alive, and holds of each client one request, one piece of an answer and what
 * the kernel holds, however many requests are sent and however slowly answers are taken.
 */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #connections = new Set<Socket>();
  readonly #turns = new Turns();

  constructor(server: Server, options: ControlServerOptions) {
    this.#options = options;
    server.on("connection", (socket) => this.#accept(socket));
    server.on("error", ({ message }) => options.report.rareWarning("control", `control: ${message}`));
    server.maxConnections = MAX_CLIENTS + MAX_TOLD;
    server.unref();
  }

  /** Ends all connections. */
  close(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.unref();
    // The client is gone, or does not read: that is its own affair.
    socket.on("error", () => undefined);
    const { answer, report, patience = PATIENCE } = this.#options;
    const client = new Client(socket, patience, this.#turns);
    const isOneTooMany = this.#connections.size >= MAX_CLIENTS;
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
    void (isOneTooMany ? turnAway(client) : serve(client, answer, report));
  }
}

async function turnAway(client: Client): Promise<void> {
  await client.send([
    refusal(new ControlError("ERR_CONTROL_BUSY", `${MAX_CLIENTS} clients are connected already`)),
  ]);
  client.end();
}

async function serve(client: Client, answer: Answerer, report: Report): Promise<void> {
  try {
    for await (const line of client.requests()) await client.send(await linesFor(line, answer, report));
  } catch (error) {
    if (error instanceof RangeError) {
      await client.send([refusal(new ControlError("ERR_CONTROL_REQUEST", error.message))]);
    } else if (!client.isGone) tellBug(error, report);
  }
  client.end();
}

/** The whole answer to a line. Whatever a client may have found to break is told, and goes no further. */
async function linesFor(line: string, answer: Answerer, report: Report): Promise<Iterable<string>> {
  try {
    return withEnd(await answer(decodeRequest(line)));
  } catch (error) {
    if (error instanceof ControlError) return [refusal(error)];
    tellBug(error, report);
    return [refusal(new ControlError("ERR_CONTROL_INTERNAL", "internal error, see the log of f2b-stream"))];
  }
}

function tellBug(error: unknown, report: Report): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  report.error(`control: internal error: ${printable(stack, 2000)}`);
}

function* withEnd(lines: Iterable<string>): Iterable<string> {
  yield* lines;
  yield endLine({ ok: true });
}

function refusal(error: ControlError): string {
  return endLine(endOf(error));
}

function endLine(end: End): string {
  return `${toJson(end)}\n`;
}

/** A connection whose client is waited for a while, and no longer. */
class Client {
  readonly #socket: Socket;
  readonly #patience: number;
  readonly #turns: Turns;
  /** Called when it has taken what was written, or has gone. */
  #wake: () => void = () => undefined;

  constructor(socket: Socket, patience: number, turns: Turns) {
    this.#socket = socket;
    this.#patience = patience;
    this.#turns = turns;
    for (const event of ["drain", "close"]) socket.on(event, () => this.#wake());
  }

  /** True when it has left, or was given up. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** The lines that it sends, one at a time. */
  async *requests(): AsyncGenerator<string> {
    const lines = linesOf(this.#socket.iterator({ destroyOnReturn: false }), MAX_REQUEST_BYTES);
    for (;;) {
      const { value, done } = await this.#waitFor(lines.next());
      if (done) return;
      await this.#turns.next();
      yield value;
    }
  }

  /** Sends lines as fast as they are taken; none to a client that has gone. */
  async send(lines: Iterable<string>): Promise<void> {
    let piece = "";
    for (const line of lines) {
      piece += line;
      if (piece.length < PIECE) continue;
      await this.#write(piece);
      await this.#turns.next();
      if (this.isGone) return;
      piece = "";
    }
    await this.#write(piece);
  }

  /** Says no more, and gives the client a while to read what was said: what it has sent must be taken for that. */
  end(): void {
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), this.#patience).unref();
    this.#socket.once("close", () => clearTimeout(timer));
  }

  async #write(text: string): Promise<void> {
    if (this.isGone || this.#socket.write(text)) return;
    await this.#waitFor(
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    );
  }

  async #waitFor<T>(event: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#socket.destroy(), this.#patience).unref();
    try {
      return await event;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Lets the stream go on between any two things that are done for clients, however many there are. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  next(): Promise<unknown> {
    this.#last = this.#last.then(() => setImmediate());
    return this.#last;
  }
}
