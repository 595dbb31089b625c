/** A state can't be used. The message begins with its path. */
export class StateError extends Error {
  readonly code: StateErrorCode;

  constructor(code: StateErrorCode, path: string, message: string) {
    super(`state ${path}: ${message}`);
    this.name = "StateError";
    this.code = code;
  }
}

export type StateErrorCode =
  /** It can't be opened. */
  | "ERR_STATE_ACCESS"
  /** It is another kind of file. */
  | "ERR_STATE_FORMAT"
  /** Another process uses it. */
  | "ERR_STATE_BUSY";
