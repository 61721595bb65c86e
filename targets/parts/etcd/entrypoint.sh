#!/bin/sh
# Becomes one member of a quorum. Arguments go to etcd; every ETCD_* variable of etcd itself has its usual effect.
#
# ETCD_NAME: this member, also the host name that the others reach it by.
# ETCD_MEMBERS: the names of all members, this one included (default: "etcd-a etcd-b etcd-w").
#
# A member is its data directory, which must therefore outlive the container (a volume): with it, a member that crashed or was
# replaced, at whatever address, goes on where it was. Without it the others would refuse it: it has a place in
# their log, and it has forgotten what it promised there.
set -eu
: "${ETCD_NAME:?Set ETCD_NAME to the name that the other members reach this one by.}"

cluster=
for member in ${ETCD_MEMBERS:-etcd-a etcd-b etcd-w}; do
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

# In ms. A lost leader is replaced after 1.5 to 3 s, well within Patroni's retry_timeout of 5 s; etcd's own 100 and 1000 cost
# idle members almost twice the CPU, and elect anew whenever a shared machine holds a member up for a second.
export ETCD_HEARTBEAT_INTERVAL="${ETCD_HEARTBEAT_INTERVAL:-300}"
export ETCD_ELECTION_TIMEOUT="${ETCD_ELECTION_TIMEOUT:-1500}"

# Patroni writes a few keys over and over: forget what they used to be.
export ETCD_AUTO_COMPACTION_MODE="${ETCD_AUTO_COMPACTION_MODE:-periodic}"
export ETCD_AUTO_COMPACTION_RETENTION="${ETCD_AUTO_COMPACTION_RETENTION:-5m}"
export ETCD_LOG_LEVEL="${ETCD_LOG_LEVEL:-warn}"

unset ETCD_MEMBERS # etcd warns about variables that it does not know
exec etcd "$@"
