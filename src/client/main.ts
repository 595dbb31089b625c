import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import { printable, Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { ControlError, endOf } from "../protocol/control-requests.ts";
import { SocketError } from "../protocol/control-socket.ts";
import { escapeJson, toJson } from "../shared/invisible.ts";
import { AnswerError, type AnswerLine, ask } from "./ask.ts";
import { HELP, type Question, readOptions } from "./options.ts";

const PROGRAM = "f2b-client";

/** JSON is printed in pieces of about this many characters. */
const PIECE = 65_536;

/** f2b-client: queries and controls a running f2b-stream. Gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  // EPIPE is reported to the pending write.
  process.stdout.on("error", () => {});
  try {
    const options = readOptions(argv);
    if (options.action === "help") await print(HELP);
    else if (options.action === "version") await print(`${PROGRAM} ${version()}\n`);
    else if (options.isJson) await printJson(ask(options.socket, options.request));
    else await printText(options);
    return EXIT.OK;
  } catch (error) {
    return reportError(error, new Report(PROGRAM));
  }
}

/** Prints a refusal too, before it throws it. */
async function printJson(lines: AsyncIterable<AnswerLine>): Promise<void> {
  let piece = "";
  try {
    for await (const { text } of lines) {
      piece += `${escapeJson(text)}\n`;
      if (piece.length < PIECE) continue;
      await print(piece);
      piece = "";
    }
  } catch (error) {
    if (error instanceof ControlError) piece += `${toJson(endOf(error))}\n`;
    await print(piece);
    throw error;
  }
  await print(piece);
}

async function printText({ socket, request }: Question): Promise<void> {
  const lines: object[] = [];
  for await (const { value } of ask(socket, request)) lines.push(value);
  // The schemas of answers take long to load, and JSON does not need them.
  const { formatAnswer } = await import("./answer-text.ts");
  await print(formatAnswer(request, lines, Date.now()));
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Reports an error, and gives the exit status. */
function reportError(error: unknown, report: Report): number {
  if (error instanceof UsageError) {
    report.error(error.message);
    report.hint(`${PROGRAM} --help lists the commands`);
    return EXIT.USAGE;
  }
  if (error instanceof SocketError) {
    report.error(printable(error.message));
    if (error.hint !== undefined) report.hint(error.hint);
    return EXIT.UNAVAILABLE;
  }
  if (error instanceof AnswerError) {
    report.error(printable(error.message));
    return EXIT.UNAVAILABLE;
  }
  if (error instanceof ControlError) return reportRefusal(error, report);
  if (error instanceof Error && "syscall" in error) {
    if ("code" in error && error.code === "EPIPE") return EXIT.PIPE;
    report.error(error.message);
    return EXIT.IO;
  }
  throw error;
}

function reportRefusal({ code, message, mistakes }: ControlError, report: Report): number {
  for (const { file, line, column, message, hint } of mistakes) {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    report.error(printable(`${place}: ${message}`, 1000));
    if (hint !== undefined) report.hint(printable(hint, 1000));
  }
  report.error(printable(message, 1000));
  if (code === "ERR_CONTROL_RULES") return EXIT.CONFIG;
  return code === "ERR_CONTROL_BUSY" ? EXIT.UNAVAILABLE : EXIT.DATA;
}
