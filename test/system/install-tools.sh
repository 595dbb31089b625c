#!/usr/bin/env bash
# Installs the Debian packages that the system tests use, when root on a machine with apt.
set -euo pipefail

packages=(iproute2 iptables ipset nftables conntrack bsdutils groff)
# Debian starts fail2ban as it installs it. So it is installed only where the machine's policy forbids that (101), as
# containers do, and in CI, where such a policy is set for as long as it takes.
policy=/usr/sbin/policy-rc.d
refuses() { local status=0; "$policy" fail2ban start 2>/dev/null || status=$?; [ "$status" -eq 101 ]; }
if [ "${CI:-}" = true ] && [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
if refuses; then packages+=(fail2ban); fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "system tests that need these Debian packages will be skipped: ${missing[*]}" >&2
  exit 0
fi
echo "installing for the system tests: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
