#!/usr/bin/env bash
# The life of a secret, against emulated vendors on loopback: create, drift, repair, rotate, revoke, destroy.
# Needs debug builds of the provider and the sandbox (`make demo` builds them), curl, and terraform or tofu.
set -euo pipefail
set -m # every job is a process group of its own, so that it can be ended as a whole

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# Where the builds are.
built=${DEMO_BUILT:-${CARGO_TARGET_DIR:-$root/target}/debug}

give_up() { echo "demo: $1" >&2; exit 1; }
core=$(command -v terraform || command -v tofu) || give_up "neither terraform nor tofu is on the PATH: install Terraform 1.11 or OpenTofu 1.12, or newer."
command -v curl >/dev/null || give_up "curl is not on the PATH: the demo uses it to ask the sandbox what the vendors hold."
for program in terraform-provider-rotation examples/sandbox; do
  [ -x "$built/$program" ] || give_up "$built/$program is missing: run make demo, which builds it."
done
built=$(cd "$built" && pwd)

# The user's own settings must not affect the sandbox.
unset ROTATION_CLOCK_OFFSET AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_ENDPOINT_URL_STS
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

work=$(mktemp -d)
sandbox='' current=''
clean_up() {
  trap '' INT TERM HUP
  if [ -n "$current" ]; then
    # Terraform stops, and takes the provider with it.
    kill -INT -- "-$current" 2>/dev/null || true
    for _ in {1..100}; do kill -0 -- "-$current" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$current" 2>/dev/null || true
  fi
  if [ -n "$sandbox" ]; then kill "$sandbox" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say() { printf '\n\033[1m── %s\033[0m\n' "$1"; }
# Runs a function as a job and waits for it; a signal ends the wait at once, and clean_up the job.
job() {
  "$@" &
  current=$!
  wait "$current"
  current=''
}
# Terraform's output without the notices about a provider that is under development.
run() { "$core" "$@" -no-color 2>&1 | awk '/^(╷|│ )?.*Provider development overrides/ {skip=1} skip && /releases\.$/ {skip=0; next} !skip' | cat -s; return "${PIPESTATUS[0]}"; }
# What a plan changes, without the frame around it.
changes() { run plan "$@" | sed -n '/will be\|No changes/,/^Plan:\|^No changes/p'; }
# What an apply says that a part of sed's script chooses.
apply() { run apply -auto-approve "${@:2}" | sed -n "$1"; }
ask() { curl --silent --show-error --fail "$@"; }
state() { ask "$SANDBOX_URL/_sandbox/state"; }

mkdir -p "$work/bin"
ln -s "$built/terraform-provider-rotation" "$work/bin/"
cp "$here/main.tf" "$work/"
cat > "$work/cli.tfrc" <<RC
provider_installation {
  dev_overrides {
    "secret-rotation/rotation" = "$work/bin"
  }
}
RC
export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1
touch "$work/sandbox.env"
"$built/examples/sandbox" > "$work/sandbox.env" &
sandbox=$!
until grep -q '^ready$' "$work/sandbox.env"; do
  kill -0 "$sandbox" 2>/dev/null || give_up "the sandbox ended before it was ready."
  sleep 0.1
done
set -a
eval "$(grep '^export ' "$work/sandbox.env")"
set +a
cd "$work"

say "1. Create: mint a Fly token, deliver it to SSM and Fly, then to GitHub, and run the workflow"
job apply '/Creating/,$p'

say "2. A second plan is empty"
job changes

say "3. Someone overwrites the GitHub secret by hand: the plan shows it"
sleep 1 # GitHub's clock has whole seconds
ask --data '{"github": {"repositories": {"molecule-ai/molecule-monorepo": {"secrets": {"FLY_API_TOKEN": "typed by hand"}}}}}' \
  "$SANDBOX_URL/_sandbox/seed"
job changes

say "4. Apply repairs it: the same token is read back from SSM and delivered again"
job apply '/Modifying/,$p'
job changes

say "5. A contractor leaves: set rotation_reason. The plan says why it rotates, and what it will do, step by step"
job changes -var 'rotation_reason=2026-11-22: left with a contractor'
job apply '/Modifying/,$p' -var 'rotation_reason=2026-11-22: left with a contractor'

say "6. A day later the overlap has ended: the old token is revoked, and Fly confirms that it is dead"
export ROTATION_CLOCK_OFFSET=25h
job changes -var 'rotation_reason=2026-11-22: left with a contractor'
job apply '/Modifying/p;/complete/p' -var 'rotation_reason=2026-11-22: left with a contractor'
unset ROTATION_CLOCK_OFFSET
run state show rotation_secret.fly_api_token | sed -n '/^    credentials/,/^    }/p; /revoked /,/\]/p'

say "7. The state contains no value"
values=$(state | grep -o 'fm2_[A-Za-z0-9+/=]*' | sort -u)
count=0
for value in $values; do
  count=$((count + 1))
  if grep --quiet --fixed-strings "$value" terraform.tfstate*; then
    echo "The state contains a value." >&2
    exit 1
  fi
done
echo "grep found none of the $count token parts that Fly issued in terraform.tfstate or its backup."

say "8. Destroy: first the entries, then the credentials"
job apply '/Destroying/,$p' -destroy -var 'rotation_reason=2026-11-22: left with a contractor'
