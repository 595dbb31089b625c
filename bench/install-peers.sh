#!/usr/bin/env bash
# The Debian packages that the benchmarks run beside f2b-stream: by hand, as programs that read a file.
exec bash "$(dirname "$0")/../scripts/install-packages.sh" "benchmarks" "time grep ripgrep" "sshguard fail2ban"
