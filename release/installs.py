"""What a CLI must do with the archive of a release, and what it must refuse. Each function is a check; its docstring is its name."""

import base64
import json
import re
import subprocess
import time
import zipfile

import archive
import names
from user import REGISTRIES, Folder, mirror

REQUIRED = """
terraform {
  required_providers {
    rotation = { source = "secret-rotation/rotation", version = "%s" }
  }
}
provider "rotation" {
  namespace = "release"
}
"""
SECRET = """
resource "rotation_secret" "it" {
  name    = "RELEASED"
  source  = { random = { bytes = 32, encoding = "hex" } }
  targets = { runtime = { ssm_parameter = { name = "/released" } } }
}
"""
# A version below every release. No release exists that could stand for an older one, so the archive is packed once more under this number;
# states that older code wrote come from tests/state_samples.
OLDER = "0.0.1"
FIVE_MINUTES = 300


class Release:
    """The archive under check, and what it is checked with."""

    def __init__(self, folder, target, core, registry, scratch, sandbox):
        self.version = names.version()
        self.name = names.archive(self.version, target)
        self.path, self.target = folder / self.name, target
        self.core, self.registry, self.scratch, self.sandbox = core, registry, scratch, sandbox

    def executable(self):
        with zipfile.ZipFile(self.path) as packed:
            return packed.read(names.executable(self.version))

    def packed_as(self, version, content=None):
        """The same release under another number, or with another executable."""
        path = self.scratch / f"packed-{version}-{'own' if content is None else 'other'}.zip"
        archive.write(path, [(names.executable(version), content or self.executable())], 0)
        return path

    def user(self, name, archives, configuration):
        place = self.scratch / name
        place.mkdir()
        packed, settings = mirror(place, self.registry, archives)
        return packed, Folder(self.core, place / "work", place / "home", configuration, self.sandbox.exports.items(), settings)


def installs_from_a_mirror(release):
    """init installs from a filesystem_mirror and locks it, providers lock agrees, a plan of what was applied is empty, destroy ends it"""
    packed, user = release.user("mirror", {release.name: release.path}, REQUIRED % release.version + SECRET)
    said = user.succeeds("init", "-input=false")
    assert f"v{release.version}" in said, said
    locked = user.lock()
    assert f'provider "{release.registry}/secret-rotation/rotation"' in locked and '"h1:' in locked, locked
    platform = names.platform(release.target)
    user.succeeds("providers", "lock", f"-fs-mirror={packed.parents[2]}", f"-platform={platform}")
    assert '"h1:' in user.lock() and set(re.findall('"h1:[^"]*"', locked)) <= set(re.findall('"h1:[^"]*"', user.lock())), user.lock()
    user.succeeds("apply", "-auto-approve", "-input=false")
    user.succeeds("plan", "-detailed-exitcode", "-input=false")
    user.succeeds("apply", "-destroy", "-auto-approve", "-input=false")


def upgrades_a_state(release):
    """a newer version waits for init -upgrade, then understands the older one's state: its plan is empty"""
    archives = {names.archive(OLDER, release.target): release.packed_as(OLDER)}
    packed, user = release.user("upgrade", archives, REQUIRED % "~> 0.0" + SECRET)
    user.succeeds("init", "-input=false")
    assert f'version     = "{OLDER}"' in user.lock(), user.lock()
    user.succeeds("apply", "-auto-approve", "-input=false")
    before = user.secret()
    (packed / release.name).write_bytes(release.path.read_bytes())
    user.succeeds("init", "-input=false")
    assert f'version     = "{OLDER}"' in user.lock(), "a newer version was taken without -upgrade"
    user.write(REQUIRED % release.version + SECRET)
    user.fails("plan", "-input=false", because="init -upgrade")
    user.succeeds("init", "-upgrade", "-input=false")
    assert f'version     = "{release.version}"' in user.lock(), user.lock()
    user.succeeds("plan", "-detailed-exitcode", "-input=false")
    assert user.secret() == before
    user.succeeds("apply", "-destroy", "-auto-approve", "-input=false")


def understands_older_states(release):
    """every state that an older format wrote is read by the released executable"""
    _, user = release.user("samples", {release.name: release.path}, REQUIRED % release.version)
    user.succeeds("init", "-input=false")
    samples = sorted((names.ROOT / "tests/state_samples").glob("*/*.json"))
    assert len({sample.parent for sample in samples}) > 1, samples
    for sample in samples:
        content = json.loads(sample.read_text())
        private = content.get("private") or ""
        instance = {"schema_version": content["schema_version"], "attributes": content["attributes"]}
        if private:
            instance["private"] = private if isinstance(private, str) else base64.b64encode(json.dumps(private).encode()).decode()
        resource = {"mode": "managed", "type": "rotation_secret", "name": "it", "instances": [instance]}
        resource["provider"] = f'provider["{release.registry}/secret-rotation/rotation"]'
        state = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "sample", "outputs": {}, "resources": [resource]}
        (user.path / "terraform.tfstate").write_text(json.dumps(state))
        said = user.succeeds("plan", "-destroy", "-refresh=false", "-input=false")
        assert "1 to destroy" in said, f"{sample}: {said}"


