#!/usr/bin/env bash
# usage: install-packages.sh PURPOSE "PACKAGE..." "DAEMON..."
# Installs the Debian packages that are missing, when root on a machine with apt; otherwise says what will be missed.
set -euo pipefail

purpose=$1
read -ra packages <<< "$2"
read -ra daemons <<< "$3"
# Debian starts a daemon as it installs it. So these are installed only where the machine's policy forbids that (101), as
# containers do, and in CI, where such a policy is set for as long as it takes.
policy=/usr/sbin/policy-rc.d
refuses() { local status=0; "$policy" "${daemons[0]}" start 2>/dev/null || status=$?; [ "$status" -eq 101 ]; }
if [ "${CI:-}" = true ] && [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
if refuses; then packages+=("${daemons[@]}"); fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "$purpose do without these Debian packages, and skip what needs them: ${missing[*]}" >&2
  exit 0
fi
echo "installing for the $purpose: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
