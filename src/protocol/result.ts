/** What became of one command. */
export interface Result {
  readonly cmd: "ban" | "unban";
  readonly jail: string;
  readonly ip?: string;
  readonly id?: string;
  readonly result: "applied" | "already" | "refused" | "failed";
  /** Milliseconds from reading the command to its result. */
  readonly ms: number;
  readonly error?: string;
}
