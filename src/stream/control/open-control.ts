import { listenAt, SocketError } from "../../protocol/control-socket.ts";
import { RequestHandler, type RequestHandlerOptions } from "./request-handler.ts";
import { ControlServer } from "./server.ts";

/** Opens the control socket and gives what closes it. Undefined: it failed, and the report says why. */
export async function openControl(
  path: string,
  options: RequestHandlerOptions,
): Promise<(() => void) | undefined> {
  const { report } = options;
  try {
    const socket = await listenAt(path);
    const handler = new RequestHandler(options);
    const server = new ControlServer(socket.server, {
      answer: (request) => handler.answer(request),
      report,
    });
    return () => {
      socket.close();
      server.close();
      handler.stop();
    };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    report.error(`--control: ${error.message}`);
    if (error.hint !== undefined) report.hint(error.hint);
    return undefined;
  }
}
