import { JAIL_NAME, JAIL_NAME_FORM } from "../protocol/command.ts";
import type { JailLayer, Layer, Settings } from "./merge.ts";
import { type Pattern, RuleError } from "./rule.ts";
import { checkSettings, isIssues, shown, type ValueIssue } from "./schema.ts";
import { type Path, YamlSource } from "./yaml-source.ts";

/** A rules file as far as it could be read, and all mistakes in it. */
export interface RuleDocument {
  readonly layer: Layer;
  readonly errors: readonly RuleError[];
  readonly warnings: readonly RuleError[];
}

/** Reads the YAML text of a rules file. `file` is its name in places. */
export function readRules(text: string, file: string): RuleDocument {
  const source = new YamlSource(text, file);
  const empty = { defaults: {}, jails: new Map() };
  if (source.errors.length > 0) return { layer: empty, errors: source.errors, warnings: [] };
  const errors: RuleError[] = [];
  const layer = readLayer(source, errors);
  return { layer, errors: errors.sort(byPlace), warnings: source.warnings };
}

/** Reads one value from the command line, as YAML, for the key at `path` of a jail. `file` stands for its place. */
export function readSetting(path: readonly string[], text: string, file: string): Settings | RuleError[] {
  const source = new YamlSource(text, file, path);
  if (source.errors.length > 0) return [...source.errors];
  const errors: RuleError[] = [];
  const value = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), source.value);
  const settings = readSettings(source, [], value, errors);
  return errors.length > 0 ? errors : settings;
}

function readLayer(source: YamlSource, errors: RuleError[]): Layer {
  const jails = new Map<string, JailLayer>();
  let defaults: Settings = {};
  if (!isMapping(source.value)) {
    if (source.value !== null)
      errors.push(source.wrong([], `expected a mapping with jails, got ${shown(source.value)}`));
    return { defaults, jails };
  }
  for (const [key, value] of source.entries([], source.value)) {
    if (key === "defaults") defaults = readSettings(source, ["defaults"], value ?? {}, errors);
    else if (key === "jails") readJails(source, value ?? {}, jails, errors);
    else errors.push(unknownTopKey(source, key));
  }
  return { defaults, jails };
}

function readJails(
  source: YamlSource,
  value: unknown,
  jails: Map<string, JailLayer>,
  errors: RuleError[],
): void {
  if (!isMapping(value)) {
    errors.push(source.wrong(["jails"], `jails: expected a mapping, got ${shown(value)}`));
    return;
  }
  for (const [name, keys] of source.entries(["jails"], value)) {
    const place = source.keyPlace(["jails"], name);
    if (!JAIL_NAME.test(name)) {
      const message = `jails: expected a name of ${JAIL_NAME_FORM}, got ${shown(name)}`;
      errors.push(new RuleError("ERR_RULE_VALUE", place, message));
    }
    jails.set(name, { place, settings: readSettings(source, ["jails", name], keys ?? {}, errors) });
  }
}

function unknownTopKey(source: YamlSource, key: string): RuleError {
  const hint = JAIL_NAME.test(key)
    ? "a file has the keys defaults and jails; put the jail under jails"
    : undefined;
  return new RuleError("ERR_RULE_KEY", source.keyPlace([], key), `unknown key ${shown(key)}`, hint);
}

function readSettings(source: YamlSource, path: Path, value: unknown, errors: RuleError[]): Settings {
  const checked = checkSettings(value);
  if (isIssues(checked)) {
    errors.push(...checked.map((issue) => toRuleError(source, path, issue)));
    return {};
  }
  const { prefregex, failregex, ignoreregex, datepattern, success, tests, ...rest } = checked;
  const patterns = (key: string, texts: string | readonly string[]) => source.patterns([...path, key], texts);
  return {
    ...rest,
    ...(prefregex !== undefined && { prefregex: patterns("prefregex", prefregex) }),
    ...(failregex !== undefined && { failregex: patterns("failregex", failregex) }),
    ...(ignoreregex !== undefined && { ignoreregex: patterns("ignoreregex", ignoreregex) }),
    ...(datepattern !== undefined && { datepattern: joinLines(patterns("datepattern", datepattern)) }),
    ...(success !== undefined && { success: patterns("success", success) }),
    ...(tests !== undefined && {
      tests: tests.map(({ line, match = false, success }, i) => ({
        lines: line,
        match,
        ...(success !== undefined && { success }),
        place: source.place([...path, "tests", i]),
      })),
    }),
  };
}

function byPlace({ place: a }: RuleError, { place: b }: RuleError): number {
  return a.line - b.line || a.column - b.column;
}

/** Date patterns of several lines are tried in order, but are one value. */
function joinLines(lines: readonly Pattern[]): readonly Pattern[] {
  const [first] = lines;
  if (first === undefined || lines.length === 1) return lines;
  return [{ source: lines.map(({ source }) => source).join("\n"), place: first.place }];
}

function toRuleError(source: YamlSource, above: Path, { path, key, message, hint }: ValueIssue): RuleError {
  const whole = [...above, ...path];
  const names = path.filter((part) => typeof part === "string").join(".");
  const text = names === "" ? message : `${names}: ${message}`;
  if (key === undefined) return source.wrong(whole, text, hint);
  return new RuleError("ERR_RULE_KEY", source.keyPlace(whole, key), text, hint);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
