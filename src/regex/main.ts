import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import { printable, Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { useZone } from "../cli/zone.ts";
import { type Ban, decode, isBan } from "../protocol/command.ts";
import { tellMistake } from "../rules/report-mistakes.ts";
import { formatPlace } from "../rules/rule.ts";
import { decodeLine } from "../shared/text.ts";
import { FailureCounter } from "../stream/ban/failure-counter.ts";
import { Gate } from "../stream/gate/gate.ts";
import { type CompiledJail, compileJails } from "../stream/jail/compile-jails.ts";
import { RunningJail } from "../stream/jail/running-jail.ts";
import { Evidence } from "../stream/window/evidence.ts";
import { findFilter } from "./find-filter.ts";
import { HELP } from "./help.ts";
import { formatJson } from "./json-output.ts";
import { LineMatcher, type LineResult } from "./line-matcher.ts";
import { openLog } from "./open-log.ts";
import { type Options, readOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatBans, RegexReport } from "./regex-report.ts";

const PROGRAM = "f2b-regex";
/** Longest line that is read, in bytes. */
const MAX_LINE = 16 * 1024 * 1024;

/** Runs f2b-regex: reports which lines of a log a filter matches. Returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const report = new Report(PROGRAM);
  try {
    const options = readOptions(argv);
    if (options.action === "help") return await print(HELP);
    if (options.action === "version") return await print(`${PROGRAM} ${version()}\n`);
    if (options.zone !== undefined) useZone(options.zone);
    // EPIPE is reported to the pending write.
    process.stdout.on("error", () => {});
    return await examine(options, report);
  } catch (error) {
    if (isSystemError(error)) {
      if (error.code === "EPIPE") return EXIT.PIPE;
      report.error(error.message);
      return EXIT.IO;
    }
    return tellMistake(error, PROGRAM, report);
  }
}

async function examine(options: Options, report: Report): Promise<number> {
  const jails = compileJails(await findFilter(options.filter, options));
  const now = options.now ?? Date.now();
  if (options.check) await warnOfVulnerabilities(jails, now, report);
  const [first, ...others] = jails;
  if (first === undefined) throw new UsageError(`${options.filter}: no jail that reads lines`);
  if (options.json && others.length > 0) {
    const names = jails.map(({ jail }) => jail.name).join(", ");
    throw new UsageError(`option --json takes one jail; write ${options.filter}[NAME] with one of ${names}`);
  }
  const log = openLog(options.log, jails);
  const format = log.format ?? options.format;
  const views = jails.map(
    (compiled) => new JailView(compiled, { ...options, format }, log.shown, now, report),
  );
  let text = "";
  const takeLine = (line: string) => {
    for (const view of views) text += view.add(line);
  };
  if (log.lines !== undefined) for (const line of log.lines) takeLine(line);
  else {
    const onOverflow = () => {
      report.rareWarning("overlong", `a line is longer than ${MAX_LINE} bytes: it is read as an empty line`);
      takeLine("");
    };
    const gate = new Gate({ maxLine: MAX_LINE, onOverflow });
    const progress = new Progress(options.log);
    for await (const chunk of log.input as AsyncIterable<Buffer>) {
      gate.push(chunk, (line) => takeLine(decodeLine(line)));
      progress.add(chunk.length);
      if (text !== "") await print(text);
      text = "";
    }
    gate.end((line) => takeLine(decodeLine(line)));
    progress.end();
    await log.ended;
  }
  await print(text + views.map((view) => view.end()).join("\n"));
  return EXIT.OK;
}

/** Warns of lines with which a client could abuse a filter. Trying them takes seconds, and so does loading their code. */
async function warnOfVulnerabilities(
  jails: readonly CompiledJail[],
  now: number,
  report: Report,
): Promise<void> {
  const { findVulnerabilities } = await import("../check/vulnerabilities.ts");
  const errors = jails.flatMap((each) => findVulnerabilities(each, { now, hasLineFeeds: false }).errors);
  const warnings = errors.map(({ place, message }) => `${formatPlace(place)}: ${message}`);
  for (const warning of new Set(warnings)) report.warning(warning);
}

/** The output for one jail: JSON line by line, or a report at the end. */
class JailView {
  readonly #compiled: CompiledJail;
  readonly #options: Options;
  readonly #judge: LineMatcher;
  readonly #report: RegexReport;
  readonly #bans: Ban[] = [];
  readonly #running: RunningJail;
  readonly #failures: FailureCounter;
  readonly #now: number;
  readonly #shown: string;
  #lines = 0;

  /** @param shown the log's name in the report */
  constructor(compiled: CompiledJail, options: Options, shown: string, now: number, report: Report) {
    this.#compiled = compiled;
    this.#options = options;
    this.#shown = shown;
    this.#now = now;
    this.#judge = new LineMatcher(compiled, options.format, now, (pattern) => {
      this.#report.giveUp();
      const source = printable(pattern.source, 80);
      report.rareWarning("budget", `a search took too long and was stopped: ${source}`);
    });
    this.#report = new RegexReport(compiled, options);
    const write = (line: string) => {
      const command = decode(line, now);
      if (isBan(command) && !command.repeat) this.#bans.push(command);
    };
    this.#failures = new FailureCounter({ isLive: false, maxKeys: 1_000_000, maxEvidence: 0, write, report });
    this.#running = new RunningJail(compiled, {
      isLive: false,
      maxKeys: 1_000_000,
      evidence: new Evidence({ maxBytes: 0 }),
      addressesOf: () => [],
      warn: (message) => report.warning(message),
    });
    this.#failures.decisions.reload(new Map([[compiled.jail.name, this.#running]]));
    this.#running.ignore.refresh(now);
  }

  /** Adds a line. Returns the text to print now. */
  add(line: string): string {
    const judged = this.#judge.push(line);
    this.#lines++;
    if (this.#options.json) return formatJson(this.#lines, judged.verdict);
    this.#report.add(judged);
    if (this.#options.bans) this.#count(judged);
    return "";
  }

  /** Returns the text to print at the end. */
  end(): string {
    if (this.#options.json) return "";
    const report = this.#report.format(this.#shown);
    return this.#options.bans ? `${report}\n${formatBans(this.#compiled, this.#bans)}` : report;
  }

  #count({ verdict }: LineResult): void {
    if (verdict.match) this.#failures.add(this.#running, verdict, verdict.time ?? this.#now);
  }
}

function print(text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve(EXIT.OK)));
  });
}

/** An error of reading the log or writing the report. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
