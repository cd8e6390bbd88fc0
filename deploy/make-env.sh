#!/bin/sh
# Writes deploy/.env with random secrets for the compose files. It refuses to replace an existing file.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "deploy/.env exists. Remove it to make new secrets; the databases keep the old ones." >&2
  exit 1
fi
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat >.env <<ENV
# Made by make-env.sh. Keep this file out of backups that others can read.
COMMONSPACE_API_KEYS=$(secret)
POSTGRES_PASSWORD=$(secret)
REPLICATION_PASSWORD=$(secret)
STORAGE_KEY_ID=$(secret)
STORAGE_SECRET=$(secret)
GRAFANA_PASSWORD=$(secret)
ENV
echo "Wrote deploy/.env."
