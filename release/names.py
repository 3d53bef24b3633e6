"""What the files of a release are called. The registries look for these names, so each is written here and nowhere else.

Source: Terraform's documentation, "Publish providers" (preparing and adding a release), and HashiCorp's scaffolding for providers, whose
manifest is published as `NAME_VERSION_manifest.json`.
"""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = "terraform-provider-rotation"
# Where `make dist-tools` puts what only a release needs.
TOOLS = pathlib.Path(os.environ.get("RELEASE_TOOLS", ROOT / "target/release-tools")) / "bin"
MANIFEST = ROOT / "terraform-registry-manifest.json"

# Compiler targets, and what Terraform calls them.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": ("linux", "amd64"),
    "aarch64-unknown-linux-gnu": ("linux", "arm64"),
    "x86_64-apple-darwin": ("darwin", "amd64"),
    "aarch64-apple-darwin": ("darwin", "arm64"),
}


def version():
    metadata = subprocess.check_output(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], cwd=ROOT, text=True
    )
    return next(package["version"] for package in json.loads(metadata)["packages"] if package["name"] == NAME)


def platform(target):
    return "_".join(PLATFORMS[target])


def stem(version):
    return f"{NAME}_{version}"


def archive(version, target):
    return f"{stem(version)}_{platform(target)}.zip"


def sbom(version, target):
    return f"{stem(version)}_{platform(target)}.cdx.json"


def manifest(version):
    return f"{stem(version)}_manifest.json"


def sums(version):
    return f"{stem(version)}_SHA256SUMS"


def executable(version):
    """The executable inside the archive; Terraform takes the first file whose name begins with the provider's."""
    return f"{NAME}_v{version}"


def host():
    lines = subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
    return next(line.removeprefix("host: ") for line in lines if line.startswith("host: "))
