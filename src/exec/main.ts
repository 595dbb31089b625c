import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import { whyUnreadable } from "../cli/file-error.ts";
import { printable, Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { systemClock } from "../shared/clock.ts";
import { toJson } from "../shared/invisible.ts";
import { COMMANDS, checkFolder, FileError, readTrusted } from "../shared/safe-file.ts";
import { Actions } from "./actions/actions.ts";
import { Executor } from "./apply/executor.ts";
import { HostAddresses } from "./decide/host.ts";
import { Policy } from "./decide/policy.ts";
import { SshPeers } from "./decide/ssh-peers.ts";
import { ExecRun, type Surroundings } from "./exec-run.ts";
import { type Backend, UnavailableError } from "./kernel/backend.ts";
import { allBackends, type BackendOptions, chooseBackend } from "./kernel/choose.ts";
import { ToolError } from "./kernel/iptables/filter-table.ts";
import { FileLock, noLock } from "./kernel/lock.ts";
import { quoteCommand } from "./kernel/quote-command.ts";
import { type Run, run } from "./kernel/run-command.ts";
import { type ExecOptions, HELP, readOptions } from "./options.ts";
import { formatStatus, formatStatusJson } from "./report/format-status.ts";
import { Output } from "./report/output.ts";
import { DOCKER_CHAIN, type ExecConfig, settingsOf } from "./settings/settings.ts";

/** The longest configuration, in bytes, as for rules. */
const MAX_CONFIG_BYTES = 1_048_576;

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
    if (error instanceof ToolError) {
      report.error(printable(error.message, 1000));
      return EXIT.UNAVAILABLE;
    }
    throw error;
  }
}

/** Loading YAML and zod takes a tenth of a second, so it is done only with `-c`. */
async function readConfig(path: string | undefined, report: Report): Promise<ExecConfig | undefined> {
  if (path === undefined) return {};
  const { ConfigError, parseConfig } = await import("./config.ts");
  try {
    checkFolder(path);
    const bytes = readTrusted(path, MAX_CONFIG_BYTES, COMMANDS);
    if (bytes.length > MAX_CONFIG_BYTES) throw new FileError(`is longer than ${MAX_CONFIG_BYTES} bytes`);
    return parseConfig(bytes.toString("utf8"), path);
  } catch (error) {
    const why = error instanceof FileError ? error.message : whyUnreadable(error);
    const problems = error instanceof ConfigError ? error.problems : [`${path}: ${why}`];
    for (const problem of problems) report.error(printable(problem, 1000));
    return undefined;
  }
}

async function carryOut(
  options: ExecOptions,
  config: ExecConfig,
  around: Surroundings,
  report: Report,
): Promise<number> {
  const input = around.stdin;
  const output = new Output(around.stdout, (failure) => {
    // Bans matter most: when a full disk takes no results, f2b-exec reports it and goes on without them.
    const goesOn = failure !== undefined && !options.isDryRun;
    const rest = goesOn ? ": bans go on without results" : "";
    if (failure) report.error(`standard output: ${failure.message}${rest}`);
    if (!goesOn) input.destroy();
  });
  const backendOptions = makeBackendOptions(options, config, report, output);
  const actions = new Actions({
    actionsOf: (jail) => settingsOf(config, options.settings, jail).actions,
    run: options.isDryRun ? dryRun(output) : run,
    report,
  });
  if (options.mode === "status") return showStatus(await allBackends(backendOptions), options, around.stdout);
  if (options.mode === "flush") {
    const backends = options.backend === "none" ? [] : await allBackends(backendOptions);
    return flushAll(backends, actions, config, report);
  }
  const { backend, others, warnings } = await chooseBackend(options.backend, backendOptions);
  for (const warning of warnings) backendOptions.warn(warning);
  const sshPeers = new SshPeers();
  const host = new HostAddresses(run, Date.now);
  await host.readRoutes();
  const lock = new FileLock((text) => report.warning(printable(text, 1000)));
  const executor = new Executor({
    backend,
    others,
    clock: systemClock,
    policy: new Policy({ neverBan: options.neverBan, host: () => [...host.now(), ...sshPeers.now()] }),
    lock: options.isDryRun || options.backend === "none" ? noLock : lock,
    actions,
    settingsOf: (jail) => settingsOf(config, options.settings, jail),
    maxBans: options.maxBans,
    report,
    onResult: options.hasResults ? (result) => output.line(toJson(result)) : undefined,
  });
  if (!options.isDryRun && backend.name !== "none") executor.watch();
  try {
    return await new ExecRun({ executor, actions, backend, options, output, report }).run(around);
  } finally {
    await lock.release();
  }
}

function makeBackendOptions(
  { settings, isDryRun }: ExecOptions,
  config: ExecConfig,
  report: Report,
  output: Output,
): BackendOptions {
  const { chain } = settingsOf(config, settings, "");
  const isNamed = settings.chain !== undefined || config.defaults?.chain !== undefined;
  return {
    run,
    print: isDryRun ? (line) => output.line(line) : undefined,
    chains: isNamed ? chain : chain.filter((name) => name !== DOCKER_CHAIN),
    now: Date.now,
    warn: (message) => report.warning(printable(message, 1000)),
  };
}

async function showStatus(
  backends: readonly Backend[],
  { isJson }: ExecOptions,
  stdout: Surroundings["stdout"],
): Promise<number> {
  const lists = await Promise.all(
    backends.map(async (backend) => ({ backend: backend.name, jails: await backend.list() })),
  );
  stdout.write(isJson ? formatStatusJson(lists) : formatStatus(lists));
  return EXIT.OK;
}

/** Prints the command of an action, as if it had succeeded. */
function dryRun(output: Output): Run {
  return async (argv) => {
    output.line(quoteCommand(argv));
    return { status: 0, stdout: "", stderr: "" };
  };
}

/** `--flush`. Also lets the actions of the configured jails remove what they created. */
async function flushAll(
  backends: readonly Backend[],
  actions: Actions,
  config: ExecConfig,
  report: Report,
): Promise<number> {
  const jails = new Set<string>();
  for (const backend of backends) {
    for (const { name } of await backend.list()) jails.add(name);
    await backend.flush();
  }
  for (const name of Object.keys(config.jails ?? {})) {
    await actions.stop({ name, ports: [], protocols: [], chains: [], blocktype: "reject" }, []);
  }
  const lock = new FileLock(() => undefined);
  for (const name of jails) {
    const other = await lock.take(name);
    if (other !== undefined) report.warning(`jail ${printable(name)}: ${other}, and will restore its bans`);
  }
  await lock.release();
  return EXIT.OK;
}
