import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import { printable, Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { Actions } from "./actions.ts";
import { type Backend, UnavailableError } from "./backend/backend.ts";
import { dryTools, IptablesBackend, iptablesTools } from "./backend/iptables.ts";
import { noBackend } from "./backend/none.ts";
import { systemClock } from "./clock.ts";
import { Executor } from "./executor.ts";
import { hostAddresses } from "./host.ts";
import { CommandReader } from "./input.ts";
import { FileLock, noLock } from "./lock.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { Policy } from "./policy.ts";
import { Output } from "./results.ts";
import { type Run, run } from "./run.ts";
import { type ExecConfig, settingsOf } from "./settings.ts";
import { quoteCommand } from "./shell.ts";
import { formatStatus, formatStatusJson } from "./status.ts";

/** Milliseconds that input is read on for after a signal; the pipe before us says its last in that time. */
const READ_ON = 5000;
/** Milliseconds that actions have to end after a signal. */
const ACTIONS_GRACE = 10_000;

/** The process around us. */
export interface Surroundings {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Calls `stop` at the first SIGTERM, SIGINT or SIGHUP. */
  readonly onSignal: (stop: () => void) => void;
}

/** f2b-exec: commands in, bans in the firewall. Returns the exit status. */
export async function main(argv: readonly string[], around: Surroundings): Promise<number> {
  const report = new Report("f2b-exec");
  try {
    const options = readOptions(argv);
    if (options.mode === "help" || options.mode === "version") {
      around.stdout.write(options.mode === "help" ? HELP : `f2b-exec ${version()}\n`);
      return EXIT.OK;
    }
    const config = await readConfig(options.config, report);
    return config === undefined ? EXIT.CONFIG : await carryOut(options, config, around, report);
  } catch (error) {
    if (error instanceof UsageError) {
      report.error(error.message);
      report.hint("f2b-exec --help lists the options");
      return EXIT.USAGE;
    }
    if (error instanceof UnavailableError) {
      report.error(`no firewall: ${printable(error.message, 1000)}`);
      report.hint(error.hint);
      return EXIT.UNAVAILABLE;
    }
    throw error;
  }
}

/** YAML and its checks cost a tenth of a second, so only those who use them pay. */
async function readConfig(path: string | undefined, report: Report): Promise<ExecConfig | undefined> {
  if (path === undefined) return {};
  const { ConfigError, parseConfig } = await import("./config.ts");
  try {
    return parseConfig(await readFile(path, "utf8"), path);
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
    for (const problem of problems) report.error(printable(problem, 1000));
    return undefined;
  }
}

async function carryOut(
  options: Options,
  config: ExecConfig,
  around: Surroundings,
  report: Report,
): Promise<number> {
  const input = around.stdin;
  const output = new Output(around.stdout, () => input.destroy());
  const backend = makeBackend(options, config, report, output);
  await backend.start();
  const actions = new Actions({
    actionsOf: (jail) => settingsOf(config, options.settings, jail).actions,
    run: options.isDryRun ? dryRun(output) : run,
    report,
  });
  if (options.mode === "status") {
    const jails = await backend.list();
    around.stdout.write(options.isJson ? formatStatusJson(jails, backend.name) : formatStatus(jails));
    return EXIT.OK;
  }
  if (options.mode === "flush") return flushAll(backend, actions, config);
  const executor = new Executor({
    backend,
    clock: systemClock,
    policy: new Policy({ neverBan: options.neverBan, host: hostAddresses }),
    lock:
      options.isDryRun || options.backend === "none" ? noLock : new FileLock((text) => report.warning(text)),
    actions,
    settingsOf: (jail) => settingsOf(config, options.settings, jail),
    maxBans: options.maxBans,
    report,
    onResult: (result) => {
      if (options.hasResults) output.line(JSON.stringify(result));
    },
  });
  return new Session(executor, actions, backend, options, output, report).run(around);
}

/** From the first byte of input to the exit status. */
class Session {
  readonly #executor: Executor;
  readonly #actions: Actions;
  readonly #backend: Backend;
  readonly #options: Options;
  readonly #output: Output;
  readonly #report: Report;
  #isStopping = false;

  constructor(
    executor: Executor,
    actions: Actions,
    backend: Backend,
    options: Options,
    output: Output,
    report: Report,
  ) {
    this.#executor = executor;
    this.#actions = actions;
    this.#backend = backend;
    this.#options = options;
    this.#output = output;
    this.#report = report;
  }

  async run({ stdin, onSignal }: Surroundings): Promise<number> {
    let deadline: NodeJS.Timeout | undefined;
    onSignal(() => {
      this.#isStopping = true;
      deadline = setTimeout(() => stdin.destroy(), READ_ON);
      this.#executor.stopWaiting();
    });
    const reader = new CommandReader(this.#report, (command) => this.#executor.accept(command), Date.now);
    await this.#read(stdin, reader);
    clearTimeout(deadline);
    await this.#finish();
    this.#executor.stop();
    if (this.#output.isGone) return EXIT.PIPE;
    if (reader.bad === 1) this.#report.warning("1 input line was no command");
    else if (reader.bad > 1) this.#report.warning(`${reader.bad} input lines were no commands`);
    return reader.bad > 0 ? EXIT.DATA : EXIT.OK;
  }

  async #read(stdin: Readable, reader: CommandReader): Promise<void> {
    try {
      for await (const chunk of stdin) {
        reader.push(chunk as Buffer);
        await this.#executor.room();
        await this.#output.room();
      }
    } catch (error) {
      // Taken from us: the deadline has passed, or nobody reads our results.
      if (!stdin.destroyed) throw error;
    }
    await reader.end();
  }

  /** What `--on-eof` says, then the actions. */
  async #finish(): Promise<void> {
    const executor = this.#executor;
    await executor.idle();
    const { onEof, isDryRun } = this.#options;
    if (onEof === "wait" && !isDryRun && !this.#isStopping) await executor.allEnded();
    await executor.idle();
    if (onEof === "flush") await executor.flush();
    else if (executor.ending > 0 && !this.#backend.endsBans && this.#backend.name !== "none" && !isDryRun) {
      const many =
        executor.ending === 1 ? "1 ban with an end stays" : `${executor.ending} bans with an end stay`;
      this.#report.line(`NOTICE ${many} in force until the next f2b-exec; --on-eof wait ends them in time`);
    }
    await this.#endActions();
  }

  async #endActions(): Promise<void> {
    const ended = this.#actions.idle();
    if (!this.#isStopping) return ended;
    const timer = new AbortController();
    const late = sleep(ACTIONS_GRACE, "late", { signal: timer.signal }).catch(() => "ended");
    if ((await Promise.race([ended, late])) === "late") {
      this.#report.warning(`${this.#actions.abandon()} actions not run: asked to stop`);
    }
    timer.abort();
  }
}

function makeBackend(options: Options, config: ExecConfig, report: Report, output: Output): Backend {
  if (options.backend === "none") return noBackend;
  const { chain } = settingsOf(config, options.settings, "");
  const tools = options.isDryRun ? dryTools((line) => output.line(line)) : iptablesTools(run);
  return new IptablesBackend(tools, chain, (message) => report.warning(printable(message, 1000)));
}

/** Prints an action's command and takes it for done. */
function dryRun(output: Output): Run {
  return async (argv) => {
    output.line(quoteCommand(argv));
    return { status: 0, stdout: "", stderr: "" };
  };
}

/** `--flush`. Actions of the configured jails take away what they made, too. */
async function flushAll(backend: Backend, actions: Actions, config: ExecConfig): Promise<number> {
  await backend.flush();
  for (const name of Object.keys(config.jails ?? {})) {
    await actions.stop({ name, ports: [], protocols: [], chains: [], blocktype: "reject" }, []);
  }
  return EXIT.OK;
}
