"""A stranger's machine: an empty home folder, a CLI that reaches no network, and vendors on loopback."""

import json
import os
import pathlib
import shutil
import subprocess

from names import ROOT

SANDBOX = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/examples/sandbox"

# Each CLI's own registry, which an address without a host means.
REGISTRIES = {"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"}


def core():
    """The CLI to check with: CORE, or what is on the PATH."""
    found = shutil.which(os.environ.get("CORE") or "terraform") or (None if "CORE" in os.environ else shutil.which("tofu"))
    if not found:
        raise SystemExit(f"release: {os.environ.get('CORE', 'neither terraform nor tofu')} is not on the PATH")
    return str(pathlib.Path(found).absolute())


def registry(core):
    """The registry of a CLI, by what it says that it is."""
    said = subprocess.run([core, "version"], capture_output=True, text=True, check=True).stdout
    return REGISTRIES["tofu" if said.startswith("OpenTofu") else "terraform"], said.splitlines()[0]


class Sandbox:
    def __enter__(self):
        self.process = subprocess.Popen([SANDBOX, "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.exports = {}
        for line in self.process.stdout:
            if line == "ready\n":
                return self
            name, value = line.removeprefix("export ").rstrip("\n").split("=", 1)
            self.exports[name] = value.strip("'")
        raise SystemExit("release: the sandbox did not start")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Folder:
    """A configuration, and a home folder that may be shared with others."""

    def __init__(self, core, path, home, configuration="", exports=(), settings=None):
        self.core, self.path, self.home = core, pathlib.Path(path), pathlib.Path(home)
        self.path.mkdir(parents=True)
        self.home.mkdir(parents=True, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CHECKPOINT_DISABLE": "1", **dict(exports)}
        # Where nothing is set up, a CLI must find no settings of whoever runs this.
        self.environment["TF_CLI_CONFIG_FILE"] = str(settings or os.devnull)
        self.write(configuration)

    def write(self, configuration):
        (self.path / "main.tf").write_text(configuration)

    def run(self, *arguments, **more):
        """Status and everything that was said."""
        run = subprocess.run(
            [self.core, *arguments, "-no-color"],
            cwd=self.path,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return run.returncode, run.stdout

    def succeeds(self, *arguments):
        status, said = self.run(*arguments)
        if status:
            raise AssertionError(f"{' '.join(arguments)}: {said}")
        return said

    def fails(self, *arguments, because):
        status, said = self.run(*arguments)
        flat = " ".join(said.replace("│", " ").split())
        if status == 0 or because not in flat:
            raise AssertionError(f"{' '.join(arguments)} should have failed because “{because}”: {said}")

    def lock(self):
        return (self.path / ".terraform.lock.hcl").read_text()

    def state(self):
        return json.loads((self.path / "terraform.tfstate").read_text())

    def secret(self):
        """The attributes of the one secret."""
        (resource,) = self.state()["resources"]
        return resource["instances"][0]["attributes"]


def mirror(folder, registry, archives):
    """A folder in the packed layout of a `filesystem_mirror` and the settings that allow nothing else; `archives` by file name."""
    packed = folder / "mirror" / registry / "secret-rotation/rotation"
    packed.mkdir(parents=True)
    for name, source in archives.items():
        shutil.copyfile(source, packed / name)
    settings = folder / "cli.tfrc"
    settings.write_text('provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' % (folder / "mirror"))
    return packed, settings
