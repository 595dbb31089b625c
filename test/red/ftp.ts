import type { Step } from "../daemons/talk.ts";
import { type Field, lineField } from "./field.ts";

const REPLY = { expect: "^\\d{3} " };

/** Each command and its answer, and QUIT, so that all before it was judged. */
const field = (name: string, commands: (text: string) => readonly string[]) =>
  lineField(name, 21, /^530 Login incorrect/m, {
    before: [REPLY],
    each: (text) => commands(text).flatMap((command): Step[] => [{ send: `${command}\r\n` }, REPLY]),
    after: [{ send: "QUIT\r\n" }, { do: "close" }],
  });

/** What a client of FTP writes. */
export const FTP_FIELDS: readonly Field[] = [
  field("USER", (text) => [`USER ${text}`, "PASS wrong"]),
  field("PASS", (text) => ["USER bob", `PASS ${text}`]),
  field("command", (text) => [text, "USER bob", "PASS wrong"]),
  field("argument", (text) => [`CWD ${text}`, `FEAT ${text}`, "USER bob", "PASS wrong"]),
];
