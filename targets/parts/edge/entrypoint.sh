#!/bin/sh
# Writes the list of origins behind origins.cfg, starts HAProxy with it, then becomes nginx.
#
# ORIGINS (name:port, separated by blanks; a name need not resolve yet, and may come to stand for another address).
# BACKUP_ORIGINS: those that are asked only when not one of the others is well (default: none).
# EDGE_CHECK_MS (500): how often each of them is asked whether it is well.
# EDGE_RISE (1): after how many good answers in a row one that was not well gets users again.
# EDGE_RETRIES=0 and EDGE_STALE=off each switch a mechanism off, to show that it matters.
set -eu

: "${ORIGINS:?Set ORIGINS, for example to \"lb-a:8080 lb-b:8080\".}"
export RETRIES="${EDGE_RETRIES:-2}" CHECK_MS="${EDGE_CHECK_MS:-500}" RISE="${EDGE_RISE:-1}"

cp /etc/haproxy/origins.cfg /etc/nginx/edge.conf /run/edge/
servers() { # $1: origins, $2: what is said of each
    for origin in $1; do
        echo "    server ${origin%%:*} $origin $(echo "$2" | sed "s/@/${origin%%:*}/")"
    done
}
{
    echo "    option allbackups"
    servers "$ORIGINS" check
    servers "${BACKUP_ORIGINS-}" "check backup"
    echo "backend probes"
    echo "    option allbackups"
    servers "$ORIGINS" "track origins/@"
    servers "${BACKUP_ORIGINS-}" "track origins/@ backup"
} >> /run/edge/origins.cfg
case "${EDGE_STALE:-on}" in
    on) ;;
    off) sed -i 's/proxy_cache_use_stale .*;/proxy_cache_use_stale off;/' /run/edge/edge.conf ;;
    *) echo "EDGE_STALE is on or off, not '$EDGE_STALE'." >&2; exit 2 ;;
esac

# $$ is this process, and so nginx later: neither goes on without the other, and the restart policy sees it.
(haproxy -db -f /etc/haproxy/common.cfg -f /run/edge/origins.cfg || true; kill -TERM $$) &
exec nginx -c /run/edge/edge.conf
