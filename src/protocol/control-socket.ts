import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { checkFolder, FileError } from "../shared/safe-file.ts";

/** A socket that cannot be opened. */
export class SocketError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "SocketError";
    this.hint = hint;
  }
}

/** A Unix socket that listens at a path. */
export interface ListeningSocket {
  readonly server: Server;
  /** Closes and removes it, if it is still ours. Connections stay. */
  close(): void;
}

/** Longest path that the kernel takes, in bytes (unix(7)); Node 20 truncates longer ones silently. */
const MAX_PATH = 107;
/** Folder beside the socket, while it is being created; six more characters follow. */
const PRIVATE = ".f2b-";
const MAX_FOLDER = MAX_PATH - `/${PRIVATE}XXXXXX/s`.length;
/** Attempts at a path that others change meanwhile. */
const ATTEMPTS = 5;

/** @throws SocketError when the kernel would not take the path */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH) {
    throw new SocketError(`${path}: the path is ${length} bytes long, at most ${MAX_PATH} are allowed`);
  }
}

/**
 * Listens at a path with mode 0600. The socket is created in a private folder and appears at its path in one step, with that
 * mode. A stale socket of ours is replaced; another kind of file, or another user's socket, is left alone.
 *
 * @throws SocketError
 */
export async function listenAt(path: string): Promise<ListeningSocket> {
  const folder = privateFolder(path);
  // A client may send all its requests and close its half.
  const server = createServer({ allowHalfOpen: true });
  try {
    const made = join(folder, "s");
    await listening(server, made);
    chmodSync(made, 0o600);
    const { ino, dev } = lstatSync(made);
    await publish(made, path, folder);
    return { server, close: () => close(server, path, { ino, dev }) };
  } catch (error) {
    server.close();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder for us alone beside the path: hard links and renames stay within a file system. */
function privateFolder(path: string): string {
  checkSocketPath(path);
  const folder = dirname(path);
  const length = Buffer.byteLength(folder);
  if (length > MAX_FOLDER) {
    throw new SocketError(
      `${path}: the path of its folder is ${length} bytes long, at most ${MAX_FOLDER} are allowed`,
    );
  }
  try {
    checkFolder(path);
    return mkdtempSync(join(folder, PRIVATE));
  } catch (error) {
    if (error instanceof FileError) throw new SocketError(`${path}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new SocketError(
        `${path}: no such folder: ${folder}`,
        "create it, for the user of f2b-stream alone",
      );
    }
    throw new SocketError(`${path}: ${message}`);
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on("error", (error) => reject(new SocketError(error.message)));
    server.listen(path, resolve);
  });
}

/** Moves a socket to its path, by a link: that fails where something is, a rename would not. */
async function publish(made: string, path: string, folder: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (isLinked(made, path)) return;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket()) throw new SocketError(`${path}: exists and is not a socket`);
    if (found.uid !== process.geteuid?.()) {
      const hint = "remove it, if it is not in use, or choose another --control";
      throw new SocketError(`${path}: exists and belongs to user ${found.uid}`, hint);
    }
    if (await isAnswered(path)) {
      throw new SocketError(
        `${path}: another f2b-stream listens there`,
        "each f2b-stream needs a --control of its own",
      );
    }
    setAside(path, found, join(folder, "stale"));
  }
  throw new SocketError(`${path}: other processes keep creating it`);
}

function isLinked(made: string, path: string): boolean {
  try {
    linkSync(made, path);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new SocketError(`${path}: ${message}`);
  }
}

/** Whether a process listens at a socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      // The queue of connections is full.
      else if (code === "EAGAIN") resolve(true);
      else reject(new SocketError(`${path}: ${message}`));
    });
  });
}

/** Moves a stale socket away; one that has taken its place meanwhile is put back. */
function setAside(path: string, stale: FileId, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    throw new SocketError(`${path}: ${message}`);
  }
  if (isSame(aside, stale)) unlinkSync(aside);
  else isLinked(aside, path);
}

function close(server: Server, path: string, own: FileId): void {
  server.close();
  try {
    if (isSame(path, own)) unlinkSync(path);
  } catch {
    // It stays, and the next f2b-stream replaces it.
  }
}

interface FileId {
  readonly ino: number;
  readonly dev: number;
}

function isSame(path: string, { ino, dev }: FileId): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.ino === ino && found.dev === dev;
}
