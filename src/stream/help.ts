export const HELP = `usage: f2b-stream [-r RULES]... [options] < LOG

Reads log lines from stdin and writes ban and unban commands, NDJSON, to stdout.

  -r, --rules RULES     bundled rules (sshd), a file or directory of rules, or fail2ban's own
                        (/etc/fail2ban, '/etc/fail2ban[sshd,postfix]'); repeatable, later ones win
      --set JAIL.KEY=V  change a rule: --set sshd.maxretry=3; repeatable
      --check           load the rules, run their tests and hostile lines; read no log
      --dump            print the rules as resolved, YAML; --dump-exec: for f2b-exec -c,
                        to do as fail2ban's actions did
      --replay          the log is the only clock: same log, same commands; --repeats: and write
                        bans of addresses again that go on
      --now TIME        with --replay or --check: the day of reading, for years that lines leave out
      --tz ZONE         zone of times that name none, such as Europe/Zurich (default: the system's)
      --format FORMAT   auto, journal, syslog, json-file, cri, tagged, plain, none or another of the
                        manual's FORMATS (default: auto, the first line decides)
      --source NAME     what stdin is, for jails with a logpath

      --state FILE      keep bans over a restart; --resume: print from when to read the log
      --control SOCKET  let f2b-client query and control through this socket
      --stats           print all counts at the end
      --metrics FILE    write all counts, for Prometheus, every 10 seconds
      --silence S       warn after S seconds without input, 0 for never (default: 7200)
  -q, --quiet           no warnings
  -v, --verbose         print each failure, with its line
      --heartbeat S     an empty line every S seconds to a pipe, 0 for none (default: 30)
      --max-line N      longest line in bytes; longer ones are dropped (default: 163840)
      --max-keys N      most addresses remembered, a jail (default: 1000000)
      --max-evidence N  most bytes of log lines held (default: 16777216)
      --no-prefilter    look at every line in full; gives the same bytes, slower
  -h, --help            this text; --version

SIGHUP reloads the rules; SIGTERM and SIGINT end it.

  journalctl -qafo json -n0 | f2b-stream -r sshd | f2b-exec
`;
