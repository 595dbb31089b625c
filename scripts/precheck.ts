import { readFileSync } from "node:fs";
import { EXIT } from "../src/cli/exit.ts";
import { Report } from "../src/cli/report.ts";
import { expandTags } from "../src/filter/filter-tags.ts";
import type { PrecompiledPattern } from "../src/python/precompiled.ts";
import { precompile } from "../src/python/search/compile-pattern.ts";
import { readRules } from "../src/rules/document.ts";
import { bundledFiles } from "../src/rules/files.ts";
import { type Prechecked, sha256, writePrechecked } from "../src/rules/prechecked.ts";
import { tellRuleErrors } from "../src/rules/report-mistakes.ts";
import { machineServices, type Services } from "../src/rules/services.ts";

// A step of the build: reads and checks the bundled rules, so that the programs need not at start.
try {
  const files = new Map((await bundledFiles()).map(({ path, name }) => [name, precheck(path, name)]));
  writePrechecked({ files, patterns: new Map([...files.values()].flatMap(patternsIn)) });
} catch (error) {
  if (!tellRuleErrors(error, new Report("precheck"))) throw error;
  process.exitCode = EXIT.CONFIG;
}

/** @throws AggregateError of RuleErrors; a warning counts as a mistake in our own rules */
function precheck(path: string, name: string): Prechecked {
  const text = readFileSync(path, "utf8");
  const { layer, errors, warnings } = readRules(text, name);
  if (errors.length + warnings.length > 0) throw new AggregateError([...errors, ...warnings]);
  return { sha256: sha256(text), services: servicesIn(text), layer };
}

/** The patterns of a file's jails as `precompiledPattern` has them. @throws PatternError */
function patternsIn({ layer }: Prechecked): readonly (readonly [string, PrecompiledPattern])[] {
  const settings = [layer.defaults, ...[...layer.jails.values()].map((jail) => jail.settings)];
  const patterns = settings.flatMap(({ prefregex = [], failregex = [], ignoreregex = [], success = [] }) => [
    ...prefregex,
    ...failregex,
    ...ignoreregex,
    ...success,
  ]);
  return patterns.flatMap(({ source }) => {
    const expanded = expandTags(source).source;
    const known = precompile(expanded);
    return known ? [[expanded, known] as const] : [];
  });
}

/** The service names in lines `port:`. */
function servicesIn(text: string): Services {
  const words = [...text.matchAll(/^ *port:(.*)$/gm)].flatMap(
    ([, ports = ""]) => ports.match(/[\w-]+/g) ?? [],
  );
  return new Map([...machineServices()].filter(([name]) => words.includes(name)));
}
