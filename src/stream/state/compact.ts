import { type Ban, encode, isBan } from "../../protocol/command.ts";
import { CommandError } from "../../protocol/json-fields.ts";
import { type Decision, decisionIn } from "./decision.ts";
import type { Header } from "./header.ts";
import { LineCutter } from "./line-cutter.ts";
import { type Part, Sieve } from "./retention.ts";
import type { StateFile } from "./state-file.ts";

/** What a restart needs: whoever remembers the bans knows. */
export interface Needs {
  partOf(decision: Decision): Part;
  /** The bans in force, oldest first, with their evidence. */
  inForce(): Iterable<Ban>;
}

export interface CompactOptions {
  readonly needs: Needs;
  /** True: commands are missing in the file, and the bans in force are taken from memory. */
  readonly isHealing: boolean;
  readonly header: () => Header;
  /** Called when what is written from memory covers all that was decided until now. */
  readonly onCovered: () => void;
  /** Called with the new file at the moment it has taken the old one's place. */
  readonly onMoved: (file: StateFile) => void;
  readonly isStopped: () => boolean;
}

/** So much is read, judged and written at a time, in bytes: about a millisecond, and then others have their turn. */
const BLOCK = 65536;
/** So much may be left to be copied while nobody else has a turn. */
const REST = 4 * BLOCK;

/**
 * Writes what is needed of a state into a new file beside it, which then takes its place: at each moment the path leads to a
 * whole file that is locked by us. The state may grow meanwhile, and nobody is held up.
 *
 * @throws when it could not be done: the old file is as it was
 */
export async function compact(old: StateFile, options: CompactOptions): Promise<void> {
  const file = await old.createNew();
  try {
    file.writeHeader(options.header());
    const judged = old.end;
    await copyNeeded(old, judged, file, options);
    let copied = judged;
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

/** The program ends: another time. */
export class StoppedError extends Error {}

/** Copies, of the commands up to `end`, those that are needed. */
async function copyNeeded(
  old: StateFile,
  end: number,
  file: StateFile,
  { needs, isHealing, isStopped }: CompactOptions,
): Promise<void> {
  const cutter = new LineCutter();
  const sieve = new Sieve((decision) => needs.partOf(decision));
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = 0; at < end; ) {
    const piece = await old.readLater(block.subarray(0, end - at), at);
    at += piece.length;
    const kept: Buffer[] = [];
    for (const { bytes } of cutter.push(piece)) {
      const part = bytes && neededPart(bytes, sieve, isHealing);
      if (part) kept.push(part);
    }
    await file.appendLater(Buffer.concat(kept));
    if (isStopped()) throw new StoppedError();
  }
}

/** What is kept of a line, with its newline. */
function neededPart(bytes: Buffer, sieve: Sieve, isHealing: boolean): Buffer | undefined {
  const decision = undamaged(bytes);
  if (decision === undefined) return undefined;
  const part = sieve.partOf(decision);
  // Bans in force come from memory, but for the place they have among those that are counted.
  if (part === "all" && !isHealing) return Buffer.concat([bytes, NEWLINE]);
  return part === "nothing" ? undefined : Buffer.from(encode(withoutEvidence(decision)));
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

async function writeInForce(file: StateFile, { needs, isStopped }: CompactOptions): Promise<void> {
  let text = "";
  for (const ban of needs.inForce()) {
    text += encode(ban);
    if (text.length < BLOCK) continue;
    await file.appendLater(Buffer.from(text));
    text = "";
    if (isStopped()) throw new StoppedError();
  }
  await file.appendLater(Buffer.from(text));
}

/** Copies what follows a place, a block at most; gives its length. */
async function copyBlock(old: StateFile, from: number, file: StateFile): Promise<number> {
  const piece = await old.readLater(Buffer.allocUnsafe(Math.min(BLOCK, old.end - from)), from);
  await file.appendLater(piece);
  return piece.length;
}

/** Copies all that follows a place, at once; gives the place where it ended. */
function copyRest(old: StateFile, from: number, file: StateFile): number {
  file.append(old.read(Buffer.allocUnsafe(old.end - from), from));
  return old.end;
}
