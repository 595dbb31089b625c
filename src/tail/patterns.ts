import { join, resolve } from "node:path";
import { globMatches } from "../stream/jail/glob.ts";
import { isCompressed, namesBefore, namesIn, statFile, statIfThere } from "./old-parts.ts";

/** What was asked for: a file's absolute path, or a shell pattern for some. */
export interface FilePattern {
  readonly path: string;
  readonly isGlob: boolean;
}

/** What a pattern stands for now. */
export interface Expansion {
  /** Paths of files, sorted. */
  readonly paths: readonly string[];
  /** Compressed files, and old parts of files that are followed: they are left alone. */
  readonly leftAlone: readonly string[];
  /** Folders in which names were looked up. */
  readonly folders: readonly string[];
}

/** A word of the command line, or a `logpath`. A file that is named like a pattern is a file. */
export function filePattern(word: string): FilePattern {
  const path = resolve(word);
  return { path, isGlob: /[*?[]/.test(path) && statIfThere(path) === undefined };
}

/** Finds the files that a pattern matches. As in a shell, `*` and `?` match no dot at the beginning of a name. */
export function expand({ path }: FilePattern): Expansion {
  const folders: string[] = [];
  let found: readonly string[] = ["/"];
  for (const segment of path.split("/").slice(1)) {
    found = /[*?[]/.test(segment)
      ? found.flatMap((folder) => {
          folders.push(folder);
          return matching(folder, segment);
        })
      : found.map((folder) => join(folder, segment));
  }
  const files = found.filter(isFile);
  const leftAlone = files.filter(
    (each) => isCompressed(each) || namesBefore(each).some((name) => statIfThere(name)),
  );
  return { paths: files.filter((each) => !leftAlone.includes(each)), leftAlone, folders };
}

/** Whether a file is there, or something that can't be looked at: whoever opens it says why. */
function isFile(path: string): boolean {
  try {
    return statFile(path).kind === "file";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}

function matching(folder: string, segment: string): readonly string[] {
  const names = namesIn(folder).filter((name) => globMatches(segment, name));
  const shown = names.filter((name) => !name.startsWith(".") || segment.startsWith("."));
  return shown.map((name) => join(folder, name));
}
