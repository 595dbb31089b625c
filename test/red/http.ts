import { request2 } from "../daemons/nginx.ts";
import { base64, type Step } from "../daemons/talk.ts";
import { type Field, lineField } from "./field.ts";
import type { Bytes } from "./texts.ts";

/** What a web server says to a wrong password, a forbidden place and one that isn't there. */
const FAILED = /^HTTP\/\d\.\d 40[134] /m;

interface Request {
  readonly method?: Bytes;
  readonly target?: Bytes;
  readonly version?: Bytes;
  readonly host?: Bytes;
  readonly headers?: readonly Bytes[];
}

const USUAL_HOST = "www.example.com";
const WRONG = `Authorization: Basic ${base64("bob:wrong")}`;

function request({
  method = "GET",
  target = "/basic/",
  version = "HTTP/1.1",
  host = USUAL_HOST,
  headers = [WRONG],
}: Request): readonly Step[] {
  // What else makes it a guess comes before a text, which may end the headers.
  const first = host === USUAL_HOST ? [`Host: ${host}`] : [];
  const last = host === USUAL_HOST ? [] : [`Host: ${host}`];
  const lines = [`${method} ${target} ${version}`, ...first, "Connection: close", ...headers, ...last];
  return [{ send: `${lines.join("\r\n")}\r\n\r\n` }, { do: "close" }];
}

/** A connection that is all about one text. */
const alone = (each: (text: Bytes) => readonly Step[]) => ({ before: [], each, after: [] });

const field = (name: string, make: (text: Bytes) => Request) =>
  lineField(
    name,
    80,
    FAILED,
    alone((text) => request(make(text))),
  );

/** Every byte but letters and digits. */
function percent(text: Bytes): Bytes {
  return text.replace(/[^\w/.-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** What a client of HTTP writes: each request asks for a place that is forbidden, isn't there, or wants a password that it has not. */
const PLAIN_FIELDS: readonly Field[] = [
  field("Basic user", (text) => ({ headers: [`Authorization: Basic ${base64(`${text}:wrong`)}`] })),
  field("Basic user, no colon", (text) => ({ headers: [`Authorization: Basic ${base64(text)}`] })),
  field("Basic password", (text) => ({ headers: [`Authorization: Basic ${base64(`bob:${text}`)}`] })),
  field("path", (text) => ({ target: `/none/${text}` })),
  field("path, %-encoded", (text) => ({ target: `/none/${percent(text)}` })),
  field("forbidden path, %-encoded", (text) => ({ target: `/denied/${percent(text)}` })),
  field("query", (text) => ({ target: `/none?${text}` })),
  field("query, %-encoded", (text) => ({ target: `/none?q=${percent(text)}` })),
  field("absolute target", (text) => ({ target: `http://${percent(text)}/none` })),
  field("method", (text) => ({ method: text, target: "/none" })),
  field("version", (text) => ({ version: `HTTP/1.1${text}` })),
  field("HTTP/1.0 path, %-encoded", (text) => ({ target: `/none/${percent(text)}`, version: "HTTP/1.0" })),
  field("HTTP/0.9 path", (text) => ({ target: `/none/${text}`, version: "" })),
  field("Host", (text) => ({ host: text })),
  field("Referer", (text) => ({ headers: [WRONG, `Referer: ${text}`] })),
  field("User-Agent", (text) => ({ headers: [WRONG, `User-Agent: ${text}`] })),
  field("Cookie", (text) => ({ headers: [WRONG, `Cookie: ${text}`] })),
  field("X-Forwarded-For", (text) => ({
    headers: [WRONG, `X-Forwarded-For: ${text}`, "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9"],
  })),
  field("header name", (text) => ({ headers: [WRONG, `X${text}: x`] })),
];

/** A header block with the status 401, 403 or 404: indexed (404: 0x8d), or a literal with the name of :status, with or without Huffman. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of HPACK.
const H2_FAILED = /\x8d|[\x08-\x0e\x18-\x1e\x48-\x4e](?:\x0340[134]|[\x82\x83]..)/s;

/** HEADERS or RST_STREAM of this stream, or GOAWAY. */
const H2_ANSWER = { expect: "(?:[\\x01\\x03][^]\\0\\0\\0\\x01|\\x07[^]\\0\\0\\0\\0)" };

function h2Field(port: number, name: string, make: (text: Bytes) => Readonly<Record<string, Bytes>>): Field {
  const steps = (text: Bytes) => [
    { send: request2({ ":path": "/basic/", authorization: `Basic ${base64("bob:wrong")}`, ...make(text) }) },
    H2_ANSWER,
  ];
  return lineField(`HTTP/2 ${name}`, port, H2_FAILED, alone(steps));
}

const h2Fields = (port: number): readonly Field[] => [
  h2Field(port, "path", (text) => ({ ":path": `/none/${text}` })),
  h2Field(port, "path, %-encoded", (text) => ({ ":path": `/none/${percent(text)}` })),
  h2Field(port, "authority", (text) => ({ ":authority": text })),
  h2Field(port, "method", (text) => ({ ":method": text, ":path": "/none" })),
  h2Field(port, "User-Agent", (text) => ({ "user-agent": text })),
  h2Field(port, "Referer", (text) => ({ referer: text })),
  h2Field(port, "Basic user", (text) => ({ authorization: `Basic ${base64(`${text}:wrong`)}` })),
];

/** The server's name of TLS, which is no name of this server's. */
const SNI: Field = lineField(
  "TLS server name",
  443,
  FAILED,
  alone((text) => [{ sni: text.replaceAll("\0", "").slice(0, 250) || "x" }, ...request({})]),
);

/** RFC 7616, with a nonce that the server gave to the same client a moment ago. */
function digestField(name: string, make: (text: Bytes) => Readonly<Record<string, Bytes>>): Field {
  return {
    name: `Digest ${name}`,
    batch: 1,
    async attempt({ talker }, from, [text = ""]) {
      const first = await talker.talk(from, 80, request({ target: "/digest/", headers: [] }), 4000);
      const nonce = /nonce="([^"]*)"/.exec(first.heard)?.[1] ?? "";
      const values = {
        username: "bob",
        realm: "digest",
        nonce,
        uri: "/digest/",
        response: "0".repeat(32),
        cnonce: "x",
        ...make(text),
      };
      const quoted = Object.entries(values).map(
        ([key, value]) => `${key}="${value.replace(/["\\]/g, "\\$&")}"`,
      );
      const header = `Authorization: Digest ${quoted.join(", ")}, qop=auth, nc=00000001`;
      const { heard } = await talker.talk(from, 80, request({ target: "/digest/", headers: [header] }), 4000);
      // A nonce or a realm that isn't the server's is no guess.
      return (name === "username" || name === "cnonce") && FAILED.test(heard) ? 1 : 0;
    },
  };
}

export const NGINX_FIELDS: readonly Field[] = [...PLAIN_FIELDS, ...h2Fields(81), SNI];

export const APACHE_FIELDS: readonly Field[] = [
  ...PLAIN_FIELDS,
  digestField("username", (username) => ({ username })),
  digestField("realm", (realm) => ({ realm })),
  digestField("nonce", (nonce) => ({ nonce })),
  digestField("uri", (uri) => ({ uri })),
  digestField("cnonce", (cnonce) => ({ cnonce })),
  digestField("opaque", (opaque) => ({ opaque })),
  ...h2Fields(80),
  SNI,
];
