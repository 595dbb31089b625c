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

const ALL_JAILS = `${FAIL2BAN_CONFIG}[*]`;

/** The mixed log: sshd's rule and all bundled ones, beside sshguard's parser, and greps that only count lines. */
export const mixed: Bench = (sizes, logs) => {
  const log = logs.log("mixed", sizes.mixed);
  const on = (name: string, argv: readonly string[]) => contender(name, argv, log, sizes.mixed);
  const { records, figures } = side(
    [
      on("f2b-stream -r sshd", f2bStream(["sshd"])),
      ...peer(SSHG_PARSER, (parser) => on("sshg-parser", [parser])),
      on("f2b-stream, all bundled rules", f2bStream(BUNDLED)),
      ...peer(GREP, (grep) => on("grep -cE, 3 patterns", [grep, "-cE", ...GREP_PATTERNS])),
      ...peer(RIPGREP, (rg) => on("rg -c, 3 patterns", [rg, "-c", ...GREP_PATTERNS, "-"])),
    ],
    [
      ["f2b-stream -r sshd", "sshg-parser", atLeast(4)],
      ["f2b-stream, all bundled rules", "sshg-parser", atLeast(3)],
      ["f2b-stream -r sshd", "grep -cE, 3 patterns"],
      ["f2b-stream -r sshd", "rg -c, 3 patterns"],
    ],
    sizes.rounds,
    logs.path,
  );
  const all = records.find(({ contender: { name } }) => name === "f2b-stream, all bundled rules");
  const resident: Figure = {
    what: "resident set, all bundled rules, mixed log",
    unit: " MB",
    spread: spreadOf((all?.runs ?? []).map(({ bytes }) => bytes / 1e6)),
    target: under(120),
  };
  return { records, figures: [...figures, resident] };
};

/** All jails of fail2ban's jail.conf, beside fail2ban with the one filter for sshd. */
export const fail2ban: Bench = (sizes, logs) => {
  const log = logs.log("mixed", sizes.jails);
  const short = logs.log("mixed", sizes.fail2ban);
  const ours = "f2b-stream, all jails of fail2ban";
  const filterClass = (python: string): Contender => ({
    name: "fail2ban's Filter class, sshd",
    argv: (path) => [python, source("bench/fail2ban-filter.py"), FAIL2BAN_CONFIG, path],
    log: short,
    lines: sizes.fail2ban,
  });
  return side(
    FAIL2BAN_REGEX === undefined
      ? []
      : [
          contender(ours, f2bStream([ALL_JAILS]), log, sizes.jails),
          {
            name: "fail2ban-regex, sshd",
            argv: (path) => [FAIL2BAN_REGEX ?? "", "-c", FAIL2BAN_CONFIG, path, "sshd"],
            log: short,
            lines: sizes.fail2ban,
          },
          ...peer(PYTHON, filterClass),
        ],
    [
      [ours, "fail2ban-regex, sshd", atLeast(20)],
      [ours, "fail2ban's Filter class, sshd"],
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
  const log = logs.log("journal", sizes.journal);
  const parse = [process.execPath, fileURLToPath(new URL("json-parse.js", import.meta.url))];
  return side(
    [
      contender("f2b-stream, all bundled rules, journal", f2bStream(BUNDLED), log, sizes.journal),
      contender("JSON.parse of each entry, journal", parse, log, sizes.journal),
    ],
    [["f2b-stream, all bundled rules, journal", "JSON.parse of each entry, journal", atLeast(2)]],
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
