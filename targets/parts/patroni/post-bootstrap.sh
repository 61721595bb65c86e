#!/bin/sh
# Makes the application's user and database, once in the life of a cluster. $1: connection string of the superuser, from Patroni.
set -eu
psql -X -q -v ON_ERROR_STOP=1 -v user="$POSTGRES_USER" -v password="$POSTGRES_PASSWORD" -v database="$POSTGRES_DB" "$1" <<'SQL'
CREATE ROLE :"user" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"user";
SQL
psql -X -q -c CHECKPOINT "$1"
# initdb did not sync: from here on acknowledged means on disk. The mark tells entrypoint.sh that this database is whole.
sync -f "$PGDATA"
touch "$PGDATA/bootstrapped"
sync -f "$PGDATA"
