import type * as z from "zod";
import { columns } from "../cli/columns.ts";
import type { Subject } from "../protocol/command.ts";
import * as answers from "../protocol/control-answers.ts";
import type { Request } from "../protocol/control-requests.ts";
import { formatDuration } from "../shared/duration.ts";
import { plural } from "../shared/plural.ts";
import { AnswerError } from "./ask.ts";
import { explainText } from "./explain-text.ts";
import { left, shown, shownEnd } from "./words.ts";

/**
 * An answer for people. `now`, in epoch milliseconds, is for the time left.
 *
 * @throws AnswerError when the lines do not answer the request
 */
export function formatAnswer(request: Request, lines: readonly object[], now: number): string {
  return textOf(request, lines, now)
    .map((line) => `${line}\n`)
    .join("");
}

function textOf(request: Request, lines: readonly object[], now: number): readonly string[] {
  const first = <T>(schema: z.ZodType<T>): T => read(schema, lines[0]);
  const bans = (from: number) => lines.slice(from).map((line) => read(answers.ban, line));
  switch (request.do) {
    case "ping":
      return pingText(first(answers.pong));
    case "status":
      return request.jail === undefined
        ? statusText(first(answers.status), now)
        : jailText(first(answers.jailStatus), bans(1), now);
    case "banned":
      return bansText(bans(0), now);
    case "ban":
      return banText(first(answers.banned), now);
    case "unban":
      return unbanText(request.subject, first(answers.unbanned));
    case "explain":
      return explainText(
        nameOf(request.subject),
        lines.map((line) => read(answers.explained, line)),
        now,
      );
    case "reload":
      return [`rules reloaded: ${plural(first(answers.reloaded).jails, "jail")}`];
  }
}

function read<T>(schema: z.ZodType<T>, line: object | undefined): T {
  const { success, data } = schema.safeParse(line);
  if (success) return data;
  throw new AnswerError();
}

function pingText({ version, pid }: answers.Pong): readonly string[] {
  return [`f2b-stream ${shown(version)} answers, process ${pid}`];
}

function statusText(status: answers.Status, now: number): readonly string[] {
  const { started, lastinput, blind, overlong, givenup, nobody, ended, full, sources = [] } = status;
  const up = formatDuration(Math.max(0, Math.floor((now - Date.parse(started)) / 1000) * 1000));
  const input = [
    shown(status.source ?? "stdin"),
    status.format === null ? "format not known yet" : shown(status.format),
    plural(status.bytes, "byte"),
    ...(lastinput === null ? [] : [`the last at ${lastinput}`]),
  ];
  return [
    `f2b-stream ${shown(status.version)}, process ${status.pid}, since ${started} (${up})`,
    ...columns([
      ["input", input.join(", ")],
      ...sources.map(({ name, format, bytes }) => [
        "",
        `${shown(name)}, ${format === null ? "format not known yet" : shown(format)}, ${plural(bytes, "byte")}`,
      ]),
      ...(blind.length > 0 ? [["alerts", `${shown(blind.join(", "))}: see METRICS in f2b-stream(1)`]] : []),
      ["left out", `${plural(overlong, "overlong line")}, ${plural(givenup, "search", "searches")} given up`],
      ["no ban", `${plural(nobody, "failure")} without an address that can be banned`],
      ["", `${plural(ended, "ban")} that had ended, ${full} for want of room`],
      ["memory", `${(status.memory / 1024 / 1024).toFixed(1)} MiB`],
      ["warnings", String(status.warnings)],
      ["banned", String(status.banned)],
    ]),
    "",
    ...jailsText(status.jails),
  ];
}

function jailsText(jails: readonly answers.JailCounts[]): readonly string[] {
  return columns([
    ["JAIL", "MODE", "COUNTS", "FAILURES", "IGNORED", "BANS", "AGAIN", "BANNED", "ADDRESSES", "FORGOTTEN"],
    ...jails.map(({ jail, mode, on, ...counts }) => {
      const { failures, ignored, bans, repeats, banned, addresses, evicted } = counts;
      const numbers = [failures, ignored, bans, repeats, banned, addresses, evicted].map(String);
      return [shown(jail), mode, on === "log" ? "lines" : "bans", ...numbers];
    }),
  ]);
}

function jailText(
  status: answers.JailStatus,
  bans: readonly answers.BanAnswer[],
  now: number,
): readonly string[] {
  const { jail, rule, failures, ignored, addresses, evicted, banned, settings } = status;
  const room = evicted > 0 ? `, ${plural(evicted, "address", "addresses")} forgotten to make room` : "";
  return [
    ...columns([
      ["jail", shown(jail)],
      ["rule", place(rule)],
      ["failures", `${failures}, ${ignored} ignored${room}`],
      ["addresses", `${addresses} remembered`],
      ["bans", `${status.bans}, ${banned} in force`],
      ...Object.entries(settings).flatMap(([key, value]) => settingRows(key, value)),
    ]),
    "",
    ...bansText(bans, now),
  ];
}

/** A setting as a row; a list as a row for each item. */
function settingRows(key: string, value: unknown): readonly string[][] {
  const values = Array.isArray(value) ? value : [value];
  const text = (each: unknown) => (typeof each === "string" ? each : JSON.stringify(each));
  return values.map((each, index) => [index === 0 ? shown(key) : "", shown(text(each))]);
}

function bansText(bans: readonly answers.BanAnswer[], now: number): readonly string[] {
  if (bans.length === 0) return ["no bans"];
  return columns([
    ["JAIL", "ADDRESS", "SINCE", "UNTIL", "LEFT", "BANCOUNT"],
    ...bans.map((ban) => [
      shown(ban.jail),
      nameOf(ban),
      ban.time,
      ban.until ?? "for ever",
      left(ban.until, now),
      `${ban.bancount ?? ""}${remarkOn(ban)}`,
    ]),
  ]);
}

function remarkOn({ cmd, manual }: answers.BanAnswer): string {
  return `${manual ? "  by hand" : ""}${cmd === "would-ban" ? "  not enforced" : ""}`;
}

function banText({ result, ban }: answers.Banned, now: number): readonly string[] {
  const what = ban.cmd === "ban" ? "is banned in" : "would be banned in";
  const how = { banned: "", changed: ", now", already: " already," }[result];
  const why = ban.cmd === "ban" ? "" : ", which is in mode shadow";
  return [`${nameOf(ban)} ${what} ${shown(ban.jail)}${how} ${shownEnd(ban.until, now)}${why}`];
}

function unbanText(subject: Subject | "all", unbanned: answers.Unbanned): readonly string[] {
  const { bans, jails, counted, still } = unbanned;
  const where = Object.entries(jails).map(([jail, number]) => `${shown(jail)} ${number}`);
  const who = subject === "all" ? "" : nameOf(subject);
  return [
    bans === 0
      ? subject === "all"
        ? "there were no bans"
        : `${who} was not banned`
      : `${plural(bans, "ban")} ended: ${where.join(", ")}`,
    ...(counted > 0 ? [`failures forgotten in ${plural(counted, "jail")}`] : []),
    ...still.map(({ jail, ip }) => `${who} is still banned in ${shown(jail)}, with ${shown(ip)}`),
  ];
}

function place({ file, line, column }: answers.Explained["rule"]): string {
  return `${shown(file)}:${line}:${column}`;
}

function nameOf({ ip, id }: { readonly ip?: string | undefined; readonly id?: string | undefined }): string {
  return shown(ip ?? id ?? "");
}
