#!/bin/sh
# Makes a key of the scope read for Prometheus and writes it to the volume that both share. Run in the container of Commonspace.
# To replace it: revoke the key `prometheus`, remove the file, and run the service again.
set -eu
file=${1:-/data/metrics-key}
[ -s "$file" ] && exit 0
made=$(node dist/main.js keys create prometheus --scope read --json)
printf %s "$made" | node -e 'process.stdin.on("data", (text) => process.stdout.write(JSON.parse(text).secret))' >"$file.part"
[ -s "$file.part" ] || { echo "no key was made" >&2; exit 1; }
mv "$file.part" "$file"