def refuses_a_tampered_archive(release):
    """an archive other than the locked one is refused, before it is run"""
    packed, user = release.user("tampered", {release.name: release.path}, REQUIRED % release.version + SECRET)
    user.succeeds("init", "-input=false")
    (packed / release.name).write_bytes(release.packed_as(release.version, release.executable() + b"\0").read_bytes())
    subprocess.run(["rm", "-r", user.path / ".terraform"], check=True)
    user.fails("init", "-input=false", because="doesn't match any of the checksums")


def refuses_a_tampered_installation(release):
    """an executable that was changed after its installation is refused"""
    _, user = release.user("changed", {release.name: release.path}, REQUIRED % release.version + SECRET)
    user.succeeds("init", "-input=false")
    (installed,) = user.path.glob(f".terraform/providers/**/{names.executable(release.version)}")
    content = installed.read_bytes()
    # What is installed may be a link into the mirror.
    installed.unlink()
    installed.write_bytes(content + b"\0")
    installed.chmod(0o755)
    user.fails("plan", "-input=false", because="does not match any of the checksums")


def a_stranger_rotates_in_five_minutes(release):
    """the README's commands and blocks, as they are, lead from the archive to the first rotation"""
    readme = (names.ROOT / "README.md").read_text()
    install = re.search(r"<!-- install -->\n```console\n(.*?)```", readme, re.S).group(1)
    commands = [line.removeprefix("$ ") for line in install.splitlines() if line.startswith("$ ")]
    assert commands[0] == f"VERSION={release.version}", "the README installs another version"
    # What its comment says for the other CLI.
    assert release.registry in commands[1], commands[1]
    commands[1] = f"REGISTRY={release.registry}"
    resource, required = [block.split("```")[0] for block in readme.split("```hcl\n")[1:3]]
    began = time.monotonic()
    place = release.scratch / "stranger"
    user = Folder(release.core, place / "work", place / "home", required + resource, release.sandbox.exports.items())
    downloads = place / "downloads"
    downloads.mkdir()
    for file in release.path.parent.glob(f"{names.stem(release.version)}_*"):
        (downloads / file.name).symlink_to(file)
    script = "\n".join(["set -e", *commands])
    run = subprocess.run(["bash", "-c", script], cwd=downloads, env=user.environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    user.succeeds("init", "-input=false")
    user.succeeds("apply", "-auto-approve", "-input=false")
    assert user.secret()["generation"] == 1
    asked = resource.rstrip().removesuffix("}") + '  rotation_reason = "first rotation"\n}\n'
    user.write(required + asked)
    user.succeeds("apply", "-auto-approve", "-input=false")
    assert user.secret()["generation"] == 2 and user.secret()["last_rotation"]["reason"] == "first rotation"
    seconds = time.monotonic() - began
    assert seconds < FIVE_MINUTES, f"it took {seconds:.0f} s"
    return f"{seconds:.0f} s"


def takes_over_the_other_cli_s_state(release):
    """a state of the other CLI's address is read as it is (OpenTofu), or after state replace-provider (Terraform)"""
    _, user = release.user("moved", {release.name: release.path}, REQUIRED % release.version + SECRET)
    user.succeeds("init", "-input=false")
    user.succeeds("apply", "-auto-approve", "-input=false")
    (other,) = set(REGISTRIES.values()) - {release.registry}
    state = user.path / "terraform.tfstate"
    state.write_text(state.read_text().replace(release.registry, other))
    if release.registry == REGISTRIES["terraform"]:
        user.fails("plan", "-input=false", because=other)
        address = "secret-rotation/rotation"
        user.succeeds("state", "replace-provider", "-auto-approve", f"{other}/{address}", f"{release.registry}/{address}")
    user.succeeds("plan", "-detailed-exitcode", "-input=false")
    user.succeeds("apply", "-destroy", "-auto-approve", "-input=false")


CHECKS = [
    installs_from_a_mirror,
    upgrades_a_state,
    understands_older_states,
    refuses_a_tampered_archive,
    refuses_a_tampered_installation,
    takes_over_the_other_cli_s_state,
    a_stranger_rotates_in_five_minutes,
]
