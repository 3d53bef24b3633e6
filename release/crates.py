"""The crates that are compiled into the executable, by Cargo's own account."""

import json
import pathlib
import subprocess

from names import NAME, ROOT


def linked(target):
    """Packages of `cargo metadata` that a build for `target` links, the provider's own left out. Macros run in the compiler.

    `cargo tree` knows which features a build turns on, `cargo metadata` knows the rest; each package is in both.
    """
    tree = subprocess.check_output(
        ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target, "--prefix", "none", "--format", "{p}"],
        cwd=ROOT,
        text=True,
    )
    wanted = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    metadata = subprocess.check_output(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target], cwd=ROOT, text=True
    )
    packages = {(package["name"], f"v{package['version']}"): package for package in json.loads(metadata)["packages"]}
    missing = wanted - packages.keys()
    if missing:
        raise SystemExit(f"release: cargo metadata does not know {sorted(missing)}")
    return [packages[key] for key in sorted(wanted) if key[0] != NAME]


def compiled(messages, target):
    """Name and version of each crate that a build compiled for `target`, from what Cargo says with `--message-format=json`."""
    found = set()
    for line in messages.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and any(f"/{target}/" in file for file in message["filenames"]):
            place, _, name = message["package_id"].rpartition("#")
            name, _, version = name.rpartition("@")
            found.add((name or place.rpartition("/")[2], version))
    return {crate for crate in found if crate[0] != NAME}


def checksums():
    """SHA-256 of each crate as the lock file has it."""
    sums, name, version = {}, None, None
    for line in pathlib.Path(ROOT, "Cargo.lock").read_text().splitlines():
        key, _, value = line.partition(" = ")
        value = value.strip('"')
        if key == "name":
            name = value
        elif key == "version":
            version = value
        elif key == "checksum":
            sums[name, version] = value
    return sums
