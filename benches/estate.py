"""Estates of many secrets against the sandbox: requests, time and memory of plans and creates, and how they grow.

One secret has one GitHub secret (`GITHUB`), or three targets (`THREE`). `naive` makes the calls that a composition without sharing makes:
one read for each target in a plan; a public key, a write and a read for each secret in a create, one after the other, which is the
pattern of the resource `github_actions_secret` of the GitHub provider (integrations/terraform-provider-github,
`resource_github_actions_secret.go`: read, public key, write, read).

The floor of a create is Terraform's own: as many `terraform_data`, each with as much in the state as a secret has. A provider with the
same schema that does nothing shows what is above it without any work of ours. If `OLDER` names an executable of an earlier version, it makes
the same plan and create.
"""

import base64
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time
import urllib.request

from five_hundred import HEAD, Workspace, settings

LATENCIES = (0, 50, 200)
PER_REPOSITORY = 10
GROWTH = (50, 250, 1000, 2500, 5000)

GITHUB = 'ci = { github_actions_secret = { repository = "repository-${floor(count.index / %d)}" } }' % PER_REPOSITORY
THREE = (
    GITHUB
    + '\n    app = { fly_secret = { app = "app-${floor(count.index / %d)}", stage = true } }' % PER_REPOSITORY
    + '\n    parameter = { ssm_parameter = { name = "/measured/SECRET_${count.index}" } }'
)


def configuration(count, targets):
    return (
        HEAD % ("rotation", "secret-rotation/rotation")
        + """
provider "rotation" {
  namespace = "measured"
}
resource "rotation_secret" "one" {
  count   = %d
  name    = "SECRET_${count.index}"
  source  = { random = { bytes = 32, encoding = "hex" } }
  overlap = "0s"
  targets = {
    %s
  }
}
"""
        % (count, targets)
    )


class Watch(threading.Thread):
    """The most resident memory, in MiB, that any process of an executable has while this runs, and the CPU seconds of all of them."""

    def __init__(self, executable):
        super().__init__(daemon=True)
        self.executable, self.most, self.ended = os.path.realpath(executable), 0, threading.Event()
        self.ticks = {}

    def run(self):
        while not self.ended.wait(0.02):
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if os.path.realpath(process / "exe") == self.executable:
                        status = (process / "status").read_text()
                        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                        self.most = max(self.most, int(line.split()[1]) / 1024)
                        # What follows the name, which is in parentheses: user and system time are the twelfth and thirteenth.
                        fields = (process / "stat").read_text().rpartition(")")[2].split()
                        self.ticks[process.name] = int(fields[11]) + int(fields[12])
                except (OSError, StopIteration):
                    continue

    def cpu(self):
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


