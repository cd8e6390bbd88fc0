#!/bin/bash
# Runs once, when the primary makes its database: a role and a slot for the replica.
set -euo pipefail
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$REPLICATION_PASSWORD" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE replica LOGIN REPLICATION PASSWORD :'password';
SELECT pg_create_physical_replication_slot('replica');
SQL
# The keyword all does not include replication.
echo 'host replication replica all scram-sha-256' >>"$PGDATA/pg_hba.conf"
