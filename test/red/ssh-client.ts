import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from "node:crypto";
import { connect, type Socket } from "node:net";
import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import type { SshAnswer, SshQuestion } from "./ssh.ts";

// Runs at the client, as daemons/talker.ts does: a question a line on stdin, an answer a line on stdout. An SSH client that says whatever it is
// told to, which no other does: one key exchange (curve25519-sha256, aes128-ctr, hmac-sha2-256), whose host key it doesn't check.

const MSG = {
  disconnect: 1,
  ignore: 2,
  debug: 4,
  service: 5,
  kexinit: 20,
  newkeys: 21,
  ecdhInit: 30,
  auth: 50,
  authFailure: 51,
} as const;

const bytes = (text: string) => Buffer.from(text, "latin1");

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** A string of SSH. */
function string(text: string | Buffer): Buffer {
  const content = typeof text === "string" ? bytes(text) : text;
  return Buffer.concat([uint32(content.length), content]);
}

function mpint(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  const trimmed = start < 0 ? Buffer.alloc(0) : number.subarray(start);
  return string((trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed);
}

/** Keys of one direction. */
interface Keys {
  readonly iv: Buffer;
  readonly key: Buffer;
  readonly mac: Buffer;
}

class Connection {
  readonly #socket: Socket;
  readonly #timeout: NodeJS.Timeout;
  #buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;
  #out: { readonly cipher: ReturnType<typeof createCipheriv>; readonly mac: Buffer } | undefined;
  #in: { readonly decipher: ReturnType<typeof createDecipheriv>; readonly mac: Buffer } | undefined;
  #sent = 0;

  constructor({ from, to, port }: SshQuestion) {
    this.#socket = connect({ host: to, port, localAddress: from });
    this.#socket.on("data", (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#wake();
    });
    const close = () => {
      this.#isClosed = true;
      this.#wake();
    };
    this.#socket.on("error", close);
    this.#socket.on("close", close);
    this.#timeout = setTimeout(() => this.#socket.destroy(), PATIENCE);
  }

  /** @throws Error when the server closes first */
  async #take(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      if (this.#isClosed) throw new Error("closed");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  writeLine(line: string): void {
    this.#socket.write(bytes(`${line}\r\n`));
  }

  async readLine(): Promise<string> {
    let line = "";
    for (;;) {
      const char = (await this.#take(1)).toString("latin1");
      if (char === "\n") return line.replace(/\r$/, "");
      line += char;
    }
  }

  write(...parts: readonly Buffer[]): void {
    const payload = Buffer.concat(parts);
    const block = this.#out ? 16 : 8;
    let padding = block - ((5 + payload.length) % block);
    if (padding < 4) padding += block;
    const packet = Buffer.concat([
      uint32(1 + payload.length + padding),
      Buffer.of(padding),
      payload,
      Buffer.alloc(padding),
    ]);
    const number = uint32(this.#sent++);
    if (!this.#out) {
      this.#socket.write(packet);
      return;
    }
    const mac = createHmac("sha256", this.#out.mac).update(number).update(packet).digest();
    this.#socket.write(Buffer.concat([this.#out.cipher.update(packet), mac]));
  }

  async read(): Promise<Buffer> {
    for (;;) {
      const payload = await this.#readPacket();
      if (payload[0] !== MSG.ignore && payload[0] !== MSG.debug && payload[0] !== 7 && payload[0] !== 53)
        return payload;
    }
  }

  async #readPacket(): Promise<Buffer> {
    const decrypt = (data: Buffer) => this.#in?.decipher.update(data) ?? data;
    const first = decrypt(await this.#take(this.#in ? 16 : 8));
    const length = first.readUInt32BE(0);
    const rest = decrypt(await this.#take(length + 4 - first.length));
    if (this.#in) await this.#take(32);
    const packet = Buffer.concat([first, rest]);
    return packet.subarray(5, 4 + length - (packet[4] ?? 0));
  }

  encrypt(out: Keys, into: Keys): void {
    this.#out = { cipher: createCipheriv("aes-128-ctr", out.key, out.iv), mac: out.mac };
    this.#in = { decipher: createDecipheriv("aes-128-ctr", into.key, into.iv), mac: into.mac };
  }

  /** Waits until the server has closed its end. */
  async end(): Promise<void> {
    this.#socket.end();
    this.#socket.resume();
    while (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  destroy(): void {
    clearTimeout(this.#timeout);
    this.#socket.destroy();
  }
}

/** Milliseconds for a whole connection. */
const PATIENCE = 8000;

/** In front of the 32 bytes of a key: SubjectPublicKeyInfo of X25519. */
const X25519 = Buffer.from("302a300506032b656e032100", "hex");

async function exchange(connection: Connection, question: SshQuestion): Promise<void> {
  const hello = `SSH-2.0-${question.version ?? "x"}`;
  connection.writeLine(hello);
  const answered = await connection.readLine();
  const names = [
    question.algorithms ?? "curve25519-sha256",
    "ssh-ed25519",
    "aes128-ctr",
    "aes128-ctr",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
    "",
    "",
  ];
  const init = Buffer.concat([
    Buffer.of(MSG.kexinit),
    randomBytes(16),
    ...names.map((name) => string(name)),
    Buffer.alloc(5),
  ]);
  connection.write(init);
  const theirs = await connection.read();
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const own = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  connection.write(Buffer.of(MSG.ecdhInit), string(own));
  const reply = await connection.read();
  const [hostKey, point] = strings(reply.subarray(1));
  const secret = diffieHellman({
    privateKey,
    publicKey: createPublicKey({ key: Buffer.concat([X25519, point ?? own]), type: "spki", format: "der" }),
  });
  const shared = mpint(secret);
  const parts = [
    string(hello),
    string(answered),
    string(init),
    string(theirs),
    string(hostKey ?? own),
    string(own),
    string(point ?? own),
    shared,
  ];
  const hash = createHash("sha256").update(Buffer.concat(parts)).digest();
  connection.write(Buffer.of(MSG.newkeys));
  await connection.read();
  const derive = (letter: string) =>
    createHash("sha256")
      .update(Buffer.concat([shared, hash, bytes(letter), hash]))
      .digest();
  const keys = ([iv, key, mac]: string) => ({
    iv: derive(iv ?? "").subarray(0, 16),
    key: derive(key ?? "").subarray(0, 16),
    mac: derive(mac ?? ""),
  });
  connection.encrypt(keys("ACE"), keys("BDF"));
}

/** The strings that a packet is made of. */
function strings(packet: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= packet.length; ) {
    const length = packet.readUInt32BE(at);
    found.push(packet.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

async function ask(question: SshQuestion): Promise<SshAnswer> {
  const connection = new Connection(question);
  let failures = 0;
  try {
    await exchange(connection, question);
    connection.write(Buffer.of(MSG.service), string(question.service ?? "ssh-userauth"));
    await connection.read();
    for (const { user, service = "ssh-connection", method, rest } of question.requests) {
      const fields = rest.map((each) => (typeof each === "boolean" ? Buffer.of(each ? 1 : 0) : string(each)));
      connection.write(Buffer.of(MSG.auth), string(user), string(service), string(method), ...fields);
      if ((await connection.read())[0] === MSG.authFailure) failures++;
    }
    if (question.goodbye !== undefined)
      connection.write(Buffer.of(MSG.disconnect), uint32(11), string(question.goodbye), string(""));
    await connection.end();
  } catch {
    // The server had enough of it.
  }
  connection.destroy();
  return { failures };
}

for await (const line of createInterface({ input: stdin })) {
  const { id, question } = JSON.parse(line) as { id: number; question: SshQuestion };
  void ask(question).then((answer) => stdout.write(`${JSON.stringify({ id, answer })}\n`));
}
