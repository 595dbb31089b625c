import type { Matcher, MatcherClock, MatcherLine } from "../../filter/matcher.ts";
import type { Verdict } from "../../filter/verdict.ts";
import type { Source } from "../../protocol/tagged.ts";
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

/**
 * Whether an entry has an identifier of the jail's, if the jail names some. A piece of a container's line is nothing that a jail sees,
 * unless it is fail2ban's, which sees the log as it is.
 */
export function hasIdentifier({ identifier, on, filter }: Jail, entry: Entry): boolean {
  if (on === "ban") return false;
  if (entry.contained?.text === undefined && entry.contained && filter.compat === undefined) return false;
  return (
    identifier === undefined || (entry.identifier !== undefined && identifier.includes(entry.identifier))
  );
}

/** Whether a journal entry matches the jail's journalmatch, if there is one. Entries of other formats have no fields, and pass. */
export function passesJournalMatch({ journalmatch }: Jail, entry: Pick<Entry, "fields" | "has">): boolean {
  if (journalmatch === undefined || (entry.has === undefined && entry.fields === undefined)) return true;
  for (const conditions of journalmatch) if (meets(entry, conditions)) return true;
  return false;
}

/** Whether all conditions of one of the alternatives hold. */
function meets(entry: Pick<Entry, "fields" | "has">, conditions: JournalMatch[number]): boolean {
  for (const [field, allowed] of conditions) if (!hasOneOf(entry, field, allowed)) return false;
  return true;
}

function hasOneOf(
  entry: Pick<Entry, "fields" | "has">,
  field: string,
  allowed: ReadonlySet<string>,
): boolean {
  if (entry.has !== undefined) return entry.has(field, allowed);
  const value = text(entry.fields?.[field]);
  return value !== undefined && allowed.has(value);
}

/**
 * With `identifier` the message and the time of the header; else the raw line, in which the jail looks for a date. Of a container's line what
 * the program wrote, at the time that the runtime gives: a date in it is cut out and means nothing.
 */
export function viewOf({ identifier, session, filter }: Jail, entry: Entry, offset: number): MatcherLine {
  const text = filter.compat === undefined ? entry.contained?.text : undefined;
  if (text !== undefined) return { text, whole: text.slice(0, -1), hasDate: true, time: entry.time, offset };
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

/** What `--source` says of stdin. */
export function sourceNamed(name: string | undefined): Source | undefined {
  return name === undefined ? undefined : { name, kind: "file" };
}

/**
 * Whether a jail reads a source: a glob of its `logpath` matches the name, or the source is a journal and the jail has a `journalmatch`. A jail
 * without a `logpath` reads all sources, and every jail reads one without a name.
 */
export function readsSource({ logpath, journalmatch }: Jail, source: Source | undefined): boolean {
  if (source === undefined || logpath === undefined) return true;
  if (source.kind === "journal" && journalmatch !== undefined) return true;
  return logpath.some((glob) => globMatches(glob, source.name));
}

/** The fields that a journalmatch names, as the entry has them: `_UID=1000`. */
export function fieldsOfMatch({ journalmatch = [] }: Jail, { fields = {} }: Entry): readonly string[] {
  const asked = new Set(journalmatch.flatMap((conditions) => [...conditions.keys()]));
  return [...asked].map((field) => `${field}=${text(fields[field]) ?? ""}`);
}
