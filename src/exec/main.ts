import { readFile } from "node:fs/promises";
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
import { FileLock, noLock } from "./lock.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { Policy } from "./policy.ts";
import { Output } from "./results.ts";
import { type Run, run } from "./run.ts";
import { Session, type Surroundings } from "./session.ts";
import { type ExecConfig, settingsOf } from "./settings.ts";
import { quoteCommand } from "./shell.ts";
import { formatStatus, formatStatusJson } from "./status.ts";

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
  return new Session({ executor, actions, backend, options, output, report }).run(around);
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
