#!/bin/sh
# Makes the database cluster at the first start, then becomes the server. Arguments go to the server.
#
# POSTGRES_USER (its owner and superuser), POSTGRES_PASSWORD, POSTGRES_DB (default: the user's name).
# The cluster is made in $PGDATA/.new and moved up only when it is complete, PG_VERSION last: a first start
# that is killed at any moment leaves nothing that a later start could take for a database.
set -eu
umask 077
trap 'exit 130' INT TERM

new=$PGDATA/.new

make_cluster() {
    : "${POSTGRES_USER:=postgres}"
    : "${POSTGRES_DB:=$POSTGRES_USER}"
    : "${POSTGRES_PASSWORD:?Set POSTGRES_PASSWORD for the first start.}"
    password_file=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" > "$password_file"
    # --no-sync: everything is synced once, below, before PG_VERSION makes it count.
    initdb --pgdata="$new" --username="$POSTGRES_USER" --pwfile="$password_file" --data-checksums \
        --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --no-sync --no-instructions
    rm "$password_file"
    echo 'host all all all scram-sha-256' >> "$new/pg_hba.conf"
    if [ "$POSTGRES_DB" != postgres ]; then
        quoted=$(printf '%s' "$POSTGRES_DB" | sed 's/"/""/g')
        printf 'CREATE DATABASE "%s"\n' "$quoted" | postgres --single -D "$new" -j postgres > /dev/null
    fi
    version=$new/PG_VERSION
    for path in "$new"/*; do
        [ "$path" = "$version" ] || mv "$path" "$PGDATA/"
    done
    sync -f "$PGDATA"
    mv "$version" "$PGDATA/"
    sync -f "$PGDATA"
}

mkdir -p "$PGDATA"
chmod 700 "$PGDATA"

# One server per data directory, also across containers that share a volume. The server inherits the lock, and the
# kernel gives it back however the server ends. With it in hand, a postmaster.pid can only be a dead server's; left
# lying, it would keep this one from starting whenever some other process here happens to have that process id.
exec 9< "$PGDATA"
if ! flock --wait 10 9; then
    echo "Another server is using $PGDATA." >&2
    exit 1
fi
rm -f "$PGDATA/postmaster.pid"

if [ ! -e "$PGDATA/PG_VERSION" ]; then
    if [ -e "$new" ]; then
        echo "An earlier first start was interrupted: starting over."
        find "$PGDATA" -mindepth 1 -delete
    elif [ -n "$(ls -A "$PGDATA")" ]; then
        echo "$PGDATA is not empty and holds no database: refusing to touch it." >&2
        exit 1
    fi
    mkdir "$new"
    make_cluster
fi
rm -rf "$new"

exec postgres -c listen_addresses='*' -c fsync=on -c synchronous_commit=on -c full_page_writes=on "$@"
