#!/usr/bin/env bash
# Does what is due in one root module: rotations, repairs of drift, revocations. For cron, for example every half hour:
#
#   */30 * * * *  rotation  /opt/rotation/rotate.sh /opt/rotation/production
#
# The exit code says how it went:
#   0   Nothing was due (and nothing is printed), or everything that was due was done.
#   1   Something failed. The output says what, and what the next run will do: run it again.
#   64  Called without the folder.
#   75  Another run is still at work on this folder.
#
# Credentials come from the environment: under cron, from a file that only this user can read and that this script's caller sources.
set -euo pipefail
umask 077

if [ $# -ne 1 ] || [ ! -d "$1" ]; then
  echo "usage: rotate.sh FOLDER" >&2
  exit 64
fi
cd "$1"
core=${CORE:-terraform} # or tofu

# The state's own lock guards against other machines; this one keeps runs of this machine from queueing up.
exec 9>.rotate.lock
if ! flock --nonblock 9; then
  echo "Another run is still at work in $PWD." >&2
  exit 75
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export TF_IN_AUTOMATION=true TF_INPUT=false
"$core" init -input=false -no-color -lockfile=readonly > "$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }

# 0: nothing to do. 2: there is something to do. Anything else is a failure.
status=0
"$core" plan -no-color -lock-timeout=10m -detailed-exitcode -out="$work/due.tfplan" > "$work/said" 2>&1 || status=$?
case $status in
  0) exit 0 ;;
  2) cat "$work/said" ;;
  *) cat "$work/said" >&2; exit 1 ;;
esac

# Apply does what that plan says, and nothing else. If something has changed since, it refuses, and the next run plans again.
"$core" apply -no-color -lock-timeout=10m "$work/due.tfplan" || exit 1
