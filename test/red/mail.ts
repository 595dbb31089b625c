import { base64, imap, imapCommand, plain, pop3, type Step, smtp, smtpCommand } from "../daemons/talk.ts";
import { type Field, lineField } from "./field.ts";
import type { Bytes } from "./texts.ts";

const EHLO = "EHLO client.example";

const smtpField = (
  name: string,
  commands: (text: Bytes) => readonly string[],
  last: readonly string[] = [],
) =>
  lineField(name, 25, /^535[ -]/m, {
    before: smtp(),
    each: (text) => [...commands(text), ...last].flatMap(smtpCommand),
    after: QUIT,
  });

/** One whose texts are in base64, so that they can't end a command: a connection takes several. */
const saslField = (name: string, commands: (text: Bytes) => readonly string[]) =>
  lineField(
    name,
    25,
    /^535[ -]/m,
    { before: smtp(EHLO), each: (text) => commands(text).flatMap(smtpCommand), after: QUIT },
    10,
  );

const QUIT: readonly Step[] = [{ send: "QUIT\r\n" }, { do: "close" }];
const GUESS = [`AUTH PLAIN ${plain("bob", "wrong")}`];

/** What a client of SMTP writes: each session ends with a wrong password. */
export const SMTP_FIELDS: readonly Field[] = [
  smtpField("EHLO", (text) => [`EHLO ${text}`, ...GUESS], [EHLO, ...GUESS]),
  smtpField("EHLO, address", (text) => [`EHLO [${text}]`, ...GUESS], [EHLO, ...GUESS]),
  smtpField("HELO", (text) => [`HELO ${text}`], [EHLO, ...GUESS]),
  saslField("AUTH PLAIN user", (text) => [`AUTH PLAIN ${plain(text, "wrong")}`]),
  saslField("AUTH PLAIN authorization", (text) => [`AUTH PLAIN ${base64(`${text}\0bob\0wrong`)}`]),
  saslField("AUTH PLAIN password", (text) => [`AUTH PLAIN ${plain("bob", text)}`]),
  smtpField("AUTH PLAIN, not base64", (text) => [EHLO, `AUTH PLAIN ${text}`], [...GUESS]),
  saslField("AUTH LOGIN user", (text) => ["AUTH LOGIN", base64(text), base64("wrong")]),
  saslField("AUTH LOGIN password", (text) => ["AUTH LOGIN", base64("bob"), base64(text)]),
  saslField("AUTH CRAM-MD5 user", (text) => ["AUTH CRAM-MD5", base64(`${text} ${"0".repeat(32)}`)]),
  smtpField("AUTH mechanism", (text) => [EHLO, `AUTH ${text}`], GUESS),
  smtpField(
    "MAIL FROM",
    (text) => [EHLO, `MAIL FROM:<${text}>`, "RCPT TO:<x@elsewhere.example>", "RSET"],
    GUESS,
  ),
  smtpField(
    "MAIL FROM, quoted",
    (text) => [EHLO, `MAIL FROM:<"${quoted(text)}"@b.example>`, "RCPT TO:<x@elsewhere.example>", "RSET"],
    GUESS,
  ),
  smtpField("RCPT TO", (text) => [EHLO, "MAIL FROM:<a@b.example>", `RCPT TO:<${text}>`, "RSET"], GUESS),
  smtpField(
    "RCPT TO, quoted",
    (text) => [EHLO, "MAIL FROM:<a@b.example>", `RCPT TO:<"${quoted(text)}"@elsewhere.example>`, "RSET"],
    GUESS,
  ),
  smtpField("command", (text) => [EHLO, text], GUESS),
  smtpField("VRFY", (text) => [EHLO, `VRFY ${text}`], GUESS),
  smtpField("ETRN", (text) => [EHLO, `ETRN ${text}`], GUESS),
  smtpField("before the greeting", (text) => [text, EHLO, ...GUESS]),
];

function quoted(text: Bytes): Bytes {
  return text.replace(/["\\]/g, "\\$&");
}

const LOGIN = 'LOGIN "bob" "wrong"';

const imapField = (name: string, commands: (text: Bytes) => readonly string[]) =>
  lineField(`IMAP ${name}`, 143, /^\S+ NO \[AUTHENTICATIONFAILED\]/m, {
    before: imap(),
    each: (text) => commands(text).flatMap(imapCommand),
    after: [...imapCommand("LOGOUT"), { do: "close" }],
  });

/** A string of IMAP in which any byte but NUL may stand. */
function literal(text: Bytes): Bytes {
  return `{${text.length}+}\r\n${text}`;
}

const pop3Field = (name: string, commands: (text: Bytes) => readonly string[]) =>
  lineField(`POP3 ${name}`, 110, /^-ERR \[AUTH\]/m, {
    before: [],
    each: (text) => pop3(...commands(text), "QUIT"),
    after: [{ do: "close" }],
  });

/** What a client of IMAP and POP3 writes: each session has a wrong password in it. */
export const DOVECOT_FIELDS: readonly Field[] = [
  imapField("user, literal", (text) => [`LOGIN ${literal(text)} "wrong"`]),
  imapField("user, quoted", (text) => [`LOGIN "${quoted(text)}" "wrong"`]),
  imapField("user, atom", (text) => [`LOGIN ${text} wrong`, LOGIN]),
  imapField("password, literal", (text) => [`LOGIN "bob" ${literal(text)}`]),
  imapField("AUTHENTICATE PLAIN user", (text) => [`AUTHENTICATE PLAIN ${plain(text, "wrong")}`]),
  imapField("AUTHENTICATE PLAIN authorization", (text) => [
    `AUTHENTICATE PLAIN ${base64(`${text}\0bob\0wrong`)}`,
  ]),
  imapField("AUTHENTICATE CRAM-MD5 user", (text) => [
    "AUTHENTICATE CRAM-MD5",
    ` ${base64(`${text} ${"0".repeat(32)}`)}`,
  ]),
  imapField("AUTHENTICATE mechanism", (text) => [`AUTHENTICATE ${text}`, LOGIN]),
  imapField("command", (text) => [text, LOGIN]),
  imapField("ID", (text) => [`ID ("name" ${literal(text)} "x-originating-ip" "203.0.113.9")`, LOGIN]),
  pop3Field("USER", (text) => [`USER ${text}`, "PASS wrong"]),
  pop3Field("PASS", (text) => ["USER bob", `PASS ${text}`]),
  pop3Field("AUTH PLAIN user", (text) => [`AUTH PLAIN ${plain(text, "wrong")}`]),
  pop3Field("APOP", (text) => [`APOP ${text} ${"0".repeat(32)}`, "USER bob", "PASS wrong"]),
  pop3Field("command", (text) => [text, "USER bob", "PASS wrong"]),
];
