#!/bin/sh
# Becomes one database node under Patroni. Arguments go to Patroni.
#
# PATRONI_NAME: this node, also its plain host name, for example database-a.
# PEER_NAME: the host name by which the other node replicates from it and asks its REST API (default: <PATRONI_NAME>-peer).
# ETCD_MEMBERS: host names of the etcd members (default: "etcd-a etcd-b etcd-w").
# POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB: the application's user and database (both default to chat), made at the first start.
# SUPERUSER_PASSWORD, REPLICATION_PASSWORD: of `postgres` and `replicator` (default: POSTGRES_PASSWORD); the same on all nodes.
#
# Read at the first start of a cluster only, afterwards they are in etcd:
# CLUSTER_LOOP_WAIT_S (default 2), CLUSTER_SYNCHRONOUS (true, or false: an acknowledged row may then die with the primary).
# CLUSTER_FAILOVER (true, or false: this node is never promoted).
set -eu
umask 077
trap 'exit 130' INT TERM

: "${PATRONI_NAME:?Set PATRONI_NAME to the name of this node.}"
: "${POSTGRES_PASSWORD:?Set POSTGRES_PASSWORD for the user of the application.}"
: "${ETCD_MEMBERS:=etcd-a etcd-b etcd-w}"
export POSTGRES_PASSWORD POSTGRES_USER="${POSTGRES_USER:-chat}" POSTGRES_DB="${POSTGRES_DB:-chat}"

peer=${PEER_NAME:-$PATRONI_NAME-peer}
etcd_hosts=
for member in $ETCD_MEMBERS; do
    etcd_hosts=$etcd_hosts,$member:2379
done
export PATRONI_ETCD3_HOSTS="${etcd_hosts#,}"
export PATRONI_RESTAPI_CONNECT_ADDRESS="$peer:8008"
export PATRONI_POSTGRESQL_CONNECT_ADDRESS="$peer:5432"
export PATRONI_POSTGRESQL_DATA_DIR="$PGDATA"
export PATRONI_SUPERUSER_USERNAME=postgres
export PATRONI_SUPERUSER_PASSWORD="${SUPERUSER_PASSWORD:-$POSTGRES_PASSWORD}"
export PATRONI_REPLICATION_USERNAME=replicator
export PATRONI_REPLICATION_PASSWORD="${REPLICATION_PASSWORD:-$POSTGRES_PASSWORD}"

case ${CLUSTER_FAILOVER:-true} in
    true) nofailover=false ;;
    *) nofailover=true ;;
esac
configuration=/var/run/postgresql/patroni.yml
sed -e "s/@LOOP_WAIT@/${CLUSTER_LOOP_WAIT_S:-2}/" -e "s/@SYNCHRONOUS@/${CLUSTER_SYNCHRONOUS:-true}/" \
    -e "s/@NOFAILOVER@/$nofailover/" /etc/patroni/template.yml > "$configuration"

# One Patroni per data directory, also across containers that share a volume. The kernel gives the lock back however its holder
# ends. With it in hand, a postmaster.pid can only be a dead server's; left lying, it would keep this one from
# starting whenever some other process here happens to have that process id.
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
exec 9< "$PGDATA"
if ! flock --wait 10 9; then
    echo "Another server is using $PGDATA." >&2
    exit 1
fi
rm -f "$PGDATA/postmaster.pid"

# Patroni sleeps 5 s whenever it finds no etcd at its start, and takes a name that did not resolve for missing for 30 s.
# Ask more often, and let it start as soon as any member says that there is a quorum.
waited=0
until
    for member in $ETCD_MEMBERS; do
        curl -fsS -m 1 -o /dev/null "http://$member:2379/health" 2> /dev/null && break
    done
do
    waited=$((waited + 1))
    [ $((waited % 40)) -ne 1 ] || echo "Waiting for a quorum of $ETCD_MEMBERS."
    sleep 0.25
done

exec patroni "$configuration" "$@"
