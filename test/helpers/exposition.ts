/** One sample of the text exposition format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?|NaN|[+-]Inf)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(,|$)/y;

/**
 * Reads Prometheus' text exposition format (0.0.4), and is stricter than it: each family has its HELP, its TYPE and its
 * samples, in that order and in one piece; no sample stands twice; a counter's name ends in `_total` and no other's does.
 *
 * @throws Error that names the line
 */
export function parseExposition(text: string): readonly Sample[] {
  if (!text.endsWith("\n")) throw new Error("the last line has no newline");
  const samples: Sample[] = [];
  const families = new Set<string>();
  const seen = new Set<string>();
  let family: { name: string; type?: string; samples: number } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, keyword, name = "", rest = ""] = META.exec(line) ?? [];
    const check = (holds: boolean) => {
      if (!holds) throw new Error(`not as it should be: ${line}`);
    };
    if (keyword === "HELP") {
      check(family === undefined || family.samples > 0);
      check(!families.has(name) && rest !== "" && /^(?:[^\\]|\\[\\n])*$/.test(rest));
      families.add(name);
      family = { name, samples: 0 };
    } else if (keyword === "TYPE") {
      check(family?.name === name && family.type === undefined && /^(?:counter|gauge)$/.test(rest));
      check((rest === "counter") === name.endsWith("_total"));
      if (family) family.type = rest;
    } else {
      const match = SAMPLE.exec(line);
      check(match !== null && family?.type !== undefined && match[1] === family.name);
      const labels = parseLabels(match?.[2] ?? "", check);
      const key = JSON.stringify([match?.[1], Object.entries(labels).sort()]);
      check(!seen.has(key));
      seen.add(key);
      if (family) family.samples++;
      samples.push({ name: match?.[1] ?? "", labels, value: Number(match?.[3]) });
    }
  }
  if (family?.samples === 0) throw new Error(`${family.name} has no samples`);
  return samples;
}

function parseLabels(text: string, check: (holds: boolean) => void): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const [, name = "", value = ""] = LABEL.exec(text) ?? [];
    check(name !== "" && !(name in labels));
    if (name === "") break;
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
  }
  return labels;
}
