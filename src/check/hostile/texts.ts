import { forged, isField, isId, type Template } from "./template.ts";

/** Texts that could get `decoy` banned, made without knowledge of the service: the simplest first. */
export function plainTexts(decoy: string): readonly string[] {
  return [
    decoy,
    `x from ${decoy}`,
    `x from ${decoy} port 22`,
    `x from ${decoy} port 22 ssh2`,
    `from ${decoy}`,
    `x FROM ${decoy}`,
    ` ${decoy} `,
    `x [${decoy}]`,
    `x[${decoy}]`,
    `x (${decoy})`,
    `x <${decoy}>`,
    `x "${decoy}"`,
    `x ip=${decoy}, y`,
    `x rhost=${decoy}`,
    `x rhost=${decoy}  user=y`,
    `x, client: ${decoy}, server: y`,
    `x: ${decoy}: y`,
    `x" from ${decoy} "y`,
    `x' from ${decoy} 'y`,
    `x\\" from ${decoy} \\"y`,
    `x] from [${decoy}`,
    `x) from (${decoy}`,
    `x> from <${decoy}`,
    `x\tfrom\t${decoy}\ty`,
    `x\u00a0from\u00a0${decoy}\u00a0y`,
    `é from ${decoy} \u2028`,
  ];
}

/** Texts that could hide a failure. */
export const ODD_TEXTS: readonly string[] = [
  "",
  " ",
  "x ",
  " x",
  "x y",
  "x from y",
  "x\ty",
  'x"y',
  "x'y",
  "x\\",
  "x]",
  "x)",
  "x>",
  "x:y",
  "-",
  "日本 \u202e é",
  "\u001b[2J\u0000",
];

/** Longer than names in most programs, and than texts that are searched without a time limit. */
export const LONG_TEXT = `${"x ".repeat(300)}x`;

/** Dates other than that of the line. */
export const DATE_TEXTS: readonly string[] = [
  "Jan  2 03:04:05",
  "2026-01-02 03:04:05",
  "2026-01-02T03:04:05+00:00",
  "02/Jan/2026:03:04:05 +0000",
  "2026/01/02 03:04:05",
  "1767323045",
  "1767323045.123",
  "@400000006957352f00000000",
].flatMap((date) => [date, `x ${date} y`, `[${date}]`]);

/**
 * Texts with line feeds, for a log whose entries may contain some: `$` matches before the last one, classes such as `[^"]*` and `\s` match
 * them, `.` does not.
 */
export function brokenTexts(template: Template, decoy: string): readonly string[] {
  const whole = [...copiesOf(template, decoy), ...forgeries(template, decoy)];
  return [
    "\n",
    "x\n",
    "\nx",
    "x\ny",
    ...whole.flatMap((text) => [`${text}\n`, `x\n${text}`, `x\n${text}\ny`]),
  ];
}

/** The whole line again, with another id. */
export function copiesOf(template: Template, decoy: string): readonly string[] {
  const copy = forged(template.parts, template, decoy);
  return [copy, `x ${copy}`, `${copy} `];
}

/**
 * The text between one field, or the beginning, and another field, or the end, with another id: in one field a client can write what looks
 * like the end of that field, the id, and the beginning of the next.
 */
export function forgeries(template: Template, decoy: string): readonly string[] {
  const { parts } = template;
  const fields = parts.flatMap((part, at) => (isField(part) ? [at] : []));
  const texts: string[] = [];
  for (const from of [-1, ...fields]) {
    for (const to of [...fields, parts.length]) {
      const between = parts.slice(from + 1, to);
      if (!between.some(isId)) continue;
      const text = forged(between, template, decoy);
      texts.push(`${from < 0 ? "" : "x"}${text}${to === parts.length ? "" : "y"}`);
    }
  }
  return texts;
}
