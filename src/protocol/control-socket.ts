import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { checkFolder, FileError } from "../shared/safe-file.ts";

/** A socket that can't be had. */
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
  /** Takes it away, if it is still ours. Connections stay. */
  close(): void;
}

/** Bytes of a path that the kernel takes (unix(7)); Node 20 cuts longer ones without a word. */
const MAX_PATH = 107;
/** In the socket's folder, while it is being made; six characters more follow. */
const PRIVATE = ".f2b-";
const MAX_FOLDER = MAX_PATH - `/${PRIVATE}XXXXXX/s`.length;
/** How often a path is tried that others change meanwhile. */
const ATTEMPTS = 5;

/** @throws SocketError when the kernel would not take the path */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH) {
    throw new SocketError(`${path}: the path has ${length} bytes, and a socket's may have ${MAX_PATH}`);
  }
}

/**
 * Listens at a path with mode 0600. The socket is made in a folder that nobody else may enter, and appears at its path all at
 * once, as it is meant to be. One of ours that nobody listens at any more is replaced; what is no socket, or another user's, is left
 * alone.
 *
 * @throws SocketError
 */
export async function listenAt(path: string): Promise<ListeningSocket> {
  const folder = privateFolder(path);
  // A client may say all that it wants and close its half.
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
    throw new SocketError(`${path}: its folder's path has ${length} bytes, and may have ${MAX_FOLDER}`);
  }
  try {
    checkFolder(path);
    return mkdtempSync(join(folder, PRIVATE));
  } catch (error) {
    if (error instanceof FileError) throw new SocketError(`${path}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new SocketError(
        `${path}: there is no folder ${folder}`,
        "make it, for the user of f2b-stream alone",
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

/** Gives a socket its path. A link fails where something is, a rename would not. */
async function publish(made: string, path: string, folder: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (isLinked(made, path)) return;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket()) throw new SocketError(`${path}: is there, and is no socket`);
    if (found.uid !== process.geteuid?.()) {
      const hint = "take it away, if nobody uses it, or give another --control";
      throw new SocketError(`${path}: is there, and belongs to user ${found.uid}`, hint);
    }
    if (await isAnswered(path)) {
      throw new SocketError(`${path}: another f2b-stream listens there`, "give each its own --control");
    }
    setAside(path, found, join(folder, "stale"));
  }
  throw new SocketError(`${path}: others take it again and again`);
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

/** Whether somebody listens at a socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      // The queue of those who want to connect is full.
      else if (code === "EAGAIN") resolve(true);
      else reject(new SocketError(`${path}: ${message}`));
    });
  });
}

/** Takes a stale socket away; one that has come in its place meanwhile is put back. */
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
    // It stays, and the next one replaces it.
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
