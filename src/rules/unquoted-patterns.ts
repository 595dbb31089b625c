import * as yaml from "yaml";

const PATTERN_KEYS: ReadonlySet<string> = new Set([
  "prefregex",
  "failregex",
  "ignoreregex",
  "datepattern",
  "success",
]);

/**
 * Reads a pattern with `: ` in it, written without quotes as in a fail2ban filter, as text: YAML reads a mapping there, or reports an
 * error, but a mapping cannot be meant. The pattern ends with its line, or at ` #` as any plain text does.
 */
export function fixUnquotedPatterns(document: yaml.Document.Parsed, text: string): void {
  const mend = (node: unknown) => fixUnquotedPattern(document, text, node);
  yaml.visit(document, {
    Pair: (_, pair, ancestors) => {
      if (!isSetting(ancestors) || !PATTERN_KEYS.has(String(pair.key))) return;
      if (yaml.isSeq(pair.value)) pair.value.items = pair.value.items.map(mend);
      else pair.value = mend(pair.value);
    },
  });
}

/** True for a key in `defaults` or in a jail: its ancestors are document, mapping, pair, mapping, and in a jail another pair and mapping. */
function isSetting(ancestors: readonly unknown[]): boolean {
  const top = yaml.isPair(ancestors[2]) ? String(ancestors[2].key) : "";
  return (top === "defaults" && ancestors.length === 4) || (top === "jails" && ancestors.length === 6);
}

function fixUnquotedPattern(document: yaml.Document.Parsed, text: string, node: unknown): unknown {
  if (!yaml.isMap(node) || node.flow || !node.range) return node;
  const first = node.items[0]?.key;
  if (!yaml.isScalar(first) || first.type !== yaml.Scalar.PLAIN) return node;
  const [start, end] = node.range;
  const line = text.slice(start, end).trimEnd();
  if (line.includes("\n")) return node;
  document.errors = document.errors.filter(({ pos }) => pos[0] < start || pos[0] > start + line.length);
  const [written = "", comment] = line.split(/\s#(.*)/s, 2);
  const pattern = new yaml.Scalar(written.trimEnd());
  pattern.comment = comment ?? null;
  pattern.type = yaml.Scalar.PLAIN;
  pattern.range = [start, start + pattern.value.length, end];
  return pattern;
}
