"""The software bill of materials: CycloneDX 1.5 as JSON (https://cyclonedx.org/docs/1.5/json/).

It is written from what Cargo resolves and compared with three other accounts: what Cargo said that it compiled, the folders of source files
that the executable names in its panics, and the list that cargo-auditable put into it. That list is longer, because `cargo metadata`, which it
is made from, counts optional crates that only a feature such as `crate?/feature` names; scanners may report those, though no code of theirs is
there.
"""

import hashlib
import json
import re
import subprocess
import uuid

from crates import checksums, linked
from names import NAME


SOURCE_FILE = re.compile(rb"/registry/src/[^/]+/([^/]+)-(\d+\.\d+\.\d+[^/]*)/")


def embedded(executable, reader):
    """Crates in the list that cargo-auditable put into the executable: name and version."""
    packages = json.loads(subprocess.check_output([reader, executable], text=True))["packages"]
    return {(package["name"], package["version"]) for package in packages}


def named(executable):
    """Crates whose source files the executable names: some of those that are in it, and none that is not."""
    return {(name.decode(), version.decode()) for name, version in SOURCE_FILE.findall(executable.read_bytes())}


def purl(name, version):
    return f"pkg:cargo/{name}@{version}"


def component(package, sums):
    name, version = package["name"], package["version"]
    return {
        "type": "library",
        "bom-ref": purl(name, version),
        "name": name,
        "version": version,
        "purl": purl(name, version),
        "licenses": [{"expression": package["license"]}],
        "hashes": [{"alg": "SHA-256", "content": sums[name, version]}],
    }


def document(target, version, executable, commit_time):
    content = executable.read_bytes()
    sums = checksums()
    digest = hashlib.sha256(content).hexdigest()
    own = purl(NAME, version)
    components = [component(package, sums) for package in linked(target)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # The same build has the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": commit_time,
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": NAME,
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "MPL-2.0"}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "properties": [{"name": "target", "value": target}],
            },
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def listed(document):
    return {(one["name"], one["version"]) for one in document["components"]}


def difference(document, executable, reader):
    """What the bill and the executable do not agree on; nothing is what it should be."""
    crates, seen = listed(document), named(executable)
    found = [f"not in the bill, but named by the executable: {name} {version}" for name, version in sorted(seen - crates)]
    found += [f"not in the executable's list: {name} {version}" for name, version in sorted(crates - embedded(executable, reader))]
    if len(seen) < 20:
        found.append(f"the executable names the source files of {len(seen)} crates only, which shows nothing")
    digest = hashlib.sha256(executable.read_bytes()).hexdigest()
    if document["metadata"]["component"]["hashes"] != [{"alg": "SHA-256", "content": digest}]:
        found.append("the bill is of another executable")
    return found


def write(path, document):
    path.write_text(json.dumps(document, indent=2) + "\n")
