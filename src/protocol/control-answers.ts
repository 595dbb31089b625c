import * as z from "zod";
import { CONTROL_ERROR_CODES } from "./control-requests.ts";

// The lines of answers, as the manual of f2b-client lists them. f2b-stream imports only the types from here: zod takes long to
// load.

/** ISO 8601, UTC, milliseconds. */
const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const seconds = z.number().min(0);
const jail = z.string();
const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

const place = z.object({ file: z.string(), line: count, column: count });

export const pong = z.object({ version: z.string(), pid: count });

const jailCounts = z.object({
  jail,
  mode: z.enum(["enforce", "shadow"]),
  on: z.enum(["log", "ban"]),
  failures: count,
  ignored: count,
  bans: count,
  unbans: count,
  repeats: count,
  banned: count,
  addresses: count,
  evicted: count,
});

/** A source that f2b-tail names. */
const source = z.object({
  name: z.string(),
  format: z.string().nullable(),
  bytes: count,
  lastinput: time.nullable(),
});

export const status = z.object({
  version: z.string(),
  pid: count,
  started: time,
  now: time,
  format: z.string().nullable(),
  source: z.string().nullable(),
  sources: list(source).optional(),
  bytes: count,
  lastinput: time.nullable(),
  blind: list(z.string()),
  overlong: count,
  givenup: count,
  nobody: count,
  ended: count,
  full: count,
  evicted: count,
  warnings: count,
  memory: count,
  banned: count,
  jails: list(jailCounts),
});

export const jailStatus = jailCounts.extend({
  rule: place,
  settings: z.record(z.string(), z.unknown()),
});

/** A command as f2b-stream writes it. */
export const ban = z.object({
  cmd: z.enum(["ban", "would-ban"]),
  jail,
  ip: z.string().optional(),
  id: z.string().optional(),
  time,
  until: time.nullable(),
  port: list(z.union([count, z.string()])).optional(),
  protocol: list(z.string()).optional(),
  failures: count.optional(),
  bancount: count.optional(),
  source: z.string().optional(),
  manual: z.literal(true).optional(),
});

export const banned = z.object({ result: z.enum(["banned", "changed", "already"]), ban });

export const unbanned = z.object({
  bans: count,
  jails: z.record(jail, count),
  counted: count,
  still: list(z.object({ jail, ip: z.string() })),
});

export const explained = z.object({
  jail,
  ip: z.string().optional(),
  id: z.string().optional(),
  mode: z.enum(["enforce", "shadow"]),
  rule: place,
  maxretry: count,
  findtime: seconds,
  ignored: z.string().nullable(),
  ban: ban.nullable(),
  repeats: count,
  repeated: time.nullable(),
  failures: list(time),
  forgotten: time.nullable(),
  matches: list(z.string()),
  bancount: count,
  remembered: time.nullable(),
  next: seconds.nullable(),
});

export const reloaded = z.object({ jails: count });

const mistake = z.object({
  code: z.string(),
  file: z.string(),
  line: count,
  column: count,
  message: z.string(),
  hint: z.string().optional(),
});

/** The last line of an answer that refuses. */
export const refusal = z.object({
  ok: z.literal(false),
  code: z.enum(CONTROL_ERROR_CODES),
  message: z.string(),
  mistakes: list(mistake).optional(),
});

export type Pong = z.infer<typeof pong>;
export type JailCounts = z.infer<typeof jailCounts>;
export type Status = z.infer<typeof status>;
export type JailStatus = z.infer<typeof jailStatus>;
export type BanAnswer = z.infer<typeof ban>;
export type Banned = z.infer<typeof banned>;
export type Unbanned = z.infer<typeof unbanned>;
export type Explained = z.infer<typeof explained>;
export type Reloaded = z.infer<typeof reloaded>;
