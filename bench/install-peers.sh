#!/usr/bin/env bash
# Installs the Debian packages that the benchmarks run beside f2b-stream, when root on a machine with apt.
set -euo pipefail

packages=(time grep ripgrep)
# Debian starts sshguard and fail2ban as it installs them, and at every boot: only where the machine's policy forbids
# that (101), as containers do. They are run here by hand, as programs that read a file.
policy=0
/usr/sbin/policy-rc.d sshguard start 2>/dev/null || policy=$?
if [ "$policy" -eq 101 ]; then packages+=(sshguard fail2ban); fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "benchmarks without these Debian packages leave figures out: ${missing[*]}" >&2
  exit 0
fi
echo "installing for the benchmarks: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
