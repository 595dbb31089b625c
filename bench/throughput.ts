import { fileURLToPath } from "node:url";
import type { Bench, Outcome } from "./lib/bench.ts";
import { atLeast, type Figure, type Target, under } from "./lib/figures.ts";
import {
  BUNDLED,
  FAIL2BAN_CONFIG,
  FAIL2BAN_REGEX,
  f2bStream,
  GREP,
  GREP_PATTERNS,
  PYTHON,
  RIPGREP,
  SSHG_PARSER,
  source,
} from "./lib/peers.ts";
import { type Contender, race } from "./lib/run.ts";
import { ratio, spreadOf } from "./lib/statistics.ts";
import type { LogName } from "./log/logs.ts";

const FILTER_SCRIPT = source("bench/fail2ban-filter.py");

/** The mixed log: sshd's rule and all bundled ones, beside sshguard's parser, and greps that only count lines. */
export const mixed: Bench = (sizes, logs) => {
  const [sshd, all] = ["f2b-stream -r sshd", "f2b-stream, all bundled rules"];
  const [parser, grep, rg] = ["sshg-parser", "grep -cE, 3 patterns", "rg -c, 3 patterns"];
  const log = logs.log("mixed", sizes.mixed);
  const on = (name: string, argv: readonly string[]) => contender(name, argv, log, sizes.mixed);
  const { records, figures } = side(
    [
      on(sshd, f2bStream(["sshd"])),
      ...peer(SSHG_PARSER, (path) => on(parser, [path])),
      on(all, f2bStream(BUNDLED)),
      ...peer(GREP, (path) => on(grep, [path, "-cE", ...GREP_PATTERNS])),
      ...peer(RIPGREP, (path) => on(rg, [path, "-c", ...GREP_PATTERNS, "-"])),
    ],
    [
      [sshd, parser, atLeast(4)],
      [all, parser, atLeast(3)],
      [sshd, grep],
      [sshd, rg],
    ],
    sizes.rounds,
    logs.path,
  );
  const runs = records.find(({ contender: { name } }) => name === all)?.runs ?? [];
  const resident: Figure = {
    what: "resident set, all bundled rules, mixed log",
    unit: " MB",
    spread: spreadOf(runs.map(({ bytes }) => bytes / 1e6)),
    target: under(120),
  };
  return { records, figures: [...figures, resident] };
};

/** All jails of fail2ban's jail.conf, beside fail2ban with the one filter for sshd. */
export const fail2ban: Bench = (sizes, logs) => {
  const [ours, regex, filter] = [
    "f2b-stream, all jails of fail2ban",
    "fail2ban-regex, sshd",
    "fail2ban's Filter class, sshd",
  ];
  const program = FAIL2BAN_REGEX;
  if (program === undefined) return { records: [], figures: [] };
  const all = logs.log("mixed", sizes.jails);
  const beginning = { log: logs.log("mixed", sizes.fail2ban), lines: sizes.fail2ban };
  const regexArgv = (log: string) => [program, "-c", FAIL2BAN_CONFIG, log, "sshd"];
  const filterArgv = (python: string) => (log: string) => [python, FILTER_SCRIPT, FAIL2BAN_CONFIG, log];
  return side(
    [
      contender(ours, f2bStream([`${FAIL2BAN_CONFIG}[*]`]), all, sizes.jails),
      { name: regex, argv: regexArgv, ...beginning },
      ...peer(PYTHON, (python) => ({ name: filter, argv: filterArgv(python), ...beginning })),
    ],
    [
      [ours, regex, atLeast(20)],
      [ours, filter],
    ],
    sizes.rounds,
    logs.path,
  );
};

/** Nine lines in ten are a failure. */
export const flood: Bench = ({ flood, rounds }, logs) =>
  besideParser("flood", flood, ["sshd"], atLeast(1), rounds, logs);

/** A web server's access log. */
export const access: Bench = ({ access, rounds }, logs) =>
  besideParser("access", access, ["nginx"], undefined, rounds, logs);

/** The journal as JSON, beside a program that parses each entry and does nothing else. */
export const journal: Bench = (sizes, logs) => {
  const [ours, theirs] = ["f2b-stream, all bundled rules, journal", "JSON.parse of each entry, journal"];
  const log = logs.log("journal", sizes.journal);
  const parse = [process.execPath, fileURLToPath(new URL("json-parse.js", import.meta.url))];
  return side(
    [contender(ours, f2bStream(BUNDLED), log, sizes.journal), contender(theirs, parse, log, sizes.journal)],
    [[ours, theirs, atLeast(2)]],
    sizes.rounds,
    logs.path,
  );
};

function besideParser(
  log: LogName,
  lines: number,
  rules: readonly string[],
  target: Target | undefined,
  rounds: number,
  logs: Parameters<Bench>[1],
): Outcome {
  const path = logs.log(log, lines);
  const ours = `f2b-stream -r ${rules.join(" -r ")}, ${log}`;
  const theirs = `sshg-parser, ${log}`;
  return side(
    [
      contender(ours, f2bStream(rules), path, lines),
      ...peer(SSHG_PARSER, (parser) => contender(theirs, [parser], path, lines)),
    ],
    [[ours, theirs, target]],
    rounds,
    logs.path,
  );
}

/** Runs contenders side by side, and compares those that are there. */
function side(
  contenders: readonly Contender[],
  pairs: readonly (readonly [of: string, to: string, target?: Target | undefined])[],
  rounds: number,
  folder: string,
): Outcome {
  const records = race(contenders, rounds, folder);
  const rates = new Map(records.map((record) => [record.contender.name, record.rates]));
  const figures = pairs.flatMap(([of, to, target]): readonly Figure[] => {
    const [ours, theirs] = [rates.get(of), rates.get(to)];
    if (ours === undefined || theirs === undefined) return [];
    const figure = { what: `lines/s of ${of}, to ${to}`, unit: "×", spread: ratio(ours, theirs) };
    return [target === undefined ? figure : { ...figure, target }];
  });
  return { records, figures };
}

function contender(name: string, argv: readonly string[], log: string, lines: number): Contender {
  return { name, argv: () => argv, log, lines };
}

function peer<T>(path: string | undefined, make: (path: string) => T): readonly T[] {
  return path === undefined ? [] : [make(path)];
}
