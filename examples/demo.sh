#!/usr/bin/env bash
# make demo: the log of an attack, the bans and unbans for it, and the firewall commands. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

stream=(node dist/bin/f2b-stream.js)
exec=(node dist/bin/f2b-exec.js)
rules=(-r sshd -r sendmail -r postfix -r dovecot)

# One line per command, with the last log line that led to it.
show() {
  node -e '
    const clock = (time) => time.slice(11, 19);
    let bans = 0, unbans = 0;
    require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { cmd, jail, ip, time, until, failures, matches = [], repeat } = JSON.parse(line);
      if (repeat) return;
      if (cmd === "ban") bans++; else unbans++;
      const what = cmd === "ban" ? `until ${clock(until)}, ${failures} failures` : "";
      console.log(`${clock(time)}  ${cmd.padEnd(6)} ${ip.padEnd(20)} ${jail.padEnd(15)} ${what}`);
      if (cmd === "ban") console.log(`            ${matches.at(-1).slice(0, 110)}`);
    }).on("close", () => console.log(`${bans} bans, ${unbans} unbans`));
  '
}

echo "\$ f2b-stream ${rules[*]} --replay < examples/mixed.log    # $(wc -l < examples/mixed.log) lines, six hours"
echo
"${stream[@]}" "${rules[@]}" --replay --now 2026-11-21 --tz UTC -q < examples/mixed.log | show
echo
echo "\$ … | f2b-exec --dry-run    # the first ban, as if it were now"
echo
"${stream[@]}" "${rules[@]}" --replay --now 2026-11-21 --tz UTC -q < examples/mixed.log |
  sed -n '1{s/"until":"[^"]*"/"until":null/;p}' | "${exec[@]}" --backend iptables --dry-run
