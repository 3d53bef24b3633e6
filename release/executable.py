"""What can be read from an executable alone: what it asks of the system that it runs on, and what it tells of the one that made it."""

import re
import subprocess

# Terraform is run in old containers and on old servers; RHEL 8 and Debian 10 have 2.28.
OLDEST_GLIBC = (2, 28)
# Every Linux with glibc has these. libgcc_s would be one more package to install.
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
MEGABYTE = 10**6
LARGEST = 19 * MEGABYTE
LARGEST_ARCHIVE = 8 * MEGABYTE

# How the CPU's clock is read. AWS-LC's jitter entropy does so and nothing else in the provider: the standard library asks the kernel.
# On arm64 that was not tried.
CLOCK = {"x86_64": re.compile(r"\brdtscp?\b"), "aarch64": re.compile(r"\bcntvct_el0\b")}


def read(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def glibc(executable):
    """The newest version of glibc that the executable asks for."""
    versions = re.findall(r"\bGLIBC_(\d+)\.(\d+)", read("readelf", "--version-info", "--wide", executable))
    return max((int(major), int(minor)) for major, minor in versions)


def libraries(executable):
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", read("readelf", "--dynamic", "--wide", executable)))


def reads_the_clock(executable, target):
    return bool(CLOCK[target.split("-")[0]].search(read("objdump", "--disassemble", "--no-show-raw-insn", executable)))


def faults(executable, target, forbidden):
    """What is wrong with an executable for `target`, in words; `forbidden` are folders of the machine that built it."""
    found = []
    size = executable.stat().st_size
    if size > LARGEST:
        found.append(f"it has {size / MEGABYTE:.1f} MB, more than {LARGEST // MEGABYTE}")
    content = executable.read_bytes()
    found += [f"it names {folder}, a folder of the machine that built it" for folder in forbidden if folder.encode() in content]
    if "-linux-" in target:
        floor = glibc(executable)
        if floor > OLDEST_GLIBC:
            found.append("it needs glibc %d.%d, newer than %d.%d" % (*floor, *OLDEST_GLIBC))
        more = libraries(executable) - LIBRARIES
        if more:
            found.append(f"it needs {', '.join(sorted(more))}")
        if reads_the_clock(executable, target):
            found.append("it reads the CPU's clock, so AWS-LC was built with jitter entropy")
    return found
