#!/bin/sh
# Writes the list of servers behind lb.cfg, then becomes HAProxy.
#
# APP_SERVICES (names separated by blanks; each may stand for several addresses, or for none yet), APP_PORT (8000),
# APP_SLOTS (the most replicas of one service: 8).
# LB_CHECKS=off and LB_RETRIES=0 each switch a mechanism off, to show that it matters.
set -eu

: "${APP_SERVICES:?Set APP_SERVICES, for example to \"app-a app-b\".}"
export RETRIES="${LB_RETRIES:-2}"
case "${LB_CHECKS:-on}" in
    on) check=check ;;
    off) check=no-check ;;
    *) echo "LB_CHECKS is on or off, not '$LB_CHECKS'." >&2; exit 2 ;;
esac

config=/run/lb/lb.cfg
cp /etc/haproxy/lb.cfg "$config"
for service in $APP_SERVICES; do
    echo "    server-template $service- ${APP_SLOTS:-8} $service:${APP_PORT:-8000} $check"
done >> "$config"
exec haproxy -db -f /etc/haproxy/common.cfg -f "$config"
