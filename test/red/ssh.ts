import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DaemonHost } from "../daemons/host.ts";
import { SERVER } from "../helpers/netns.ts";
import type { Field } from "./field.ts";
import type { Bytes } from "./texts.ts";

/** A connection that an SSH client is to make. Texts are bytes of latin1. */
export interface SshQuestion {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** What follows "SSH-2.0-". */
  readonly version?: Bytes;
  /** Of the key exchange. */
  readonly algorithms?: Bytes;
  readonly service?: Bytes;
  readonly requests: readonly {
    readonly user: Bytes;
    readonly service?: Bytes;
    readonly method: Bytes;
    readonly rest: readonly (boolean | Bytes)[];
  }[];
  /** The description of a last message "disconnect". */
  readonly goodbye?: Bytes;
}

/** How many of the requests were answered with a failure. */
export interface SshAnswer {
  readonly failures: number;
}

/** A process at the client of a host that speaks SSH to it. */
export class SshTalker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: SshAnswer) => void>();
  #count = 0;

  constructor(host: DaemonHost) {
    const [file, ...args] = host.atClient;
    const script = fileURLToPath(new URL("./ssh-client.js", import.meta.url));
    this.#child = spawn(file as string, [...args, process.execPath, script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: SshAnswer };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  ask(question: Omit<SshQuestion, "to" | "port">): Promise<SshAnswer> {
    const id = this.#count++;
    const to = question.from.includes(":") ? SERVER.ipv6 : SERVER.ipv4;
    this.#child.stdin?.write(`${JSON.stringify({ id, question: { ...question, to, port: 22 } })}\n`);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
    });
  }

  close(): void {
    this.#child.stdin?.end();
  }
}

const password = (user: Bytes, text: Bytes, service?: Bytes) => ({
  user,
  method: "password",
  rest: [false, text],
  ...(service !== undefined && { service }),
});

function field(name: string, make: (text: Bytes) => Partial<SshQuestion>): Field {
  return {
    name,
    batch: 1,
    async attempt({ ssh }, from, [text = ""]) {
      const { failures } = await ssh.ask({ from, requests: [password("bob", "wrong")], ...make(text) });
      return failures > 0 ? 1 : 0;
    },
  };
}

/** One whose texts come in requests of one connection, each with a wrong password besides. */
function requestsField(name: string, make: (text: Bytes) => SshQuestion["requests"]): Field {
  return {
    name,
    batch: 5,
    async attempt({ ssh }, from, texts) {
      const { failures } = await ssh.ask({ from, requests: texts.flatMap(make) });
      return Math.min(texts.length, failures);
    },
  };
}

const KEY = `\0\0\0\x0bssh-ed25519\0\0\0\x20${"k".repeat(32)}`;

/** What a client of SSH writes: each connection has a wrong password in it, or is a user's that doesn't exist. */
export const SSH_FIELDS: readonly Field[] = [
  field("user", (text) => ({ requests: [password(text, "wrong")] })),
  field("user, no password", (text) => ({ requests: [{ user: text, method: "none", rest: [] }] })),
  field("user, key", (text) => ({
    requests: [{ user: text, method: "publickey", rest: [false, "ssh-ed25519", KEY] }],
  })),
  requestsField("password", (text) => [password("bob", text)]),
  requestsField("key's algorithm", (text) => [
    { user: "bob", method: "publickey", rest: [false, text, KEY] },
    password("bob", "x"),
  ]),
  requestsField("method", (text) => [{ user: "bob", method: text, rest: [] }, password("bob", "x")]),
  field("service of a request", (text) => ({ requests: [password("bob", "x"), password("bob", "x", text)] })),
  field("another user", (text) => ({ requests: [password("bob", "x"), password(text, "x")] })),
  field("service", (text) => ({ service: text })),
  field("version", (text) => ({ version: text })),
  field("algorithms", (text) => ({ algorithms: `${text},curve25519-sha256` })),
  field("no known algorithm", (text) => ({ algorithms: text })),
  field("disconnect", (text) => ({ goodbye: text })),
];
