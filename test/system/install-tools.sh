#!/usr/bin/env bash
# The Debian packages that the system tests use.
exec bash "$(dirname "$0")/../../scripts/install-packages.sh" "system tests" \
  "iproute2 iptables ipset nftables conntrack bsdutils groff" "fail2ban python3-systemd rsyslog openssh-server openssh-client postfix dovecot-imapd dovecot-pop3d dovecot-submissiond dovecot-managesieved sasl2-bin libsasl2-modules dnsmasq-base openssl nginx apache2 apache2-utils proftpd-core libgnutls-dane0 libdb5.3 libidn12 libnsl2 libwrap0"
