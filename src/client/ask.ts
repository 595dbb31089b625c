import { connect, type Socket } from "node:net";
import { linesOf } from "../protocol/control-lines.ts";
import { ControlError, encodeRequest, type Request } from "../protocol/control-requests.ts";
import { checkSocketPath, SocketError } from "../protocol/control-socket.ts";

/** A line of an answer, as text and parsed. */
export interface AnswerLine {
  readonly text: string;
  readonly value: object;
}

/** The answer is incomplete, or not understood. */
export class AnswerError extends Error {
  constructor(message = "cannot read the answer of f2b-stream: are both programs of one version?") {
    super(message);
    this.name = "AnswerError";
  }
}

/** Longest line of an answer, in bytes: more than there can be evidence. */
const MAX_LINE = 64 * 1024 * 1024;
/** How long f2b-stream may be silent, in milliseconds; reading many rules takes a while. */
const PATIENCE = 60_000;

/**
 * Sends a request and gives the lines of its answer as they come.
 *
 * @throws SocketError when no f2b-stream listens
 * @throws AnswerError when the answer breaks off, or is not understood
 * @throws ControlError when f2b-stream refuses
 */
export async function* ask(path: string, request: Request): AsyncGenerator<AnswerLine> {
  const socket = await connected(path);
  try {
    socket.write(encodeRequest(request));
    for await (const text of linesOf(socket, MAX_LINE)) {
      const value = readLine(text);
      if ("ok" in value && value.ok === true) return;
      if ("ok" in value) throw await refusalIn(value);
      yield { text, value };
    }
  } catch (error) {
    if (error instanceof ControlError || error instanceof AnswerError) throw error;
    throw new AnswerError(`${path}: the answer broke off: ${(error as Error).message}`);
  } finally {
    socket.destroy();
  }
  throw new AnswerError(`${path}: the answer broke off`);
}

function connected(path: string): Promise<Socket> {
  checkSocketPath(path);
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no data for ${PATIENCE / 1000} s`)));
    socket.once("error", ({ code = "", message }: NodeJS.ErrnoException) => {
      reject(new SocketError(`${path}: ${REASONS[code] ?? message}`, HINTS[code]));
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such socket",
  ECONNREFUSED: "no program listens there",
  EACCES: "permission denied",
};

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "f2b-stream --control SOCKET creates it, -s SOCKET names it here",
  ECONNREFUSED: "f2b-stream has ended, or this is another program's socket",
  EACCES: "only the user of f2b-stream and root may use it",
};

/** @throws SyntaxError when the line is not a JSON object */
function readLine(text: string): object {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null) return value;
  throw new SyntaxError("a line is not a JSON object");
}

async function refusalIn(value: object): Promise<ControlError> {
  const { refusal } = await import("../protocol/control-answers.ts");
  const { success, data } = refusal.safeParse(value);
  if (!success) throw new AnswerError();
  return new ControlError(data.code, data.message, data.mistakes);
}
