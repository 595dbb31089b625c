import { listenAt, SocketError } from "../../protocol/control-socket.ts";
import { Control, type ControlOptions } from "./control.ts";
import { ControlServer } from "./server.ts";

/** Opens the control socket and gives what closes it. Undefined: it can't be had, which was told. */
export async function openControl(path: string, options: ControlOptions): Promise<(() => void) | undefined> {
  const { report } = options;
  try {
    const socket = await listenAt(path);
    const control = new Control(options);
    const clients = new ControlServer(socket.server, {
      answer: (request) => control.answer(request),
      report,
    });
    return () => {
      socket.close();
      clients.close();
      control.stop();
    };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    report.error(`--control: ${error.message}`);
    if (error.hint !== undefined) report.hint(error.hint);
    return undefined;
  }
}
