import * as z from "zod";
import { JAIL_NAME, JAIL_NAME_FORM } from "../protocol/command.ts";
import { formatPlace } from "../rules/rule.ts";
import { YamlSource } from "../rules/yaml-source.ts";
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
  const source = new YamlSource(text, file);
  if (source.errors.length > 0) {
    throw new ConfigError(source.errors.map(({ place, message }) => `${formatPlace(place)}: ${message}`));
  }
  const checked = configSchema.safeParse(source.value ?? {});
  if (checked.success) return checked.data;
  throw new ConfigError(checked.error.issues.flatMap((issue) => problemsOf(source, issue)));
}

/** What is wrong, one line for each value or unknown key. */
function problemsOf(source: YamlSource, issue: z.core.$ZodIssue): readonly string[] {
  const name = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
  if (issue.code !== "unrecognized_keys") {
    return [`${formatPlace(source.place(issue.path))}: ${name}${issue.message}`];
  }
  return issue.keys.map((key) => {
    const place = source.keyPlace(issue.path, key);
    return `${formatPlace(place)}: ${name}unknown key ${JSON.stringify(key)}`;
  });
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
