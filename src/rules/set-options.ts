import { suggestion } from "../shared/did-you-mean.ts";
import { type Layer, overlay, type Settings } from "./merge.ts";
import { RuleError, type RuleErrorCode } from "./rule.ts";

/**
 * Applies `--set JAIL.KEY=VALUE`. KEY is a key of a jail, or one inside: `escalation.factor`, or as in fail2ban `bantime.factor`. VALUE
 * is YAML. `defaults.KEY` changes a default, which a jail's own key still overrides, and `*.KEY` every jail. Mistakes go to `errors`,
 * with the option as their place.
 */
export async function applySets(layer: Layer, sets: readonly string[], errors: RuleError[]): Promise<Layer> {
  let result = layer;
  for (const set of sets) {
    const changed = await applySet(result, set);
    if (Array.isArray(changed)) errors.push(...changed);
    else result = changed;
  }
  return result;
}

async function applySet(layer: Layer, set: string): Promise<Layer | RuleError[]> {
  const wrong = (code: RuleErrorCode, message: string, hint?: string) => [
    new RuleError(code, { file: `--set ${set}`, line: 0, column: 0 }, message, hint),
  ];
  const [, target, value] = /^([^=]*)=(.*)$/s.exec(set) ?? [];
  if (target === undefined || value === undefined || !target.includes(".")) {
    return wrong("ERR_RULE_SYNTAX", "expected JAIL.KEY=VALUE");
  }
  const names = [...layer.jails.keys()];
  const jail = longestPrefix(target, [...names, "defaults", "*"]);
  if (jail === undefined) {
    const unknown = target.slice(0, target.indexOf("."));
    const hint =
      suggestion(unknown, names) ?? (names.length > 0 ? `the jails are ${names.join(", ")}` : undefined);
    return wrong("ERR_RULE_KEY", `no jail ${JSON.stringify(unknown)}`, hint);
  }
  const { readSetting } = await import("./document.ts");
  const settings = readSetting(keyPath(target.slice(jail.length + 1)), value, `--set ${set}`);
  return Array.isArray(settings) ? settings : change(layer, jail, settings);
}

/** The longest of `names` that `target` begins with, followed by a dot: names of jails may contain dots. */
function longestPrefix(target: string, names: readonly string[]): string | undefined {
  const fitting = names.filter((name) => target.startsWith(`${name}.`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

function keyPath(key: string): readonly string[] {
  return key.replace(/^bantime\./, "escalation.").split(".");
}

function change({ defaults, jails }: Layer, name: string, settings: Settings): Layer {
  if (name === "defaults") return { defaults: overlay(defaults, settings), jails };
  const changed = [...jails].map(([each, jail]) => {
    const isMeant = name === "*" || name === each;
    return [each, isMeant ? { ...jail, settings: overlay(jail.settings, settings) } : jail] as const;
  });
  return { defaults, jails: new Map(changed) };
}
