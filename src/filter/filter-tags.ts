/** A pattern whose tags are expanded. */
export interface ExpandedPattern {
  /** A pattern of Python's `re`. */
  readonly source: string;
  /** Where an offset in `source` stands in the pattern as written. */
  offsetOf(offset: number): number;
}

const IP4 = String.raw`(?:::f{4,6}:)?(?P<ip4>\d{1,3}(?:\.\d{1,3}){3})`;
/** Every iteration of the first group ends in a colon, so a last `:` always closes a `::`. */
const IP6 = `(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:))`;
const DNS = String.raw`(?P<dns>[\w\-.^_]*\w)`;
const CIDR = String.raw`(?P<cidr>\d+)`;
const ADDR = String.raw`\[?(?:${IP4}|${IP6})\]?`;
const SUBNET = String.raw`\[?(?:${IP4}|${IP6})(?:/${CIDR})?\]?`;

/** Tags that stand for a whole pattern, as fail2ban's failregex.Regex resolves them. */
const WHOLE: ReadonlyMap<string, string> = new Map([
  ["HOST", `(?:${ADDR}|${DNS})`],
  ...bothWays("IP4", IP4),
  ...bothWays("IP6", IP6),
  ...bothWays("ADDR", ADDR),
  ...bothWays("CIDR", CIDR),
  ...bothWays("SUBNET", SUBNET),
  ...bothWays("DNS", DNS),
  ["F-ID/", String.raw`(?P<fid>\S+)`],
  ["F-PORT/", String.raw`(?P<fport>\w+)`],
]);

const TAG = /<(\/?[\w-]+\/?)>/g;

/**
 * Expands the tags of a failregex, prefregex or ignoreregex: `<HOST>` and the like, `<F-NAME>…</F-NAME>`, `<F-NAME/>` and
 * `<SKIPLINES>`. An unknown tag stays as it is, literal.
 */
export function expandTags(source: string): ExpandedPattern {
  const opened = new Set<string>();
  /** For each replacement its place in the result and in the pattern as written, and how much longer the result is after it. */
  const shifts: {
    readonly end: number;
    readonly start: number;
    readonly written: number;
    readonly delta: number;
  }[] = [];
  let skiplines = 0;
  let delta = 0;
  const expanded = source.replace(TAG, (tag, name: string, written: number) => {
    const text =
      name === "SKIPLINES" ? skipLines(skiplines++) : (WHOLE.get(name) ?? customTag(name, opened) ?? tag);
    // An unknown tag shifts nothing.
    if (text === tag) return tag;
    delta += text.length - tag.length;
    const end = written + tag.length + delta;
    shifts.push({ start: end - text.length, end, written, delta });
    return text;
  });
  return {
    source: expanded,
    offsetOf(offset) {
      let before = 0;
      for (const shift of shifts) {
        if (offset < shift.start) break;
        if (offset < shift.end) return shift.written;
        before = shift.delta;
      }
      return offset - before;
    },
  };
}

/** The name of the group of a tag `F-…`: that of `F-ID` is `fid`, that of `F-PORT` is `fport`. */
export function groupName(tag: string): string {
  const name = tag.toLowerCase();
  return name === "id" ? "fid" : name === "port" ? "fport" : name;
}

function bothWays(name: string, pattern: string): [string, string][] {
  return [
    [name, pattern],
    [`F-${name}/`, pattern],
  ];
}

/** Any lines between two parts of a multi-line pattern; they go back into the buffer after the match. */
function skipLines(index: number): string {
  return String.raw`\n(?P<skiplines${index}>(?:(?:.*\n)*?))`;
}

function customTag(name: string, opened: Set<string>): string | undefined {
  const [, closing, tag, self] = /^(\/?)F-([A-Z0-9_-]+)(\/?)$/.exec(name) ?? [];
  if (tag === undefined) return undefined;
  if (closing) return opened.has(tag) && !self ? ")" : undefined;
  if (self) return String.raw`(?P<${groupName(tag)}>\w+)`;
  opened.add(tag);
  return `(?P<${groupName(tag)}>`;
}
