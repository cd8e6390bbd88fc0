#!/bin/bash
# Copies the primary at the first start, and then starts Postgres as its replica.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Beside its final place: a copy that was interrupted is not taken for a database.
  copy=$PGDATA.copy
  rm -rf "$copy"
  PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --no-password --host "${PRIMARY_HOST:-database}" \
    --port "${PRIMARY_PORT:-5432}" --username replica --pgdata "$copy" --slot replica --wal-method stream \
    --checkpoint fast --write-recovery-conf
  mv "$copy" "$PGDATA"
fi
exec docker-entrypoint.sh "$@"
