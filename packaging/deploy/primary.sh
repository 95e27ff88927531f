#!/bin/bash
# Runs once in the empty primary: a role for the standby, and commits that wait for it.
set -euo pipefail
psql --variable=ON_ERROR_STOP=1 --variable=password="$REPLICATION_PASSWORD" \
  --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE replication_standby LOGIN REPLICATION PASSWORD :'password';
ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby)';
SQL
echo "host replication replication_standby all scram-sha-256" >>"$PGDATA/pg_hba.conf"
