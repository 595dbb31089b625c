import { encode, isBan } from "../../protocol/command.ts";
import { CommandError } from "../../protocol/json-fields.ts";
import { type Decision, decisionIn } from "./decision.ts";
import type { Header } from "./header.ts";
import { LineCutter } from "./line-cutter.ts";
import { RetentionFilter, type RetentionPolicy } from "./retention.ts";
import type { StateFile } from "./state-file.ts";

export interface CompactOptions {
  readonly policy: RetentionPolicy;
  /** True: commands are missing in the file, so the bans in force are taken from memory. */
  readonly isHealing: boolean;
  readonly header: () => Header;
  /** Called at the moment from which what is written from memory covers all that was decided so far. */
  readonly onCovered: () => void;
  /** Called with the new file when it has taken the place of the old one. */
  readonly onMoved: (file: StateFile) => void;
  readonly isStopped: () => boolean;
}

/** How much is read, filtered and written at a time, in bytes: it takes about a millisecond, then the event loop goes on. */
const BLOCK = 65536;
/** How much may be left for the last step, which copies it synchronously. */
const REST = 4 * BLOCK;

/**
 * Writes what a restart needs of a state into a new file beside it, which then takes its place: at each moment the path leads to
 * a whole file that is locked by us. The state may grow meanwhile, and the event loop is not held up.
 *
 * @throws when it fails: the old file is as it was
 */
export async function compact(old: StateFile, options: CompactOptions): Promise<void> {
  const file = await old.createNew();
  try {
    file.writeHeader(options.header());
    const filtered = old.end;
    await copyNeeded(old, filtered, file, options);
    let copied = filtered;
    if (options.isHealing) {
      copied = copyRest(old, copied, file);
      options.onCovered();
      await writeInForce(file, options);
    }
    while (old.end - copied > REST) copied += await copyBlock(old, copied, file);
    await file.sync();
    await file.lock().catch(() => true);
    if (options.isStopped()) throw new StoppedError();
    copyRest(old, copied, file);
    file.writeHeader(options.header());
    file.move(old.path);
  } catch (error) {
    await file.discard();
    throw error;
  }
  options.onMoved(file);
}

/** The program ends, and the compaction with it. */
export class StoppedError extends Error {}

/** Copies what is needed of the commands up to `end`. */
async function copyNeeded(
  old: StateFile,
  end: number,
  file: StateFile,
  { policy, isHealing, isStopped }: CompactOptions,
): Promise<void> {
  const cutter = new LineCutter();
  const filter = new RetentionFilter(policy);
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = 0; at < end; ) {
    const piece = await old.readLater(block.subarray(0, end - at), at);
    at += piece.length;
    const kept: Buffer[] = [];
    for (const { bytes } of cutter.push(piece)) {
      const part = bytes && neededPart(bytes, filter, isHealing);
      if (part) kept.push(part);
    }
    await file.appendLater(Buffer.concat(kept));
    if (isStopped()) throw new StoppedError();
  }
}

/** What is kept of a line, with its newline. */
function neededPart(bytes: Buffer, filter: RetentionFilter, isHealing: boolean): Buffer | undefined {
  const decision = undamaged(bytes);
  if (decision === undefined) return undefined;
  const retention = filter.retentionOf(decision);
  // Healing takes bans in force from memory; here they keep their place among those that are counted.
  if (retention === "all" && !isHealing) return Buffer.concat([bytes, NEWLINE]);
  return retention === "nothing" ? undefined : Buffer.from(encode(withoutEvidence(decision)));
}

const NEWLINE = Buffer.from("\n");

function undamaged(bytes: Buffer): Decision | undefined {
  try {
    return decisionIn(bytes);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

function withoutEvidence(decision: Decision): Decision {
  if (!isBan(decision) || decision.matches === undefined) return decision;
  const { matches: _, ...rest } = decision;
  return rest;
}

async function writeInForce(file: StateFile, { policy, isStopped }: CompactOptions): Promise<void> {
  let text = "";
  for (const ban of policy.inForce()) {
    text += encode(ban);
    if (text.length < BLOCK) continue;
    await file.appendLater(Buffer.from(text));
    text = "";
    if (isStopped()) throw new StoppedError();
  }
  await file.appendLater(Buffer.from(text));
}

/** Copies what follows an offset, a block at most. Returns how many bytes it copied. */
async function copyBlock(old: StateFile, from: number, file: StateFile): Promise<number> {
  const piece = await old.readLater(Buffer.allocUnsafe(Math.min(BLOCK, old.end - from)), from);
  await file.appendLater(piece);
  return piece.length;
}

/** Copies all that follows an offset, synchronously. Returns the offset where it ended. */
function copyRest(old: StateFile, from: number, file: StateFile): number {
  file.append(old.read(Buffer.allocUnsafe(old.end - from), from));
  return old.end;
}
