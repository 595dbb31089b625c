import type { Attempt, Request } from "../daemons/ssh-client.ts";
import type { SshTalker } from "../daemons/ssh-talker.ts";
import type { Field } from "./field.ts";
import type { Bytes } from "./texts.ts";

/** Milliseconds for a whole connection: some texts let sshd wait for more. */
const PATIENCE = 8000;

const bytes = (text: Bytes) => Buffer.from(text, "latin1");

const password = (user: Bytes, text: Bytes, service?: Bytes): Request => ({
  user: bytes(user),
  method: "password",
  password: bytes(text),
  ...(service !== undefined && { service: bytes(service) }),
});

const other = (user: Bytes, name: Bytes, ...fields: readonly (boolean | Bytes)[]): Request => ({
  user: bytes(user),
  method: "other",
  name: bytes(name),
  fields: fields.map((each) => (typeof each === "boolean" ? each : bytes(each))),
});

/** How many requests a connection was refused; none where sshd had enough of it before. */
async function refusals(ssh: SshTalker, what: Omit<Attempt, "to">): Promise<number> {
  return ssh.attempt(what).then(
    ({ refused }) => refused,
    () => 0,
  );
}

function field(name: string, make: (text: Bytes) => Partial<Attempt>): Field {
  return {
    name,
    batch: 1,
    async attempt({ ssh }, from, [text = ""]) {
      const failing = { from, port: 22, requests: [password("bob", "wrong")], patience: PATIENCE };
      return Math.min(1, await refusals(ssh, { ...failing, ...make(text) }));
    },
  };
}

/** One whose texts come in requests of one connection, each with a wrong password besides. */
function requestsField(name: string, make: (text: Bytes) => readonly Request[]): Field {
  return {
    name,
    batch: 5,
    async attempt({ ssh }, from, texts) {
      const requests = texts.flatMap(make);
      return Math.min(texts.length, await refusals(ssh, { from, port: 22, requests, patience: PATIENCE }));
    },
  };
}

const KEY = `\0\0\0\x0bssh-ed25519\0\0\0\x20${"k".repeat(32)}`;

/** What a client of SSH writes: each connection has a wrong password in it, or is a user's that doesn't exist. */
export const SSH_FIELDS: readonly Field[] = [
  field("user", (text) => ({ requests: [password(text, "wrong")] })),
  field("user, no password", (text) => ({ requests: [{ user: bytes(text), method: "none" }] })),
  field("user, key", (text) => ({ requests: [other(text, "publickey", false, "ssh-ed25519", KEY)] })),
  requestsField("password", (text) => [password("bob", text)]),
  requestsField("key's algorithm", (text) => [
    other("bob", "publickey", false, text, KEY),
    password("bob", "x"),
  ]),
  requestsField("method", (text) => [other("bob", text), password("bob", "x")]),
  field("service of a request", (text) => ({ requests: [password("bob", "x"), password("bob", "x", text)] })),
  field("another user", (text) => ({ requests: [password("bob", "x"), password(text, "x")] })),
  field("service", (text) => ({ service: bytes(text) })),
  field("version", (text) => ({ version: bytes(`SSH-2.0-${text}`) })),
  field("algorithms", (text) => ({ algorithms: bytes(`${text},curve25519-sha256`) })),
  field("no known algorithm", (text) => ({ algorithms: bytes(text) })),
  field("disconnect", (text) => ({ end: { code: 11, message: bytes(text) } })),
];
