import { UsageError } from "../cli/args.ts";
import { FORMATS, type Format } from "./entry.ts";

/**
 * The value of an option `--format`; undefined for `auto`.
 *
 * @throws UsageError
 */
export function readFormat(text: string): Format | undefined {
  if (text === "auto") return undefined;
  const format = FORMATS.find((each) => each === text);
  if (format) return format;
  throw new UsageError(
    `option --format: expected one of auto, ${FORMATS.join(", ")}, got ${JSON.stringify(text)}`,
  );
}
