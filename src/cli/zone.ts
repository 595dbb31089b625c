import { setZone } from "../shared/time.ts";
import { UsageError } from "./args.ts";

/**
 * Takes the value of an option `--tz`.
 *
 * @throws UsageError for a zone that does not exist
 */
export function useZone(zone: string): void {
  try {
    setZone(zone);
  } catch (error) {
    throw new UsageError(`option --tz: ${error instanceof Error ? error.message : error}`);
  }
}
