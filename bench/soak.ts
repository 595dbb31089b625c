import { Follower } from "./lib/follower.ts";
import { LogFolder } from "./lib/log-folder.ts";
import { f2bStreamSoak } from "./lib/peers.ts";
import { Newcomers } from "./log/addresses.ts";
import { syslogLine } from "./log/lines.ts";
import { soakEntries } from "./log/logs.ts";
import { Random } from "./log/random.ts";

// usage: node dist/bench/soak.js replay|live [LINES]
//
// f2b-stream on a log of 20 million lines with 2 million addresses, always the same: in a replay of 55 hours, whose bans end, and
// live, as fast as it goes, where they all are in force at once. Prints its resident set, a row a million lines, Markdown.
// Status 1 if it ends above what its bounds add up to.

const EACH = 1_000_000;
const BATCH = 2000;
const SEED = 20_261_121;

/**
 * What docs/architecture/bounds.md bounds, in megabytes, at its defaults: node and the code, with a heap that is not collected before it
 * has grown; a million addresses, and a million bans that have ended, at 68 and 44 bytes; evidence; and a million bans in force
 * at 600, which are objects.
 */
const BOUND = { replay: 150 + 68 + 44 + 17, live: 150 + 68 + 44 + 17 + 600 };

const [mode, count = "20000000"] = process.argv.slice(2);
if ((mode !== "replay" && mode !== "live") || !/^\d+$/.test(count)) {
  process.stderr.write("usage: soak.js replay|live [LINES]\n");
  process.exitCode = 64;
} else {
  await soak(mode, Number(count));
}

async function soak(mode: "replay" | "live", lines: number): Promise<void> {
  const folder = new LogFolder();
  process.on("exit", () => folder.remove());
  const follower = new Follower(f2bStreamSoak(mode === "live"), folder.path);
  const written = { ban: 0, unban: 0 };
  follower.onLine = (line) => {
    if (line.startsWith('{"cmd":"ban"')) written.ban += line.endsWith('"repeat":true}') ? 0 : 1;
    else if (line.startsWith('{"cmd":"unban"')) written.unban++;
  };
  print("| lines | addresses | bans | of them in force | resident, MB |");
  print("| ---: | ---: | ---: | ---: | ---: |");
  const attackers = new Newcomers(new Random(SEED));
  const log = soakEntries(attackers);
  let resident = 0;
  for (let n = 0; n < lines; ) {
    let text = "";
    for (const end = Math.min(n + BATCH, lines); n < end; n++) {
      const entry = log.next().value;
      text += syslogLine(mode === "live" ? { ...entry, time: Date.now() } : entry);
    }
    await follower.feed(text);
    if (n % EACH !== 0 && n < lines) continue;
    resident = follower.residentBytes / 1e6;
    const { ban, unban } = written;
    const row = [n, attackers.known, ban, ban - unban, resident].map((figure) =>
      Math.round(figure).toLocaleString("en"),
    );
    print(`| ${row.join(" | ")} |`);
  }
  await follower.end();
  const isWithin = resident <= BOUND[mode];
  print(`\n${mode}: ${Math.round(resident)} MB at the end; its bounds add up to ${BOUND[mode]} MB`);
  if (!isWithin) process.exitCode = 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
