#!/bin/sh
# Becomes one database node under Patroni. Arguments go to Patroni.
#
# PATRONI_NAME: this node, also its plain host name, for example database-a.
# PEER_NAME: the host name by which the other nodes replicate from it and ask its REST API (default: <PATRONI_NAME>-peer).
# ETCD_MEMBERS: host names of the etcd members (default: "etcd-a etcd-b etcd-w").
# POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB: the application's user and database (both default to chat), made at the
# first start.
# SUPERUSER_PASSWORD, REPLICATION_PASSWORD: of `postgres` and `replicator` (default: POSTGRES_PASSWORD); the same on all nodes.
# NODE_METRICS_PORT: where node_metrics.py tells of disk and connections (default: nowhere).
#
# Read at the first start of a cluster only, afterwards they are in etcd:
# CLUSTER_LOOP_WAIT_S (default 2), CLUSTER_SYNCHRONOUS (true, or quorum: with three nodes or more any one of the standbys
# confirms a COMMIT, or false: an acknowledged row may then die with the primary).
# CLUSTER_STRICT (false, or true: without a standby COMMIT waits until there is one, instead of the primary going on alone).
# CLUSTER_SYNC_NODES (1; with `quorum`, how many of the standbys confirm a COMMIT while there are as many).
#
# Read at every start:
# CLUSTER_FAILOVER (true, or false: this node is never promoted).
# CLUSTER_PRIORITY (1; of two nodes that have the same, the one with the higher number is promoted).
# CLUSTER_JOINS (false, or true: with an empty volume this node waits until another has made the database).
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
    true) nofailover=false priority=${CLUSTER_PRIORITY:-1} ;;
    *) nofailover=true priority=0 ;;
esac
case ${CLUSTER_SYNCHRONOUS:-true} in
    true | false | quorum) ;;
    *) echo "CLUSTER_SYNCHRONOUS must be true, false or quorum." >&2; exit 1 ;;
esac
case ${CLUSTER_STRICT:-false} in
    true) strict=true ;;
    *) strict=false ;;
esac
configuration=/var/run/postgresql/patroni.yml
sed -e "s/@LOOP_WAIT@/${CLUSTER_LOOP_WAIT_S:-2}/" -e "s/@SYNCHRONOUS@/${CLUSTER_SYNCHRONOUS:-true}/" \
    -e "s/@STRICT@/$strict/" -e "s/@NOFAILOVER@/$nofailover/" -e "s/@SYNC_NODES@/${CLUSTER_SYNC_NODES:-1}/" \
    -e "s/@PRIORITY@/$priority/" /etc/patroni/template.yml > "$configuration"

# One Patroni per volume, also across containers that share it. The kernel gives the lock back however its holder ends. With
# it in hand, a postmaster.pid can only be a dead server's; left lying, it would keep this one from starting whenever
# some other process here happens to have that process id.
volume=$(dirname "$PGDATA")
exec 9< "$volume"
if ! flock --wait 10 9; then
    echo "Another server is using $PGDATA." >&2
    exit 1
fi
rm -f "$PGDATA/postmaster.pid"

# Patroni sleeps 5 s whenever it finds no etcd at its start, and takes a name that did not resolve for missing for 30 s.
# Ask more often, and let it start as soon as any member says that there is a quorum.
answering=
attempts=0
until [ "$answering" ]; do
    for member in $ETCD_MEMBERS; do
        if curl -fsS -m 1 -o /dev/null "http://$member:2379/health" 2> /dev/null; then
            answering=$member
            break
        fi
    done
    attempts=$((attempts + 1))
    [ $((attempts % 60)) -ne 1 ] || [ "$answering" ] || echo "Waiting for a quorum of $ETCD_MEMBERS."
    if [ $attempts -lt 60 ]; then sleep 0.25; else sleep 1; fi
done

# Whose place is elsewhere, if it can be helped, does not run for who makes the database.
if [ "${CLUSTER_JOINS:-false}" = true ] && [ ! -e "$PGDATA" ]; then
    leader=$(printf '/service/%s/leader' "${PATRONI_SCOPE:-chat}" | base64 --wrap=0)
    until curl -fsS -m 2 "http://$answering:2379/v3/kv/range" --data "{\"key\":\"$leader\"}" 2> /dev/null | grep -q '"kvs"'; do
        sleep 0.5
    done
fi

# A first start that was killed leaves half a database, which Patroni would neither use nor remove, and in etcd the word that
# this node is about to make one, for which the other would wait for ever. A whole one, made here or copied from the other
# node, has both files: post-bootstrap.sh writes the first, pg_basebackup copies the second last. Only what began under this
# script, and has its mark beside it, is ever removed.
if [ ! -e "$PGDATA" ]; then
    touch "$volume/.began"
elif [ -e "$volume/.began" ] && ! { [ -e "$PGDATA/bootstrapped" ] && [ -e "$PGDATA/global/pg_control" ]; }; then
    echo "An earlier first start was interrupted: starting over."
    key=$(printf '/service/%s/initialize' "${PATRONI_SCOPE:-chat}" | base64 --wrap=0)
    # Only if it is empty: once there is a database, its identifier is the value.
    curl -fsS -m 5 -o /dev/null "http://$answering:2379/v3/kv/txn" --data \
        "{\"compare\":[{\"key\":\"$key\",\"target\":\"VALUE\",\"value\":\"\"}],\"success\":[{\"requestDeleteRange\":{\"key\":\"$key\"}}]}"
    rm -rf "$PGDATA"
fi

# Beside Patroni, and never in its way: without the lock (9) of the volume, and its end is nobody's.
if [ "${NODE_METRICS_PORT:-}" ]; then
    python3 /usr/local/lib/node_metrics.py "$NODE_METRICS_PORT" "$volume" 9<&- &
fi

exec patroni "$configuration" "$@"
