/** Why a file could not be read, for messages. */
export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return "no such file or directory";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "is a directory";
    case "ENOTDIR":
      return "a part of its path is not a directory";
    case "ENAMETOOLONG":
      return "its name is too long";
    case "ELOOP":
      return "too many symbolic links";
    case "ERR_INVALID_ARG_VALUE":
      return "a name can't hold a NUL";
    default:
      return `can't be read: ${code ?? String(error)}`;
  }
}
