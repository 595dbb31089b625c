export const HELP = `usage: f2b-regex [options] LOG FILTER [IGNOREREGEX]

Shows what a filter finds in a log, as fail2ban-regex does.

  LOG     a file, - for stdin, systemd-journal, or the line itself
  FILTER  a name (sshd, sshd[mode=ddos]), a fail2ban filter (./x.conf, ./x.conf[mode=ddos]),
          a rules file (./x.yaml, ./x.yaml[jail]), or a pattern ('^login failed from <HOST>$');
          a name is looked up in --config, else in the bundled rules, else in /etc/fail2ban

  -c, --config DIR        fail2ban configuration directory
  -d, --datepattern P     how dates are written, as fail2ban's datepattern
  -L, --maxlines N        how many lines a pattern may span
  -m, --journalmatch M    what is read of systemd-journal, instead of the filter's journalmatch
      --format FORMAT     as f2b-stream's; none: lines carry no date, the time is now
      --tz ZONE           zone of times that name none
      --now TIME          the moment of reading, for dates without a year
      --check             also try hostile lines: who could abuse the filter
      --bans              also what a jail would do, with its maxretry and findtime
      --maxretry N        failures until a ban; --findtime D: within this time
      --json              one object a line of input
      --print-all-matched, --print-all-missed, --print-all-ignored
      --print-no-missed, --print-no-ignored
  -v, --verbose           all addresses with their times
  -h, --help; --version

  f2b-regex /var/log/auth.log sshd
`;
