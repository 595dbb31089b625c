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

/** Most clients at a time, and most others that are being refused; beyond that, connections are closed silently. */
const MAX_CLIENTS = 16;
const MAX_REFUSED = 16;
/** How long, in milliseconds, a client may take to send a request, or to take a piece of its answer. */
const PATIENCE = 10_000;
/** Answers are written in pieces of about this many characters. */
const PIECE = 65_536;

/**
 * Carries out a request and gives the lines of its answer, each with its newline. The lines are taken as the client takes
 * them; the changes are made before.
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
 * Answers clients. It never keeps the process alive, and holds one request and one piece of an answer for each client, however
 * many requests are sent and however slowly answers are taken.
 */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #connections = new Set<Socket>();
  readonly #turns = new Turns();

  constructor(server: Server, options: ControlServerOptions) {
    this.#options = options;
    server.on("connection", (socket) => this.#accept(socket));
    server.on("error", ({ message }) => options.report.rareWarning("control", `control: ${message}`));
    server.maxConnections = MAX_CLIENTS + MAX_REFUSED;
    server.unref();
  }

  /** Ends all connections. */
  close(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.unref();
    // The client is gone: there is no one to report to.
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
    } else if (!client.isGone) reportBug(error, report);
  }
  client.end();
}

/** The whole answer to a line. An internal error is reported, and ends only this answer. */
async function linesFor(line: string, answer: Answerer, report: Report): Promise<Iterable<string>> {
  try {
    return withEnd(await answer(decodeRequest(line)));
  } catch (error) {
    if (error instanceof ControlError) return [refusal(error)];
    reportBug(error, report);
    return [refusal(new ControlError("ERR_CONTROL_INTERNAL", "internal error, see the log of f2b-stream"))];
  }
}

function reportBug(error: unknown, report: Report): void {
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

/** A connection that is closed when its client is too slow. */
class Client {
  readonly #socket: Socket;
  readonly #patience: number;
  readonly #turns: Turns;
  /** Called when the client has taken what was written, or has gone. */
  #wake: () => void = () => undefined;

  constructor(socket: Socket, patience: number, turns: Turns) {
    this.#socket = socket;
    this.#patience = patience;
    this.#turns = turns;
    for (const event of ["drain", "close"]) socket.on(event, () => this.#wake());
  }

  /** True when the client has left, or was given up. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** The lines that the client sends, one at a time. */
  async *requests(): AsyncGenerator<string> {
    const lines = linesOf(this.#socket.iterator({ destroyOnReturn: false }), MAX_REQUEST_BYTES);
    for (;;) {
      const { value, done } = await this.#waitFor(lines.next());
      if (done) return;
      await this.#turns.next();
      yield value;
    }
  }

  /** Sends lines as fast as the client takes them, until it has gone. */
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

  /** Ends the answers, and gives the client some time to read them. Its further requests are read and dropped: unread ones would reset the connection. */
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

/** Lets the stream go on between any two steps for clients, however many clients there are. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  next(): Promise<unknown> {
    this.#last = this.#last.then(() => setImmediate());
    return this.#last;
  }
}
