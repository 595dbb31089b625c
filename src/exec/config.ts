import { isMap, isNode, LineCounter, type Node, type ParsedNode, parseDocument } from "yaml";
import * as z from "zod";
import { JAIL_NAME, JAIL_NAME_FORM } from "../protocol/command.ts";
import { type ActionSpec, CHAIN_NAME, type ExecConfig } from "./settings/settings.ts";
import { unknownTag } from "./settings/tag-names.ts";

/** A mistake in the file of `-c`: `exec.yaml:4:11: jails.sshd.blocktype: expected …`. */
export class ConfigError extends SyntaxError {
  readonly code = "ERR_CONFIG";
  /** All that were found, each with its place. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Reads the text of a configuration file. `file` is its name for messages.
 *
 * @throws ConfigError with all mistakes
 */
export function parseConfig(text: string, file: string): ExecConfig {
  const lineCounter = new LineCounter();
  const document = bounded(file, () =>
    parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true }),
  );
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ code, pos, message }) =>
        code === "RESOURCE_EXHAUSTION" ? `${at(pos[0])}: nested too deep` : `${at(pos[0])}: ${message}`,
      ),
    );
  }
  const checked = configSchema.safeParse(
    bounded(file, () => document.toJS({ maxAliasCount: MAX_ALIASES })) ?? {},
  );
  if (checked.success) return checked.data;
  throw new ConfigError(
    checked.error.issues.flatMap((issue) => {
      const path = issue.path.map(String);
      const name = path.length === 0 ? "" : `${path.join(".")}: `;
      if (issue.code !== "unrecognized_keys") {
        return [`${at(offsetOf(document.contents, issue.path))}: ${name}${issue.message}`];
      }
      return issue.keys.map(
        (key) =>
          `${at(offsetOf(document.contents, issue.path, key))}: ${name}unknown key ${JSON.stringify(key)}`,
      );
    }),
  );
}

/** No anchor is used more often than this, those inside it counted: a small text can't stand for a huge one. */
const MAX_ALIASES = 100;

/** @throws ConfigError for aliases that stand for too much or lead to themselves, and for what is nested too deep */
function bounded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReferenceError) {
      throw new ConfigError([`${file}:1:1: more than ${MAX_ALIASES} uses of one anchor`]);
    }
    if (error instanceof RangeError) throw new ConfigError([`${file}:1:1: nested too deep`]);
    throw error;
  }
}

const expected = (what: string) => ({ error: `expected ${what}` });

const chain = z.string(expected("the name of a chain")).regex(CHAIN_NAME, expected("the name of a chain"));

/** Numbers are read as text: `[sleep, 5]`. A command as one string would need a shell, so it is refused. */
const argvShape = 'a list of arguments such as [logger, -t, f2b, "ban <ip>"]';
const argv = z
  .array(
    z.union([z.string(), z.number()], expected("text")).transform(String),
    expected(`${argvShape}: no shell is run`),
  )
  .min(1, expected(argvShape))
  .refine((words) => words[0] !== "", expected("a command"))
  .refine((words) => !words.some((word) => word.includes("\0")), expected("words without a NUL"));

function command(tags: "address" | "jail") {
  return argv.superRefine((words, context) => {
    words.forEach((word, index) => {
      const tag = unknownTag(word, tags);
      if (tag === undefined) return;
      const message = `unknown tag ${tag}; the whole command is passed as JSON on stdin`;
      context.addIssue({ code: "custom", path: [index], message });
    });
  });
}

const actionSchema: z.ZodType<ActionSpec> = z.strictObject(
  {
    name: z.string(expected("a name")).optional(),
    actionstart: command("jail").optional(),
    actioncheck: command("jail").optional(),
    actionban: command("address").optional(),
    actionunban: command("address").optional(),
    actionstop: command("jail").optional(),
    actionflush: command("jail").optional(),
    norestored: z.boolean(expected("true or false")).optional(),
    timeout: z
      .number(expected("seconds"))
      .min(1, expected("1 to 3600 seconds"))
      .max(3600, expected("1 to 3600 seconds"))
      .optional(),
  },
  { error: expectedMapping },
) as z.ZodType<ActionSpec>;

const jailSchema = z.strictObject(
  {
    blocktype: z.enum(["reject", "drop"], expected('"reject" or "drop"')).optional(),
    chain: z
      .preprocess(
        (value) => (typeof value === "string" ? [value] : value),
        z.array(chain, expected("the name of a chain, or a list of them")).min(1, expected("a chain")),
      )
      .optional(),
    actions: z.array(actionSchema, expected("a list of actions")).optional(),
  },
  { error: expectedMapping },
);

const configSchema: z.ZodType<ExecConfig> = z.strictObject(
  {
    defaults: jailSchema.optional(),
    jails: z
      .record(z.string().regex(JAIL_NAME), jailSchema, {
        error: ({ code }) =>
          code === "invalid_key" ? `expected a jail's name: ${JAIL_NAME_FORM}` : "expected a mapping",
      })
      .optional(),
  },
  { error: expectedMapping },
) as z.ZodType<ExecConfig>;

/** Unknown keys keep zod's issue, which names them. */
function expectedMapping({ code }: { readonly code?: string }): string | undefined {
  return code === "unrecognized_keys" ? undefined : "expected a mapping";
}

/** Where the value at `path` stands, or its key `key`; where there is no value, what is around it. */
function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[], key?: string): number {
  let node: Node | null = root;
  for (const part of path) {
    const inner: unknown =
      node !== null && "get" in node ? (node.get as (key: unknown, keep: true) => unknown)(part, true) : null;
    if (!isNode(inner)) break;
    node = inner;
  }
  const pair = isMap(node) ? node.items.find((item) => String(item.key) === key) : undefined;
  const found = isNode(pair?.key) ? pair.key : node;
  return found?.range?.[0] ?? 0;
}
