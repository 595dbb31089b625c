import type { Matcher, MatcherClock, MatcherLine } from "../../filter/matcher.ts";
import type { Verdict } from "../../filter/verdict.ts";
import type { Jail, JournalMatch } from "../../rules/rule.ts";
import type { Entry } from "../input/entry.ts";
import { text } from "../input/journal.ts";
import { globMatches } from "./glob.ts";

/** The matcher's verdict on an entry; undefined: the jail does not see it. */
export function judge(
  jail: Jail,
  matcher: Matcher,
  entry: Entry,
  clock: MatcherClock,
  offset = 0,
): Verdict | undefined {
  const line = lineFor(jail, entry, offset);
  return line && matcher.match(line, clock);
}

/** What a jail sees of an entry; undefined: nothing. `offset`: where its line begins in the input, in bytes. */
export function lineFor(jail: Jail, entry: Entry, offset: number): MatcherLine | undefined {
  if (!hasIdentifier(jail, entry) || !passesJournalMatch(jail, entry)) return undefined;
  return viewOf(jail, entry, offset);
}

/** Whether an entry has an identifier of the jail's, if the jail names some. */
export function hasIdentifier({ identifier, on }: Jail, entry: Entry): boolean {
  if (on === "ban") return false;
  return (
    identifier === undefined || (entry.identifier !== undefined && identifier.includes(entry.identifier))
  );
}

/**
 * Whether a journal entry matches the jail's journalmatch, if there is one. Entries of other formats have no fields, and pass.
 * The entry's JSON is parsed only if it does not show the match as it stands.
 */
export function passesJournalMatch({ journalmatch }: Jail, entry: Pick<Entry, "fields" | "has">): boolean {
  if (journalmatch === undefined) return true;
  const isShown = (field: string, allowed: ReadonlySet<string>) =>
    [...allowed].some((value) => entry.has?.(field, value));
  if (entry.has !== undefined && matches(journalmatch, isShown)) return true;
  const { fields } = entry;
  if (fields === undefined) return true;
  return matches(journalmatch, (field, allowed) => {
    const value = text(fields[field]);
    return value !== undefined && allowed.has(value);
  });
}

/** With `identifier` the message and the time of the header; else the raw line, in which the jail looks for a date. */
export function viewOf({ identifier, session }: Jail, entry: Entry, offset: number): MatcherLine {
  const whole = entry.line;
  const process = session === "pid" ? entry.process : undefined;
  if (identifier === undefined) {
    const hasDate = !entry.isDateless;
    return {
      text: entry.text,
      whole,
      hasDate,
      time: hasDate ? undefined : entry.time,
      process,
      ascii: entry.ascii,
      offset,
    };
  }
  return {
    text: entry.message,
    whole,
    hasDate: false,
    time: entry.time,
    process,
    ascii: entry.ascii || undefined,
    offset,
  };
}

/** Whether a jail reads the log called `source`: a glob of its `logpath` matches, or one of both is undefined. */
export function readsSource({ logpath }: Jail, source: string | undefined): boolean {
  return source === undefined || logpath === undefined || logpath.some((glob) => globMatches(glob, source));
}

/** The fields that a journalmatch names, as the entry has them: `_UID=1000`. */
export function fieldsOfMatch({ journalmatch = [] }: Jail, { fields = {} }: Entry): readonly string[] {
  const asked = new Set(journalmatch.flatMap((conditions) => [...conditions.keys()]));
  return [...asked].map((field) => `${field}=${text(fields[field]) ?? ""}`);
}

/** Whether all conditions of one of the alternatives hold. */
function matches(
  match: JournalMatch,
  holds: (field: string, allowed: ReadonlySet<string>) => boolean,
): boolean {
  return match.some((conditions) => [...conditions].every(([field, allowed]) => holds(field, allowed)));
}
