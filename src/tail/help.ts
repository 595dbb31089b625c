export const HELP = `usage: f2b-tail [options] FILE|PATTERN|FIFO|-... [--journal[=MATCHES]]
       f2b-tail [options] -r RULES...

Follows several logs and writes their lines to stdout, each with its source, for f2b-stream.

  -r, --rules RULES     read what the jails of these rules name, as f2b-stream -r
      --journal[=M]     the journal, or its entries that match M: --journal=_SYSTEMD_UNIT=ssh.service;
                        repeatable

      --state FILE      keep how far each file was written, over a restart
      --from-start      read all of files that the state does not know (default: what comes)
      --since TIME      read lines from then on: ISO 8601, or @seconds, as f2b-stream --resume prints
      --tz ZONE         zone of times that name none (default: the system's)
      --no-follow       end where the files end
      --poll            look at files every second, without inotify

      --plain           lines alone, as on a terminal
      --max-line N      longest line in bytes; longer ones are dropped (default: 163840)
      --max-files N     most files (default: 1024)
  -q, --quiet           no warnings
  -v, --verbose         tell each file that is followed, appears, vanishes or is rotated
  -h, --help            this text; --version

Quote patterns, so that files which appear later are found. SIGTERM and SIGINT end it.

  f2b-tail --state /var/lib/f2b/tail /var/log/auth.log '/var/log/nginx/*.log' --journal |
    f2b-stream -r sshd -r nginx | f2b-exec
`;
