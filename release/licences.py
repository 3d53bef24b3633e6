"""The licence texts of everything in the executable: nearly every licence asks for them in whatever is handed out."""

import pathlib

from crates import linked

FILES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")

# Crates that are published without a text; all of them are under the MIT licence, whose text is below. Another one has to be looked at
# before it is added here.
WITHOUT_TEXT = {"base64-simd", "vsimd", "tonic-prost"}

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def texts(package):
    """The texts that a crate was published with, by file name; those of the C code in it, too."""
    folder = pathlib.Path(package["manifest_path"]).parent
    found = {
        str(file.relative_to(folder)): file.read_text(errors="replace")
        for file in sorted(folder.glob("**/*"))
        if file.is_file() and file.name.upper().split(".")[0].split("-")[0] in FILES and file.suffix not in (".rs", ".go", ".py")
    }
    if found:
        return found
    if package["name"] in WITHOUT_TEXT and package["license"] == "MIT":
        return {"MIT": f"Copyright (c) the authors of {package['repository']}\n\n{MIT}"}
    raise SystemExit(f"release: {package['name']} {package['version']} ({package['license']}) comes without a licence text: see release/licences.py")


def collected(target):
    """One text for the archive. The same licence in many crates stands once, above the names of all of them."""
    packages = linked(target)
    unneeded = WITHOUT_TEXT - {package["name"] for package in packages}
    if unneeded:
        raise SystemExit(f"release: release/licences.py names crates that are not in the executable: {sorted(unneeded)}")
    owners = {}
    for package in packages:
        for file, text in texts(package).items():
            same = "\n".join(line.rstrip() for line in text.strip().splitlines())
            owners.setdefault(same, []).append(f"{package['name']} {package['version']} ({file})")
    lines = ["Licences of the software inside terraform-provider-rotation", "", "The provider itself is under the licence in LICENSE. It contains:", ""]
    lines += [f"  {package['name']} {package['version']}: {package['license']}" for package in packages]
    for text, names in sorted(owners.items(), key=lambda item: item[1]):
        lines += ["", "=" * 80, *names, "=" * 80, "", text]
    return "\n".join(lines) + "\n"
