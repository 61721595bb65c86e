#!/bin/sh
# Becomes one member of a quorum. Arguments go to etcd; every ETCD_* variable of etcd itself has its usual effect.
#
# ETCD_NAME: this member, also the host name that the others reach it by.
# ETCD_MEMBERS: the names of all members, this one included (default: "etcd-a etcd-b etcd-w"). The last one, the witness, is
# preferred as leader.
#
# A member is its data directory, which must therefore outlive the container (a volume): with it, a member that crashed or was
# replaced, at whatever address, goes on where it was. Without it the others would refuse it: it has a place in
# their log, and it has forgotten what it promised there.
set -eu
: "${ETCD_NAME:?Set ETCD_NAME to the name that the other members reach this one by.}"

members=${ETCD_MEMBERS:-etcd-a etcd-b etcd-w}
cluster=
for member in $members; do
    cluster=$cluster,$member=http://$member:2380
done
export ETCD_INITIAL_CLUSTER="${cluster#,}"
export ETCD_INITIAL_CLUSTER_STATE="${ETCD_INITIAL_CLUSTER_STATE:-new}" # only looked at while there is no data
export ETCD_INITIAL_CLUSTER_TOKEN="${ETCD_INITIAL_CLUSTER_TOKEN:-chat}"
export ETCD_INITIAL_ADVERTISE_PEER_URLS="http://$ETCD_NAME:2380"
export ETCD_ADVERTISE_CLIENT_URLS="http://$ETCD_NAME:2379"
export ETCD_LISTEN_PEER_URLS=http://0.0.0.0:2380
export ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379
export ETCD_DATA_DIR=/var/lib/etcd/data

# In ms. A new leader gives every key its full time to live again. Were the old one lost together with the database in its
# zone, that would make a fail-over 4 to 6 s longer; so the witness, which shares its zone with no database, is the first to
# stand for election. A lost leader is replaced after 2 to 4 s, within Patroni's retry_timeout of 5 s. etcd's own heartbeat
# of 100 costs idle members more CPU, and its 1000 for all elects anew whenever a shared machine stalls for a second.
witness=${members##* }
[ "$ETCD_NAME" = "$witness" ] && patience=1000 || patience=2000
export ETCD_HEARTBEAT_INTERVAL="${ETCD_HEARTBEAT_INTERVAL:-200}"
export ETCD_ELECTION_TIMEOUT="${ETCD_ELECTION_TIMEOUT:-$patience}"

# Patroni writes a few keys over and over: forget what they used to be.
export ETCD_AUTO_COMPACTION_MODE="${ETCD_AUTO_COMPACTION_MODE:-periodic}"
export ETCD_AUTO_COMPACTION_RETENTION="${ETCD_AUTO_COMPACTION_RETENTION:-5m}"
export ETCD_LOG_LEVEL="${ETCD_LOG_LEVEL:-warn}"

unset ETCD_MEMBERS # etcd warns about variables that it does not know
exec etcd "$@"
