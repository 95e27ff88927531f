#!/bin/bash
# Copies the primary into an empty folder, then follows it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres "$PGDATA"
  chmod 700 "$PGDATA"
  export PGPASSWORD=$REPLICATION_PASSWORD
  gosu postgres pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast \
    --dbname="host=primary user=replication_standby application_name=standby"
  # A promoted standby has no standby of its own yet.
  gosu postgres sed -i '/^synchronous_standby_names/d' "$PGDATA/postgresql.auto.conf"
fi
exec docker-entrypoint.sh postgres
