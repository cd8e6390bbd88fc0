#!/bin/bash
# Registers the coordinator and its workers with Citus. To repeat it changes nothing.
# Usage: register-shards.sh COORDINATOR WORKER...
set -euo pipefail
coordinator=$1
shift
sql() { psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --host "$coordinator" "$@"; }
echo "SELECT citus_set_coordinator_host(:'host', 5432);" | sql --set host="$coordinator"
for worker in "$@"; do
  echo "SELECT citus_add_node(:'host', 5432);" | sql --set host="$worker"
done
echo 'SELECT nodename, groupid, isactive FROM pg_dist_node ORDER BY groupid;' | sql
