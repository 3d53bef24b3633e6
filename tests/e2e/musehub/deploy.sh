#!/bin/bash
# Tells the running server to load .env, and waits until it has.
set -euo pipefail
before=$(cat loads)
kill -HUP "$(cat app.pid)"
for _ in $(seq 200); do
  if [ "$(cat loads)" != "$before" ]; then
    exit 0
  fi
  sleep 0.05
done
echo "musehub did not load .env" >&2
exit 1
