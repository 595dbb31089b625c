import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "./root.ts";

/** The python3 that Debian's fail2ban is installed for, wherever another one may stand on PATH. */
const PYTHON = "/usr/bin/python3";

/** Lines for one instance of a filter. */
export interface PeerRequest {
  /** Folder of the configuration. */
  readonly config: string;
  readonly filter: string;
  readonly options: Readonly<Record<string, string>>;
  /** Epoch seconds. */
  readonly now: number;
  /** The lines have no date. */
  readonly journal: boolean;
  readonly lines: readonly string[];
}

/** What fail2ban says of a line: a failure, nothing, or an exception. */
export type PeerAnswer =
  | null
  | { readonly error: string }
  | {
      /** As captured. */
      readonly id: string | null;
      /** As it would be banned. */
      readonly ban: string;
      /** Epoch milliseconds. */
      readonly time: number | null;
      readonly attempts: number;
      readonly regex: number;
      readonly groups: Readonly<Record<string, string>>;
    };

/** Folder of the tests that come with fail2ban, or undefined where it is not installed. */
export function fail2banTests(): string | undefined {
  const script = "import fail2ban, os; print(os.path.dirname(fail2ban.__file__))";
  const { status, stdout } = spawnSync(PYTHON, ["-c", script], { encoding: "utf8" });
  return status === 0 ? join(stdout.trim(), "tests") : undefined;
}

/** Asks fail2ban's Filter class; the answers come in the order of the requests. `started`: epoch seconds of its start. */
export async function* askFail2ban(
  requests: readonly PeerRequest[],
  zone: string,
  started: number,
): AsyncGenerator<readonly PeerAnswer[]> {
  const script = join(ROOT, "test/helpers/fail2ban-filter.py");
  const child = spawn(PYTHON, [script, zone, String(started)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  child.stdin.on("error", () => undefined);
  child.stdin.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
  const [status] = await closed;
  if (status !== 0) throw new Error(`fail2ban-filter.py ended with status ${status}`);
}
