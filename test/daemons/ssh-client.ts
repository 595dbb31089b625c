import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { createConnection, type Socket } from "node:net";

/** What is sent as it stands: a string as UTF-8. */
export type Text = string | Uint8Array;

/** One request of the user authentication protocol (RFC 4252), each waits for its answer. */
export type Request = { readonly user?: Text; readonly service?: Text } & (
  | { readonly method: "none" }
  | { readonly method: "password"; readonly password: Text }
  /** An answer to each prompt; when there are more prompts than answers, the last one again. */
  | { readonly method: "keyboard-interactive"; readonly answers: readonly Text[] }
  /** Stops at the prompt. */
  | { readonly method: "keyboard-interactive-begun" }
  /** Offers a key, and signs when the server would take it. `certificate`: the id of a certificate made by `seed` for itself. */
  | { readonly method: "publickey"; readonly seed: string; readonly certificate?: Text }
  /** Any other method, and what follows its name. */
  | { readonly method: "other"; readonly name: Text; readonly fields?: readonly (boolean | Text)[] }
);

/** One connection. */
export interface Attempt {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** How far it goes before it ends: a TCP connection, the version, the keys, the requests. Default: the requests. */
  readonly until?: "connect" | "version" | "kexinit" | "kex" | "requests";
  /** The client's version line, without its end. */
  readonly version?: Text;
  /** Names of key exchanges, in place of the only one that it can do. */
  readonly algorithms?: Text;
  /** The service that it asks for, in place of ssh-userauth. */
  readonly service?: Text;
  readonly user?: Text;
  readonly requests?: readonly Request[];
  /** Bytes in place of any protocol, and the end. */
  readonly raw?: Text;
  /** How it ends: a FIN, an RST, a message SSH_MSG_DISCONNECT, or by the server. Default: FIN. */
  readonly end?: "close" | "reset" | "wait" | { readonly code: number; readonly message: Text };
  /** The connection is cut after so many milliseconds; undefined: never. */
  readonly patience?: number;
}

export interface Outcome {
  readonly isLoggedIn: boolean;
  /** How many requests were sent. */
  readonly asked: number;
  /** How many of them were answered by SSH_MSG_USERAUTH_FAILURE. */
  readonly refused: number;
  /** Why the server ended the connection, when it said so. */
  readonly disconnected: string | undefined;
  readonly localPort: number;
}

const MESSAGE = {
  disconnect: 1,
  ignore: 2,
  debug: 4,
  serviceRequest: 5,
  serviceAccept: 6,
  extInfo: 7,
  kexinit: 20,
  newkeys: 21,
  ecdhInit: 30,
  ecdhReply: 31,
  request: 50,
  failure: 51,
  success: 52,
  banner: 53,
  infoRequest: 60,
  infoResponse: 61,
} as const;

const ED25519 = "ssh-ed25519";
const ED25519_CERT = "ssh-ed25519-cert-v01@openssh.com";

interface Told {
  isLoggedIn: boolean;
  asked: number;
  refused: number;
}

/** No answer comes any more. */
class Ended extends Error {}

/**
 * Makes one connection to an SSH server as it is told to: a client that can do what no honest one does. It doesn't verify the server.
 *
 * @throws Error when it can't connect, or the server breaks the protocol
 */
