#!/bin/bash
# Registers the coordinator and its workers with Citus. It changes nothing when it is repeated.
# Usage: register-shards.sh COORDINATOR:PORT WORKER:PORT...
set -euo pipefail
coordinator=$1
shift
sql() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
    --host "${coordinator%:*}" --port "${coordinator#*:}" --set host="${1%:*}" --set port="${1#*:}" >/dev/null
}
sql "$coordinator" <<<"SELECT citus_set_coordinator_host(:'host', :port);"
for worker in "$@"; do
  sql "$worker" <<<"SELECT citus_add_node(:'host', :port);"
  echo "$worker is a worker of $coordinator."
done
