import { findRules, readBounded } from "./files.ts";
import { type Layer, mergeLayers, overlay, resolveJail } from "./merge.ts";
import { formatPlace, type Jail, RuleError } from "./rule.ts";
import { applySets } from "./sets.ts";

/** What `-r` and `--set` said. */
export interface RulesRequest {
  /** Names of bundled rules, files and directories, in order. */
  readonly specs: readonly string[];
  /** `JAIL.KEY=VALUE`, in order. */
  readonly sets: readonly string[];
}

export interface LoadedRules {
  /** Enabled or not, in the order in which the files name them. */
  readonly jails: readonly Jail[];
  /** Lines for people. */
  readonly warnings: readonly string[];
  /** Paths of the files that were read, in order. */
  readonly files: readonly string[];
}

/** All mistakes that were found, in the order of files and lines. */
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
 * holds; any other is a file, or a directory whose `*.yaml` are read in order. How files lie over each other is told at
 * `mergeLayers`, what `--set` changes at `applySets`.
 *
 * @throws RulesError with all mistakes of the files; when there are none, all of `--set`; then those that only a whole
 * jail shows
 */
export async function loadRules({ specs, sets }: RulesRequest): Promise<LoadedRules> {
  const errors: RuleError[] = [];
  const warnings: string[] = [];
  const files: string[] = [];
  const layers: Layer[] = [];
  for (const found of await findRules(specs)) {
    if (found instanceof RuleError) errors.push(found);
    else {
      files.push(found.path);
      layers.push(await readLayer(found, errors, warnings));
    }
  }
  stopAt(errors);
  const { defaults, jails: byName } = await applySets(mergeLayers(layers), sets, errors);
  stopAt(errors);
  const jails = [...byName].map(([name, { place, settings }]) =>
    resolveJail(name, place, overlay(defaults, settings)),
  );
  stopAt(jails.filter(({ enabled }) => enabled).flatMap(mistakesOfJail));
  warnings.push(...warningsOf(jails));
  return { jails, warnings, files };
}

function stopAt(errors: readonly RuleError[]): void {
  if (errors.length > 0) throw new RulesError(errors);
}

/** YAML and its checks are loaded when there is a file to read with them: they take a third of the time to start. */
async function readLayer(
  { path, name }: { readonly path: string; readonly name: string },
  errors: RuleError[],
  warnings: string[],
): Promise<Layer> {
  const nothing: Layer = { defaults: {}, jails: new Map() };
  const text = await readBounded(path, name);
  if (text instanceof RuleError) {
    errors.push(text);
    return nothing;
  }
  const { readRules } = await import("./document.ts");
  const document = readRules(text, name);
  errors.push(...document.errors);
  warnings.push(...document.warnings.map(({ place, message }) => `${formatPlace(place)}: ${message}`));
  return document.layer;
}

/** What no key shows by itself. */
function mistakesOfJail({ name, place, on, filter, port, protocol }: Jail): readonly RuleError[] {
  const wrong = (message: string, hint?: string) =>
    new RuleError("ERR_RULE_VALUE", place, `${name}: ${message}`, hint);
  const portless = protocol.find((each) => each === "all" || each === "icmp");
  return [
    ...(on === "log" && filter.failregex.length === 0
      ? [wrong("no failregex", "a jail counts matches of its failregex, or has on: ban and counts bans")]
      : []),
    ...(port && portless !== undefined
      ? [wrong(`protocol ${JSON.stringify(portless)} has no ports`, "take port: all, or tcp and udp")]
      : []),
  ];
}

function warningsOf(jails: readonly Jail[]): readonly string[] {
  if (!jails.some(({ enabled }) => enabled)) return ["no jail is enabled"];
  return jails
    .filter(({ enabled, on, filter }) => enabled && on === "ban" && filter.failregex.length > 0)
    .map(({ place, name }) => `${formatPlace(place)}: ${name}: with on: ban, failregex is not used`);
}
