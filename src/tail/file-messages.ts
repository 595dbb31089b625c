import { readFileSync } from "node:fs";
import type { Report } from "../cli/report.ts";

/** What is told of one file, each thing once. */
export class FileMessages {
  readonly #name: string;
  readonly #report: Report;
  /** Why it can't be read, as was told. */
  #trouble = "";
  #isTruncationTold = false;

  constructor(name: string, report: Report) {
    this.#name = name;
    this.#report = report;
  }

  /** It can't be read. `group`: the id of the group that may, where that is the reason. */
  trouble(why: string, group?: number): void {
    if (this.#trouble === why) return;
    this.#trouble = why;
    this.#report.warning(`${this.#name}: ${why}`);
    if (group !== undefined) this.#report.hint(remedyFor(group));
  }

  /** It can be read. */
  fine(): void {
    this.#trouble = "";
  }

  truncated(hasCopy: boolean): void {
    const what = `${this.#name}: was truncated, and is read from its beginning`;
    const rest = hasCopy ? "; the rest of what it held is read from its copy" : "";
    if (this.#isTruncationTold) this.#report.detail(what + rest);
    else {
      this.#report.line(what + rest);
      this.#report.hint(
        "lines between the copy and the truncation are lost to all readers: rotate by renaming (create)",
      );
    }
    this.#isTruncationTold = true;
  }
}

function remedyFor(gid: number): string {
  const name = groupName(gid);
  return gid === 0
    ? "only root can read it: run as root, or let a group read it (chgrp adm, chmod g+r)"
    : `run with the group ${name}: usermod -aG ${name} USER, or SupplementaryGroups=${name} in the unit`;
}

function groupName(gid: number): string {
  try {
    const groups = readFileSync("/etc/group", "utf8").split("\n");
    return groups.find((line) => line.split(":")[2] === String(gid))?.split(":")[0] ?? String(gid);
  } catch {
    return String(gid);
  }
}
