import type { Follower } from "./follower.ts";

/** Failures that bring a ban: sshd's rule as it stands. */
export const MAXRETRY = 5;

/** Lines are written together, so many at a time. */
const BATCH = 500;

/** A line for a wrong password, now. */
export function failedNow(address: string, port = 40_022): string {
  return `${new Date().toISOString()} mx1 sshd[4021]: Failed password for root from ${address} port ${port} ssh2\n`;
}

/** Lets `count` addresses fail once each, and waits until all of it has been counted. */
export async function failEach(
  follower: Follower,
  count: number,
  address: (n: number) => string,
): Promise<void> {
  for (let n = 0; n < count; n += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, count - n) }, (_, i) => failedNow(address(n + i)));
    await follower.feed(lines.join(""));
  }
  await caughtUp(follower);
}

let marks = 0;

/** Waits until everything written so far has been read: for the ban of an address whose failures are written last. */
async function caughtUp(follower: Follower): Promise<void> {
  const mark = `192.0.2.${++marks}`;
  const { onLine } = follower;
  const banned = new Promise<void>((resolve) => {
    follower.onLine = (line) => {
      if (bannedAddress(line) === mark) resolve();
    };
  });
  follower.write(failedNow(mark).repeat(MAXRETRY));
  await follower.within(banned);
  follower.onLine = onLine;
}

/** Whom a command bans. */
export function bannedAddress(line: string): string | undefined {
  if (!line.startsWith('{"cmd":"ban"')) return undefined;
  return JSON.parse(line).ip;
}