export async function attempt(what: Attempt): Promise<Outcome> {
  const socket = createConnection({ host: what.to, port: what.port, localAddress: what.from });
  socket.setNoDelay(true);
  const wire = new Wire(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const localPort = socket.localPort ?? 0;
  socket.on("error", () => undefined);
  const told: Told = { isLoggedIn: false, asked: 0, refused: 0 };
  const cut = what.patience && setTimeout(() => socket.destroy(), what.patience);
  try {
    await speak(wire, what, told);
  } catch (error) {
    if (!(error instanceof Ended)) {
      socket.destroy();
      throw error;
    }
  }
  await leave(wire, what);
  clearTimeout(cut);
  return { ...told, disconnected: wire.disconnected, localPort };
}

async function leave(wire: Wire, { end = "close" }: Attempt): Promise<void> {
  const { socket } = wire;
  if (end === "wait") await wire.ended;
  else if (end === "reset") socket.resetAndDestroy();
  else if (end !== "close")
    wire.send(concat([MESSAGE.disconnect], uint32(end.code), string(end.message), string("")));
  socket.end();
  await wire.ended;
  socket.destroy();
}

async function speak(wire: Wire, what: Attempt, told: Told): Promise<void> {
  const { until = "requests", user = "", requests = [] } = what;
  if (what.raw !== undefined) return void wire.write(bytes(what.raw));
  if (until === "connect") return;
  const version = bytes(what.version ?? "SSH-2.0-OpenSSH_9.2p1");
  wire.write(concat(version, "\r\n"));
  const serverVersion = await wire.readLine();
  if (until === "version") return;
  const session = await exchangeKeys(wire, version, serverVersion, what);
  if (session === undefined || until === "kex") return;
  wire.send(concat([MESSAGE.serviceRequest], string(what.service ?? "ssh-userauth")));
  await wire.expect(MESSAGE.serviceAccept);
  for (const request of requests) {
    told.asked++;
    const isIn = await ask(wire, session, request.user ?? user, request);
    if (isIn === false) told.refused++;
    if (isIn !== true) continue;
    told.isLoggedIn = true;
    return;
  }
}

/** Returns the session's id; undefined when it stops after the first message. */
async function exchangeKeys(
  wire: Wire,
  version: Buffer,
  serverVersion: Buffer,
  { until, algorithms = "curve25519-sha256" }: Attempt,
): Promise<Buffer | undefined> {
  const names = [
    algorithms,
    ED25519,
    "aes128-ctr",
    "aes128-ctr",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
    "",
    "",
  ];
  const ours = concat([MESSAGE.kexinit], randomBytes(16), ...names.map(string), [0], uint32(0));
  wire.send(ours);
  const theirs = await wire.expect(MESSAGE.kexinit);
  if (until === "kexinit") return undefined;
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const point = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  wire.send(concat([MESSAGE.ecdhInit], string(point)));
  const reply = new Reader(await wire.expect(MESSAGE.ecdhReply));
  const [hostKey, theirPoint] = [reply.string(), reply.string()];
  const secret = mpint(diffieHellman({ privateKey, publicKey: x25519(theirPoint) }));
  const texts = [version, serverVersion, ours, theirs, hostKey, point, theirPoint];
  const id = sha256(concat(...texts.map(string), secret));
  wire.send(concat([MESSAGE.newkeys]));
  await wire.expect(MESSAGE.newkeys);
  const key = (letter: string) => sha256(concat(secret, id, letter, id));
  wire.encrypt(
    { iv: key("A"), key: key("C"), mac: key("E") },
    { iv: key("B"), key: key("D"), mac: key("F") },
  );
  return id;
}

/** True: logged in; false: refused; undefined: it stopped halfway. */
async function ask(wire: Wire, session: Buffer, user: Text, request: Request): Promise<boolean | undefined> {
  const begun = (method: Text) =>
    concat([MESSAGE.request], string(user), string(request.service ?? "ssh-connection"), string(method));
  switch (request.method) {
    case "none":
      wire.send(begun("none"));
      break;
    case "other":
      wire.send(concat(begun(request.name), ...(request.fields ?? []).map(field)));
      break;
    case "password":
      wire.send(concat(begun("password"), [0], string(request.password)));
      break;
    case "publickey": {
      const { name, blob, key } = publicKeyOf(request.seed, request.certificate);
      wire.send(concat(begun("publickey"), [0], string(name), string(blob)));
      if ((await wire.answer())[0] !== MESSAGE.infoRequest) return false;
      const asked = concat(begun("publickey"), [1], string(name), string(blob));
      const signature = sign(null, concat(string(session), asked), key);
      wire.send(concat(asked, string(concat(string(ED25519), string(signature)))));
      break;
    }
    default:
      wire.send(concat(begun("keyboard-interactive"), string(""), string("")));
  }
  for (;;) {
    const answer = await wire.answer();
    if (answer[0] !== MESSAGE.infoRequest) return answer[0] === MESSAGE.success;
    if (request.method !== "keyboard-interactive") return undefined;
    const reader = new Reader(answer);
    for (let i = 0; i < 3; i++) reader.string();
    const prompts = reader.uint32();
    const answers = Array.from(
      { length: prompts },
      (_, i) => request.answers[Math.min(i, request.answers.length - 1)] ?? "",
    );
    wire.send(concat([MESSAGE.infoResponse], uint32(prompts), ...answers.map(string)));
  }
}

/** The line of an ed25519 key for authorized_keys; the same seed gives the same key. */
export function authorizedKey(seed: string): string {
  return `${ED25519} ${publicKeyOf(seed).blob.toString("base64")}`;
}

function publicKeyOf(seed: string, certificate?: Text): { name: string; blob: Buffer; key: KeyObject } {
  const der = concat(Buffer.from("302e020100300506032b657004220420", "hex"), sha256(bytes(seed)));
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const point = createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32);
  const plain = concat(string(ED25519), string(point));
  if (certificate === undefined) return { name: ED25519, blob: plain, key };
  const times = [0, 0, 0xffffffff, 0xffffffff].map(uint32);
  const [serial, userCertificate] = [concat(uint32(0), uint32(0)), uint32(1)];
  const principals = string("");
  const signed = concat(
    ...[string(ED25519_CERT), string(randomBytes(32)), string(point), serial, userCertificate],
    ...[string(certificate), principals, ...times, string(""), string(""), string(""), string(plain)],
  );
  const signature = concat(string(ED25519), string(sign(null, signed, key)));
  return { name: ED25519_CERT, blob: concat(signed, string(signature)), key };
}

