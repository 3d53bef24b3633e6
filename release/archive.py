"""Zip archives that are the same, byte by byte, whenever and wherever they are made."""

import time
import zipfile

# Zip knows no time before 1980.
EARLIEST = 315532800


def write(path, members, seconds):
    """`members`: pairs of a name and its bytes; the first one may be executed. `seconds` since 1970 is the time of each, from 1980 on."""
    moment = time.gmtime(max(seconds, EARLIEST))[:6]
    with zipfile.ZipFile(path, "w") as archive:
        for position, (name, content) in enumerate(members):
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = (0o100755 if position == 0 else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
