import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { SERVER } from "../helpers/netns.ts";
import type { DaemonHost } from "./host.ts";

/** What is done with a connection, one after the other, until it is closed. */
export type Step =
  /** Text as bytes of latin1: what is U+00FF here is 0xff there. */
  | { readonly send: string }
  /** Waits until a pattern (flag m) is found in what came since the last text was sent. */
  | { readonly expect: string }
  /** Milliseconds. */
  | { readonly wait: number }
  /** A TLS handshake with this server name (SNI). */
  | { readonly sni: string }
  /** A TLS handshake; waiting until the server closes; FIN; RST. */
  | { readonly do: "tls" | "close" | "end" | "reset" };

/** A connection that the client is to make. */
export interface Question {
  /** Its address, one of `addClients`; undefined: the client's own. */
  readonly from?: string | undefined;
  readonly to: string;
  readonly port: number;
  readonly steps: readonly Step[];
  /** The longest silence, in milliseconds (30,000). */
  readonly timeout?: number;
}

/** What came of it: all that was heard, as latin1, and how the connection ended before its steps did, if it did. */
export interface Answer {
  readonly heard: string;
  readonly closed?: string | undefined;
}

/** A process at the client of a host that speaks to its daemons, from whichever address. It ends with the test file, or by `close`. */
export class Talker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #count = 0;

  constructor(host: DaemonHost) {
    const [file, ...args] = host.atClient;
    const script = fileURLToPath(new URL("./talker.js", import.meta.url));
    this.#child = spawn(file as string, [...args, process.execPath, script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    talkers.add(this);
    const answers = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    answers.on("line", (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: Answer };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  /** Makes a connection and does the steps; never throws for what the server does. */
  ask(question: Question): Promise<Answer> {
    const id = this.#count++;
    this.#child.stdin?.write(`${JSON.stringify({ id, question })}\n`);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
    });
  }

  /** The same, to the host's server address of the family that `from` has. */
  talk(from: string, port: number, steps: readonly Step[], timeout?: number): Promise<Answer> {
    const to = from.includes(":") ? SERVER.ipv6 : SERVER.ipv4;
    return this.ask({ from, to, port, steps, ...(timeout !== undefined && { timeout }) });
  }

  close(): void {
    talkers.delete(this);
    this.#child.kill();
  }
}

const talkers = new Set<Talker>();

// One that is left open would keep the file from ending.
after(() => {
  for (const talker of talkers) talker.close();
});

/** An SMTP session: waits for the greeting, and for the answer to each command. */
export function smtp(...commands: readonly string[]): readonly Step[] {
  return [{ expect: "^\\d{3} " }, ...commands.flatMap(smtpCommand)];
}

/** A command of SMTP, without its line end, and its answer. */
export function smtpCommand(command: string): readonly Step[] {
  return [{ send: `${command}\r\n` }, { expect: "^\\d{3} " }];
}

/** An IMAP session: waits for the greeting, and for the tagged answer, or the "+", to each command; tags are added unless one begins with a blank. */
export function imap(...commands: readonly string[]): readonly Step[] {
  return [{ expect: "^\\* OK " }, ...commands.flatMap(imapCommand)];
}

/** A command of IMAP; one that begins with a blank goes on where the last one was left ("+"), without a tag. */
export function imapCommand(command: string): readonly Step[] {
  const text = command.startsWith(" ") ? command.slice(1) : `a ${command}`;
  return [{ send: `${text}\r\n` }, { expect: "^(?:a (?:OK|NO|BAD)|\\+) ?" }];
}

/** A POP3 session: waits for the greeting, and for the answer to each command. */
export function pop3(...commands: readonly string[]): readonly Step[] {
  const answer = { expect: "^(?:\\+OK|-ERR|\\+ )" };
  return [answer, ...commands.flatMap((command) => [{ send: `${command}\r\n` }, answer])];
}

/** A ManageSieve session: waits for the capabilities, and for the answer to each command. */
export function sieve(...commands: readonly string[]): readonly Step[] {
  const answer = { expect: "^(?:OK|NO|BYE)\\b" };
  return [answer, ...commands.flatMap((command) => [{ send: `${command}\r\n` }, answer])];
}

export function base64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}

/** SASL PLAIN's response. */
export function plain(user: string, password: string): string {
  return base64(`\0${user}\0${password}`);
}