interface Keys {
  readonly iv: Buffer;
  readonly key: Buffer;
  readonly mac: Buffer;
}

/** The binary packet protocol (RFC 4253), with aes128-ctr and hmac-sha2-256 once the keys are there. */
class Wire {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  disconnected: string | undefined;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;
  #wake: (() => void) | undefined;
  #sent = 0;
  #taken = 0;
  #ciphers:
    | {
        out: ReturnType<typeof createCipheriv>;
        in: ReturnType<typeof createDecipheriv>;
        outMac: Buffer;
        inMac: Buffer;
      }
    | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isOver = true;
        this.#wake?.();
        resolve();
      };
      socket.once("end", end);
      socket.once("close", end);
    });
  }

  encrypt(out: Keys, incoming: Keys): void {
    const cipher = (keys: Keys) =>
      ["aes-128-ctr", keys.key.subarray(0, 16), keys.iv.subarray(0, 16)] as const;
    this.#ciphers = {
      out: createCipheriv(...cipher(out)),
      in: createDecipheriv(...cipher(incoming)),
      outMac: out.mac,
      inMac: incoming.mac,
    };
  }

  write(data: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(data);
  }

  send(payload: Uint8Array): void {
    const block = this.#ciphers ? 16 : 8;
    let padding = block - ((payload.length + 5) % block);
    if (padding < 4) padding += block;
    const packet = concat(uint32(payload.length + padding + 1), [padding], payload, Buffer.alloc(padding));
    const number = uint32(this.#sent++);
    if (this.#ciphers) {
      const mac = createHmac("sha256", this.#ciphers.outMac).update(number).update(packet).digest();
      this.write(concat(this.#ciphers.out.update(packet), mac));
    } else this.write(packet);
  }

  /** The server's version line. */
  async readLine(): Promise<Buffer> {
    for (;;) {
      const end = this.#received.indexOf(10);
      if (end < 0) await this.#more();
      else {
        const line = this.#take(end + 1).subarray(0, end);
        if (line.toString("latin1").startsWith("SSH-"))
          return line.at(-1) === 13 ? line.subarray(0, -1) : line;
      }
    }
  }

  async expect(type: number): Promise<Buffer> {
    const packet = await this.answer();
    if (packet[0] !== type) throw new Error(`expected SSH message ${type}, got ${packet[0]}`);
    return packet;
  }

  /** The next message that says something: of what follows a request success, failure, or a question. */
  async answer(): Promise<Buffer> {
    for (;;) {
      const payload = await this.#readAny();
      if (payload[0] === MESSAGE.disconnect) {
        const reader = new Reader(payload);
        reader.uint32();
        this.disconnected = reader.string().toString("utf8");
        throw new Ended();
      }
      const passed: readonly number[] = [MESSAGE.ignore, MESSAGE.debug, MESSAGE.banner, MESSAGE.extInfo];
      if (!passed.includes(payload[0] ?? 0)) return payload;
    }
  }

  async #readAny(): Promise<Buffer> {
    const size = this.#ciphers ? 16 : 8;
    while (this.#received.length < size) await this.#more();
    let head = this.#take(size);
    if (this.#ciphers) head = this.#ciphers.in.update(head);
    const length = head.readUInt32BE(0);
    // A server that can't read what came says so in plain text.
    if (length > 262_144) throw new Ended();
    const rest = length + 4 - size;
    while (this.#received.length < rest + (this.#ciphers ? 32 : 0)) await this.#more();
    let tail = this.#take(rest);
    if (this.#ciphers) tail = this.#ciphers.in.update(tail);
    const packet = concat(head, tail);
    const number = uint32(this.#taken++);
    if (this.#ciphers) {
      const mac = createHmac("sha256", this.#ciphers.inMac).update(number).update(packet).digest();
      if (!mac.equals(this.#take(32))) throw new Error("an SSH packet with a wrong code");
    }
    return packet.subarray(5, 4 + length - (packet[4] ?? 0));
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#isOver) throw new Ended();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 1;

  /** @param payload of a message, its type first */
  constructor(payload: Buffer) {
    this.#bytes = payload;
  }

  uint32(): number {
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  string(): Buffer {
    const length = this.uint32();
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}

function bytes(text: Text): Buffer {
  return Buffer.from(text as string);
}

function concat(...parts: readonly (Text | readonly number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function string(text: Text): Buffer {
  const data = bytes(text);
  return concat(uint32(data.length), data);
}

function field(value: boolean | Text): Buffer {
  return typeof value === "boolean" ? Buffer.of(value ? 1 : 0) : string(value);
}

function mpint(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  const digits = value.subarray(start);
  return string((digits[0] ?? 0) >= 128 ? concat([0], digits) : digits);
}

function x25519(point: Buffer): KeyObject {
  const der = concat(Buffer.from("302a300506032b656e032100", "hex"), point);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}

function sha256(data: Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}
