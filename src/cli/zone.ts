import { setZone } from "../shared/time.ts";
import { UsageError } from "./args.ts";

/**
 * Sets the zone of this process to the value of an option `--tz`.
 *
 * @throws UsageError for an unknown zone
 */
export function useZone(zone: string): void {
  try {
    setZone(zone);
  } catch (error) {
    throw new UsageError(`option --tz: ${error instanceof Error ? error.message : error}`);
  }
}
