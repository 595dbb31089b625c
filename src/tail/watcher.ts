import { type FSWatcher, statfsSync, watch } from "node:fs";
import type { Report } from "../cli/report.ts";
import { statIfThere } from "./old-parts.ts";

/** Something happened in a folder. `name`: to which file, if that is known; `isNew`: one may have come, gone or been renamed. */
type OnEvent = (folder: string, name: string | undefined, isNew: boolean) => void;

/** File systems of which inotify doesn't tell what other machines write: NFS, SMB, 9P, FUSE, Ceph, AFS, vboxsf. */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400, 0x5346414f, 0x786f4256,
]);

interface Watched {
  readonly watcher: FSWatcher;
  /** `device:inode` of the folder. */
  readonly id: string;
}

/** Tells of changes in folders by inotify. Folders for which that can't be had are to be polled. */
export class FolderWatcher {
  readonly #onEvent: OnEvent;
  readonly #report: Report;
  readonly #watched = new Map<string, Watched>();
  #wanted: ReadonlySet<string> = new Set();
  /** Folders whose changes inotify does not tell. */
  readonly #polled = new Set<string>();
  readonly #isOff: boolean;

  /** @param isOff true: everything is polled */
  constructor(report: Report, isOff: boolean, onEvent: OnEvent) {
    this.#report = report;
    this.#isOff = isOff;
    this.#onEvent = onEvent;
  }

  /** Whether some wanted folder has to be polled. */
  get needsPolling(): boolean {
    return this.#isOff || this.#polled.size > 0;
  }

  /** Watches these folders, and no others. */
  watch(folders: ReadonlySet<string>): void {
    this.#wanted = folders;
    for (const folder of this.#watched.keys()) if (!folders.has(folder)) this.#stop(folder);
    for (const folder of this.#polled) if (!folders.has(folder)) this.#polled.delete(folder);
    this.check();
  }

  /** Watches wanted folders that have appeared, or are others than before. Returns whether there are any. */
  check(): boolean {
    if (this.#isOff) return false;
    let isChanged = false;
    for (const folder of this.#wanted) {
      const now = statIfThere(folder);
      const watched = this.#watched.get(folder);
      if (watched?.id === now?.id || this.#polled.has(folder)) continue;
      isChanged = true;
      this.#stop(folder);
      if (now) this.#start(folder, now.id);
    }
    return isChanged;
  }

  close(): void {
    for (const folder of [...this.#watched.keys()]) this.#stop(folder);
  }

  #start(folder: string, id: string): void {
    try {
      if (REMOTE.has(statfsSync(folder).type)) {
        this.#polled.add(folder);
        this.#report.rareWarning("remote", `${folder}: a network file system: looked at every second`);
        return;
      }
      const watcher = watch(folder, (type, name) =>
        this.#onEvent(folder, name ?? undefined, type === "rename"),
      );
      watcher.on("error", (error) => this.#fail(folder, error));
      this.#watched.set(folder, { watcher, id });
    } catch (error) {
      this.#fail(folder, error as NodeJS.ErrnoException);
    }
  }

  #fail(folder: string, error: NodeJS.ErrnoException): void {
    this.#stop(folder);
    if (error.code === "ENOENT") return;
    this.#polled.add(folder);
    const why = error.code === "ENOSPC" ? "no inotify watches are left" : `inotify failed: ${error.code}`;
    const isTold = this.#report.rareWarning("unwatched", `${folder}: ${why}: looked at every second instead`);
    if (isTold && error.code === "ENOSPC")
      this.#report.hint("sysctl fs.inotify.max_user_watches raises their number");
    if (isTold && error.code === "EMFILE")
      this.#report.hint("sysctl fs.inotify.max_user_instances raises the number of inotify users");
  }

  #stop(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }
}
