#!/usr/bin/env bash
# A secret's life against vendors on loopback: create, drift, heal, rotate, revoke, destroy.
# Needs the debug build of the provider and of the sandbox (`make demo` makes them), and terraform or tofu.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
core=$(command -v terraform || command -v tofu)
work=$(mktemp -d)
trap 'kill "${sandbox:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

say() { printf '\n\033[1m── %s\033[0m\n' "$1"; }
# Terraform's output without the notices about a provider that is under development.
run() { "$core" "$@" -no-color 2>&1 | awk '/^(╷|│ )?.*Provider development overrides/ {skip=1} skip && /releases\.$/ {skip=0; next} !skip' | cat -s; return "${PIPESTATUS[0]}"; }
# What a plan changes, without the frame around it.
changes() { run plan "$@" | sed -n '/will be\|No changes/,/^Plan:\|^No changes/p'; }
state() { curl --silent "$SANDBOX_URL/_sandbox/state"; }

mkdir -p "$work/bin"
ln -s "$root/target/debug/terraform-provider-rotation" "$work/bin/"
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
"$root/target/debug/examples/sandbox" > "$work/sandbox.env" &
sandbox=$!
until grep -q '^ready$' "$work/sandbox.env"; do sleep 0.1; done
set -a
eval "$(grep '^export ' "$work/sandbox.env")"
set +a
cd "$work"

say "1. Create: mint a Fly token, put it on Fly, then into GitHub and SSM, run the workflow"
run apply -auto-approve | sed -n '/Creating/,$p'

say "2. A second plan is empty"
changes

say "3. Somebody overwrites the GitHub secret; plan says so"
sleep 1 # GitHub's clock has whole seconds
curl --silent --data '{"github": {"repositories": {"molecule-ai/molecule-monorepo": {"secrets": {"FLY_API_TOKEN": "typed by hand"}}}}}' \
  "$SANDBOX_URL/_sandbox/seed"
changes

say "4. Apply heals it: the same token, read back from SSM, is delivered again"
run apply -auto-approve | sed -n '/Modifying/,$p'
changes

say "5. A contractor leaves: rotate_now. The plan says which generation, why, and where it goes"
changes -var 'rotate_now=2026-11-22: left with a contractor'
run apply -auto-approve -var 'rotate_now=2026-11-22: left with a contractor' | sed -n '/Modifying/,$p'

say "6. A day later the overlap has ended: the old token is revoked, and asked whether it is dead"
export ROTATION_CLOCK_OFFSET=25h
changes -var 'rotate_now=2026-11-22: left with a contractor'
run apply -auto-approve -var 'rotate_now=2026-11-22: left with a contractor' | sed -n '/Modifying/p;/complete/p'
unset ROTATION_CLOCK_OFFSET
run state show rotation_secret.fly_api_token | sed -n '/^    credentials/,/^    \]/p; /revoked /,/\]/p'

say "7. No value is in the state"
values=$(state | grep -o 'fm2_[A-Za-z0-9+/=]*' | sort -u)
count=0
for value in $values; do
  count=$((count + 1))
  if grep --quiet --fixed-strings "$value" terraform.tfstate*; then
    echo "A value is in the state." >&2
    exit 1
  fi
done
echo "grep found none of the $count token parts that Fly has issued in terraform.tfstate or its backup."

say "8. Destroy: entries first, then the credentials"
run apply -destroy -auto-approve -var 'rotate_now=2026-11-22: left with a contractor' | sed -n '/Destroying/,$p'
