import type { ImportedActions } from "./fail2ban/load-fail2ban.ts";
import { type Fail2banSpec, findRules, type RulesFile, readBounded } from "./files.ts";
import { nameableFields } from "./journalmatch.ts";
import { type Layer, mergeLayers, overlay, resolveJail, settingsOf } from "./merge.ts";
import { findPrechecked } from "./prechecked.ts";
import { formatPlace, type Jail, RuleError } from "./rule.ts";
import { applySets } from "./set-options.ts";

/** The options `-r` and `--set`. */
export interface RulesRequest {
  /** Names of bundled rules, files and directories, in order. */
  readonly specs: readonly string[];
  /** `JAIL.KEY=VALUE`, in order. */
  readonly sets: readonly string[];
}

export interface LoadedRules {
  /** Enabled or not, in the order of the files. */
  readonly jails: readonly Jail[];
  /** Lines for people. */
  readonly warnings: readonly string[];
  /** Paths of the YAML files that were read, in order. */
  readonly files: readonly string[];
  /** What f2b-exec needs to do for imported jails. */
  readonly exec: readonly ImportedActions[];
  /** The names of fail2ban's jails that were left out, each with a warning. */
  readonly leftOut: readonly string[];
}

/** All mistakes, in the order of files and lines. */
export class RulesError extends AggregateError {
  readonly code = "ERR_RULES";
  declare errors: RuleError[];

  constructor(errors: readonly RuleError[]) {
    super(errors, errors.map((error) => `${formatPlace(error.place)}: ${error.message}`).join("\n"));
    this.name = "RulesError";
  }
}

/**
 * Reads rules. A spec without slash and without `.yaml` or `.yml` is a bundled file, whatever the working directory
 * holds; any other is a file, a directory whose `*.yaml` are read in order, or a fail2ban configuration. For the merging of files see
 * `mergeLayers`, for `--set` `applySets`.
 *
 * @throws RulesError with all mistakes of the files; without any, all of `--set`; then those of whole jails
 */
export async function loadRules({ specs, sets }: RulesRequest): Promise<LoadedRules> {
  const errors: RuleError[] = [];
  const sources: LoadedSource[] = [];
  for (const found of await findRules(specs)) {
    const source = found instanceof RuleError ? { errors: [found] } : await readSource(found);
    errors.push(...(source.errors ?? []));
    sources.push(source);
  }
  stopAt(errors);
  const merged = mergeLayers(sources.map(({ layer }) => layer ?? NOTHING));
  const { defaults, jails: byName } = await applySets(merged, sets, errors);
  stopAt(errors);
  const jails = [...byName].map(([name, { place, settings }]) =>
    resolveJail(name, place, overlay(defaults, settings)),
  );
  stopAt(jails.filter(({ enabled }) => enabled).flatMap(mistakesOfJail));
  const leftOut = sources.flatMap(({ leftOut }) => leftOut ?? []);
  return {
    jails,
    leftOut,
    warnings: [
      ...sources.flatMap(({ warnings }) => warnings ?? []),
      ...warningsOf(jails, leftOut.length > 0),
    ],
    files: sources.flatMap(({ file }) => file ?? []),
    exec: sources.flatMap(({ exec }) => exec ?? []),
  };
}

/** The result of reading one file or one fail2ban configuration. */
interface LoadedSource {
  readonly layer?: Layer;
  readonly errors?: readonly RuleError[];
  readonly warnings?: readonly string[];
  readonly file?: string;
  readonly exec?: readonly ImportedActions[];
  readonly leftOut?: readonly string[];
}

const NOTHING: Layer = { defaults: {}, jails: new Map() };

function stopAt(errors: readonly RuleError[]): void {
  if (errors.length > 0) throw new RulesError(errors);
}

function readSource(found: RulesFile | Fail2banSpec): Promise<LoadedSource> {
  return "fail2ban" in found ? readFail2ban(found) : readFile(found);
}

/** Loads YAML and its checks only for a file that needs them: that takes longer than all else at start. */
async function readFile({ path, name, isBundled }: RulesFile): Promise<LoadedSource> {
  const text = await readBounded(path, name);
  if (text instanceof RuleError) return { errors: [text] };
  const layer = isBundled && findPrechecked(name, text);
  if (layer) return { layer, file: path };
  return readYaml(text, name, path);
}

async function readYaml(text: string, name: string, path: string): Promise<LoadedSource> {
  const { readRules } = await import("./document.ts");
  const { layer, errors, warnings } = readRules(text, name);
  return {
    layer,
    errors,
    warnings: warnings.map(({ place, message }) => `${formatPlace(place)}: ${message}`),
    file: path,
  };
}

/** Imported jails have all keys: a later file can change each of them, `defaults` none. */
async function readFail2ban(spec: Fail2banSpec): Promise<LoadedSource> {
  const { loadFail2ban, parseFail2banSpec } = await import("./fail2ban/load-fail2ban.ts");
  const { directory, pick } = parseFail2banSpec(spec.fail2ban);
  try {
    const { jails, warnings, exec, leftOut } = loadFail2ban(directory, pick);
    const settings = jails.map(
      (jail) => [jail.name, { place: jail.place, settings: settingsOf(jail) }] as const,
    );
    return { layer: { defaults: {}, jails: new Map(settings) }, warnings, exec, leftOut };
  } catch (error) {
    if (error instanceof RuleError) return { errors: [error] };
    throw error;
  }
}

/** Mistakes that no key shows by itself. */
function mistakesOfJail({ name, place, on, filter, port, protocol }: Jail): readonly RuleError[] {
  const wrong = (message: string, hint?: string) =>
    new RuleError("ERR_RULE_VALUE", place, `${name}: ${message}`, hint);
  const portless = protocol.find((each) => each === "all" || each === "icmp");
  return [
    ...(on === "log" && filter.failregex.length === 0
      ? [wrong("no failregex", "a jail needs a failregex to count failures, or on: ban to count bans")]
      : []),
    ...(port && portless !== undefined
      ? [wrong(`protocol ${JSON.stringify(portless)} has no ports`, "use port: all, or protocol: [tcp, udp]")]
      : []),
  ];
}

/** @param isCut whether jails were left out: if they were all, that is an error later */
function warningsOf(jails: readonly Jail[], isCut: boolean): readonly string[] {
  const enabled = jails.filter((jail) => jail.enabled);
  if (enabled.length === 0 && !isCut) return ["no jail is enabled"];
  return enabled.flatMap((jail) => {
    const warning = (message: string) => `${formatPlace(jail.place)}: ${jail.name}: ${message}`;
    const nameable = nameableFields(jail.journalmatch ?? []);
    return [
      ...(jail.on === "ban" && jail.filter.failregex.length > 0
        ? [warning("with on: ban, failregex is not used")]
        : []),
      ...(nameable
        ? [
            warning(
              `journalmatch: a local user can run a program that matches ${nameable.join(" and ")} fits`,
            ),
          ]
        : []),
    ];
  });
}
