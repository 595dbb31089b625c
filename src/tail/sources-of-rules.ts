import type { Report } from "../cli/report.ts";
import { formatJournalMatch } from "../rules/journalmatch.ts";
import { loadRules } from "../rules/load-rules.ts";
import type { Jail } from "../rules/rule.ts";
import { plural } from "../shared/plural.ts";
import { unionOf } from "./options.ts";

/** What jails read. */
export interface RuleSources {
  /** Absolute shell patterns. */
  readonly files: readonly string[];
  /** journalctl's words; empty: all entries. Undefined: no jail reads the journal. */
  readonly journal: readonly string[] | undefined;
}

/**
 * The logs of the enabled jails: the files that a jail's `logpath` names, the journal's entries that its `journalmatch` takes, or all entries
 * where it names neither.
 *
 * @throws RulesError
 */
export async function sourcesOfRules(specs: readonly string[], report: Report): Promise<RuleSources> {
  const { jails, warnings } = await loadRules({ specs, sets: [] });
  // f2b-stream reads the same rules and warns of the same.
  for (const warning of warnings) report.detail(warning);
  const reading = jails.filter(({ enabled, on }) => enabled && on === "log");
  const sources = sourcesOf(reading);
  const journal = reading.filter(readsJournal);
  const files = reading.filter(({ logpath }) => logpath !== undefined);
  if (reading.length > 0) {
    report.line(
      `${plural(files.length, "jail")} with files, ${plural(journal.length, "jail")} with the journal`,
    );
  }
  for (const jail of reading) {
    const where = [...(jail.logpath ?? []), ...(readsJournal(jail) ? ["the journal"] : [])];
    report.detail(`jail ${jail.name}: ${where.join(", ")}`);
  }
  return sources;
}

/** A jail without `logpath`, or with a `journalmatch` besides: as f2b-stream reads them. */
function readsJournal({ logpath, journalmatch }: Jail): boolean {
  return logpath === undefined || journalmatch !== undefined;
}

function sourcesOf(jails: readonly Jail[]): RuleSources {
  const inJournal = jails.filter(readsJournal);
  const matches = inJournal.map(({ journalmatch }) => formatJournalMatch(journalmatch ?? []));
  return {
    files: [...new Set(jails.flatMap(({ logpath }) => logpath ?? []))],
    journal: matches.length === 0 ? undefined : unionOf(matches),
  };
}
