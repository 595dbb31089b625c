import { existsSync, readFileSync } from "node:fs";
import { findFilter } from "../../src/regex/find-filter.ts";
import { formatJson } from "../../src/regex/json-output.ts";
import { LineMatcher } from "../../src/regex/line-matcher.ts";
import { setZone } from "../../src/shared/time.ts";
import { compileJails } from "../../src/stream/jail/compile-jails.ts";
import { ROOT } from "./root.ts";

// Cases to measure by, kept beside the repository: fail2ban's own samples with the verdicts that fail2ban gave.

const FOLDER = `${ROOT}../shared/conformance/`;

/** A filter with one set of options, and the lines that one instance of it is fed, in order. */
export interface Group {
  readonly group: string;
  readonly filter: string;
  readonly config: string;
  readonly configDir: string;
  readonly options: Readonly<Record<string, string>>;
  /** The lines are what follows the time; the time is `now`. */
  readonly journal: boolean;
  /** Epoch seconds. */
  readonly now: number;
  readonly tzIana: string;
  readonly cases: readonly Case[];
}

interface Case {
  readonly n: number;
  readonly line: string;
  readonly actual: Expected;
}

type Expected =
  | { match: false; why?: string }
  | {
      match: true;
      fid: string;
      epoch: number | null;
      attempts: number;
      regex: number;
      groups: Record<string, string>;
    };

/** One line on which we and fail2ban disagree, or a filter that does not load. */
export interface Difference {
  readonly n: number;
  readonly line: string;
  readonly got: string;
  readonly wanted: string;
}

/** Why there is nothing to measure with; undefined: there is. */
export const absent = existsSync(`${FOLDER}cases.jsonl`)
  ? undefined
  : "there is no ../shared/conformance here";

export function readGroups(): readonly Group[] {
  if (absent !== undefined) return [];
  const lines = readFileSync(`${FOLDER}cases.jsonl`, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Group);
}

/** Feeds the group's lines to its filter and compares what `f2b-regex --json` would say: match, id, time, attempts, user. */
export async function scoreGroup(group: Group): Promise<readonly Difference[]> {
  setZone(group.tzIana);
  const options = Object.entries(group.options).map(([key, value]) => `${key}=${value}`);
  const changes = {
    config: `${FOLDER}fail2ban/${group.configDir}`,
    ignoreregex: undefined,
    datepattern: undefined,
    maxlines: undefined,
    journalmatch: undefined,
    maxretry: undefined,
    findtime: undefined,
  };
  const [jail] = compileJails(await findFilter(`${group.filter}[${options.join(",")}]`, changes));
  if (jail === undefined) throw new Error(`${group.group}: no filter`);
  const judge = new LineMatcher(jail, group.journal ? "none" : "plain", group.now * 1000);
  return group.cases.flatMap(({ n, line, actual }) => {
    const got = factsOf(JSON.parse(formatJson(n, judge.push(line).verdict)) as Said);
    const wanted = wantedOf(actual);
    return got === wanted ? [] : [{ n, line, got, wanted }];
  });
}

interface Said {
  readonly match: boolean;
  readonly id?: string;
  readonly time?: number | null;
  readonly attempts?: number;
  readonly regex?: number;
  readonly why?: string;
  readonly groups?: Readonly<Record<string, string>>;
}

function factsOf({ match, id, time, attempts, regex, why, groups }: Said): string {
  return JSON.stringify(match ? { id, time, attempts, regex, user: groups?.user ?? null } : { why });
}

function wantedOf(actual: Expected): string {
  if (!actual.match) return factsOf({ match: false, ...(actual.why !== undefined && { why: actual.why }) });
  const { fid, epoch, attempts, regex, groups } = actual;
  return factsOf({ match: true, id: fid, time: epoch, attempts, regex, groups });
}
