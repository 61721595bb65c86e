#!/bin/sh
# Starts the cache in the background, writes the list of origins behind edge.cfg, then becomes HAProxy.
#
# ORIGINS (name:port, separated by blanks; a name need not resolve yet, and may come to stand for another address).
# EDGE_RETRIES=0 switches a mechanism off, to show that it matters.
set -eu

: "${ORIGINS:?Set ORIGINS, for example to \"lb-a:8080 lb-b:8080\".}"
export RETRIES="${EDGE_RETRIES:-2}"

config=/run/edge/edge.cfg
cp /etc/haproxy/edge.cfg "$config"
for origin in $ORIGINS; do
    echo "    server ${origin%%:*} $origin check"
done >> "$config"

rm -f /run/edge/cache.sock  # of a life that ended with kill -9; nginx would refuse to take it over
nginx -c /etc/nginx/edge.conf  # returns once it listens; without it HAProxy carries on, uncached
exec haproxy -db -f /etc/haproxy/common.cfg -f "$config"