class Estate:
    """A sandbox and a directory with so many secrets."""

    def __init__(self, core, directory, executable, sandbox, environment, count, targets):
        self.core, self.executable, self.count = core, executable, count
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.process = subprocess.Popen([sandbox, "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        exports = {}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            name, value = line.removeprefix("export ").rstrip("\n").split("=", 1)
            exports[name] = value.strip("'")
        self.exports = exports
        self.environment = {**environment, **exports, **settings(self.directory / "cli", "secret-rotation/rotation", executable)}
        containers = range((count + PER_REPOSITORY - 1) // PER_REPOSITORY)
        self.control("POST", "settings", {"timeline": False})
        self.control(
            "POST",
            "seed",
            {
                "github": {
                    "repositories": {f"molecule-ai/repository-{n}": {} for n in containers},
                    # Thousands of creates exceed what GitHub permits within an hour.
                    "rate_limit": 1_000_000,
                },
                "fly": {"apps": {f"app-{n}": {"machines": []} for n in containers}},
            },
        )
        (self.directory / "main.tf").write_text(configuration(count, targets))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def control(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        url = f"{self.exports['SANDBOX_URL']}/_sandbox/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=60) as answer:
            return answer.read()

    def latency(self, milliseconds):
        self.control("POST", "settings", {"latency_ms": milliseconds})

    def calls(self):
        return json.loads(self.control("GET", "state"))["calls"]

    def run(self, *arguments):
        """Seconds, requests and MiB of one command."""
        self.control("DELETE", "calls")
        with Watch(self.executable) as watch:
            begun = time.perf_counter()
            run = subprocess.run(
                [self.core, *arguments, "-no-color", "-input=false"],
                cwd=self.directory,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=1200,
            )
            seconds = time.perf_counter() - begun
        if run.returncode:
            raise SystemExit(f"measure: {' '.join(arguments)}: {run.stderr[-2000:]}")
        calls = self.calls()
        vendors = {name: sum(call["vendor"] == name for call in calls) for name in ("github", "fly", "aws")}
        return {"seconds": seconds, "requests": len(calls), "mib": watch.most, "cpu": watch.cpu(), **vendors}

    def github(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.exports['GITHUB_BASE_URL']}{path}", data=data, method=method)
        request.add_header("authorization", f"Bearer {self.exports['GITHUB_TOKEN']}")
        request.add_header("user-agent", "naive")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def naive(self, creates):
        """A read for each secret; in a create a public key, a write of what is there, and a read, one after the other."""
        self.control("DELETE", "calls")
        begun = time.perf_counter()
        for number in range(self.count):
            secrets = f"/repos/molecule-ai/repository-{number // PER_REPOSITORY}/actions/secrets"
            name = f"{secrets}/SECRET_{number}"
            if creates:
                key = json.loads(self.github("GET", f"{secrets}/public-key"))
                self.github("PUT", name, {"encrypted_value": sealed(key["key"]), "key_id": key["key_id"]})
            self.github("GET", name)
        return {"seconds": time.perf_counter() - begun, "requests": len(self.calls()), "mib": 0}


def sealed(key):
    """A value that only the holder of the key can open."""
    from nacl.public import PublicKey, SealedBox

    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(b"measured")).decode()


def row(name, told):
    ours = f"{told['mib']:>9.0f} MiB{told['cpu']:>9.1f} s" if told["mib"] else ""
    print(f"{name:<56}{told['requests']:>9}{told['seconds']:>9.1f} s{ours}")
    return {"name": name, **told}


def floor(core, environment, directory, count, state):
    """Creates `terraform_data` whose states are as long as this one."""
    own = 'resource "terraform_data" "one" {\n  count = %d\n  input = "${count.index}%s"\n}\n'
    # A state has the input twice: as it was given, and as the output.
    text = own % (count, "x" * (len(json.dumps(state)) // 2))
    empty = {"version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "floor", "outputs": {}, "resources": []}
    workspace = Workspace(core, directory, environment, text, empty)
    seconds, _ = workspace.run("apply", "-auto-approve")
    return {"seconds": seconds, "requests": 0, "mib": 0}


def idle(core, provider, environment, directory, state):
    """Creates as many objects of the same schema with a provider that makes no call; they get the computed attributes of `state`."""
    own = settings(f"{directory}/idle", "secret-rotation/rotation", provider)
    environment = {**environment, **own, "IDLE_STATE": json.dumps(state)}
    empty = {"version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "idle", "outputs": {}, "resources": []}
    workspace = Workspace(core, f"{directory}/objects", environment, configuration(500, GITHUB), empty)
    seconds, _ = workspace.run("apply", "-auto-approve")
    return {"seconds": seconds, "requests": 0, "mib": 0}


def measure(core, executable, sandbox, does_nothing, environment, directory):
    """Prints the table and returns its rows."""
    print(f"{'':<56}{'requests':>9}{'wall':>11}{'memory':>13}{'CPU':>11}")
    rows = []
    older = os.environ.get("OLDER")
    if older:
        with Estate(core, f"{directory}/older", older, sandbox, environment, 500, GITHUB) as estate:
            rows.append(row("an older version: create 500 secrets", estate.run("apply", "-auto-approve")))
            rows.append(row("  plan without change, 0 ms latency", estate.run("plan")))
    with Estate(core, f"{directory}/five", executable, sandbox, environment, 500, GITHUB) as estate:
        rows.append(row("create 500 secrets, one GitHub secret each", estate.run("apply", "-auto-approve")))
        for latency in LATENCIES:
            estate.latency(latency)
            rows.append(row(f"  plan without change, {latency} ms latency", estate.run("plan")))
        state = json.loads((estate.directory / "terraform.tfstate").read_text())
        one = state["resources"][0]["instances"][0]["attributes"]
        told = floor(core, environment, f"{directory}/floor", 500, one)
        rows.append(row("  Terraform's own: create 500 terraform_data as long", told))
        told = idle(core, does_nothing, environment, f"{directory}/nothing", one)
        rows.append(row("  the same schema, and a provider that does nothing", told))
        estate.latency(0)
        try:
            rows.append(row("  naive: the same plan", estate.naive(False)))
            rows.append(row("  naive: the same create", estate.naive(True)))
        except ImportError:
            print("  naive: PyNaCl is missing")
    for latency in LATENCIES[1:]:
        with Estate(core, f"{directory}/late{latency}", executable, sandbox, environment, 500, GITHUB) as estate:
            estate.latency(latency)
            rows.append(row(f"create the same, {latency} ms latency", estate.run("apply", "-auto-approve")))
    with Estate(core, f"{directory}/three", executable, sandbox, environment, 500, THREE) as estate:
        rows.append(row("create 500 secrets, three targets each", estate.run("apply", "-auto-approve")))
        for latency in LATENCIES:
            estate.latency(latency)
            rows.append(row(f"  plan without change, {latency} ms latency", estate.run("plan")))
    return rows


def growth(core, executable, sandbox, does_nothing, environment, directory):
    """Plans of ever more secrets; prints them, with the requests, time and CPU time of the provider for each further one, fitted."""
    rows = []
    print(f"{'':<56}{'requests':>9}{'wall':>11}{'memory':>13}{'CPU':>11}")
    for count in GROWTH:
        with Estate(core, f"{directory}/growth{count}", executable, sandbox, environment, count, GITHUB) as estate:
            created = estate.run("apply", "-auto-approve", "-parallelism=30")
            planned = estate.run("plan")
            row(f"plan of {count} unchanged secrets", planned)
            own = settings(f"{directory}/idle{count}", "secret-rotation/rotation", does_nothing)
            state = json.loads((estate.directory / "terraform.tfstate").read_text())
            for instance in state["resources"][0]["instances"]:
                for key in ("identity", "identity_schema_version"):
                    instance.pop(key, None)
            text = configuration(count, GITHUB)
            nothing = Workspace(core, f"{directory}/objects{count}", {**environment, **own}, text, state)
            nothing = {"seconds": nothing.run("plan")[0], "requests": 0, "mib": 0}
            row("  the same schema, and a provider that does nothing", nothing)
        rows.append({"count": count, "create": created, "plan": planned, "nothing": nothing})
    for what in ("requests", "seconds", "cpu"):
        slope = statistics.linear_regression([r["count"] for r in rows], [r["plan"][what] for r in rows]).slope
        print(f"{'  %s for each further secret' % what:<56}{slope:>9.4f}")
    return rows


def plot(rows):
    """What plans take by the number of secrets, as SVG: requests, CPU seconds of the provider, and wall time, each against its own
    most; the wall time also with a provider that does nothing."""
    width, height, margin = 640, 320, 48
    most = max(row["count"] for row in rows)
    wall = max(row["plan"]["seconds"] for row in rows)
    curves = [
        ("plan", "requests", "requests", "#1f6feb", None),
        ("plan", "cpu", "CPU seconds of the provider", "#d1242f", None),
        ("plan", "seconds", "seconds of terraform plan", "#1a7f37", wall),
        ("nothing", "seconds", "seconds with a provider that does nothing", "#8250df", wall),
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path d="M{margin} {margin / 2}V{height - margin}H{width - margin}" fill="none" stroke="#57606a"/>',
    ]
    measured = [curve for curve in curves if all(curve[1] in row.get(curve[0], {}) for row in rows)]
    for at, (run, what, name, colour, scale) in enumerate(measured):
        reached = max(row[run][what] for row in rows)
        top = scale or reached
        points = []
        for row in rows:
            x = margin + (width - 2 * margin) * row["count"] / most
            y = height - margin - (height - 1.5 * margin) * row[run][what] / top
            points.append(f"{x:.1f},{y:.1f}")
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{margin + 12}" y="{margin / 2 + 16 * (at + 1)}" fill="{colour}">{name}, up to {reached:.3g}</text>')
    for row in rows:
        x = margin + (width - 2 * margin) * row["count"] / most
        parts.append(f'<text x="{x:.1f}" y="{height - margin + 18}" text-anchor="middle">{row["count"]}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">unchanged secrets in a plan, ten to a repository</text>')
    return "\n".join([*parts, "</svg>", ""])
