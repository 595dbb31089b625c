import type { Random } from "./random.ts";

const GUESSED = [
  "admin",
  "test",
  "oracle",
  "git",
  "ubuntu",
  "postgres",
  "pi",
  "deploy",
  "ftpuser",
  "minecraft",
] as const;

/** A failed login: which program tells of it, and how. */
export interface FailedLogin {
  readonly tag: string;
  readonly hasPid: boolean;
  readonly message: string;
}

/** One line that a rule counts, most often sshd's. */
export function failedLogin(random: Random, address: string): FailedLogin {
  const kind = random.below(10);
  if (kind < 8) return { tag: "sshd", hasPid: true, message: failedPassword(random, address) };
  const name = random.pick(GUESSED);
  if (kind === 8) {
    const message = `warning: unknown[${address}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=${name}`;
    return { tag: "postfix/smtpd", hasPid: true, message };
  }
  const attempts = 1 + random.below(4);
  const message = `imap-login: Disconnected (auth failed, ${attempts} attempts in ${attempts * 3} secs): user=<${name}>, method=PLAIN, rip=${address}, lip=192.0.2.25, TLS, session=<${random.word(16)}>`;
  return { tag: "dovecot", hasPid: false, message };
}

/** sshd's line for a wrong password. */
export function failedPassword(random: Random, address: string): string {
  const name = random.below(2) === 0 ? "root" : `invalid user ${random.pick(GUESSED)}`;
  return `Failed password for ${name} from ${address} port ${1024 + random.below(64_000)} ssh2`;
}
