import { spawnSync } from "node:child_process";

/** A pattern and the texts to search with it. */
export interface PythonCase {
  readonly source: string;
  /** Letters of Python's flags: `i`, `m`, `s`, `x`, `a`. */
  readonly flags?: string;
  readonly texts: readonly string[];
}

/** Start and end in UTF-16 units; null for a group that took no part. */
export type PythonSpan = readonly [start: number, end: number] | null;

/** What Python says: it refuses the pattern, finds no answer, or gives for each text the spans of match and groups, or null. */
export type PythonAnswer =
  | { readonly error: string }
  | { readonly none: true }
  | { readonly results: readonly (readonly PythonSpan[] | null)[] };

/** The version of the python3 on PATH, or undefined if there is none. */
export function pythonVersion(): string | undefined {
  const { status, stdout } = spawnSync("python3", [
    "-c",
    "import sys; print('%d.%d' % sys.version_info[:2])",
  ]);
  return status === 0 ? String(stdout).trim() : undefined;
}

/** Asks the real `re`, all cases in one process. */
export function askPython(cases: readonly PythonCase[]): PythonAnswer[] {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", SCRIPT], {
    input: JSON.stringify(cases),
    maxBuffer: 1 << 30,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`python3 failed: ${stderr}`);
  return JSON.parse(stdout);
}

const SCRIPT = `
import json, re, signal, sys, warnings
warnings.simplefilter("ignore")

class Slow(Exception): pass

def give_up(*_): raise Slow

signal.signal(signal.SIGVTALRM, give_up)

def units(text, index):
    return index + sum(ord(c) > 0xffff for c in text[:index])

def spans(match, text):
    if match is None: return None
    pairs = (match.span(i) for i in range(match.re.groups + 1))
    return [None if a < 0 else [units(text, a), units(text, b)] for a, b in pairs]

answers = []
for case in json.load(sys.stdin):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.3)
    try:
        flags = sum(getattr(re, letter.upper()) for letter in case.get("flags", ""))
        pattern = re.compile(case["source"], flags)
        answers.append({"results": [spans(pattern.search(text), text) for text in case["texts"]]})
    except (re.error, OverflowError, RecursionError) as error:
        answers.append({"error": str(error)})
    except (Slow, SystemError): # the latter is a bug of CPython, as it says itself
        answers.append({"none": True})
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
json.dump(answers, sys.stdout)
`;
