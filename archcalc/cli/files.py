"""Files that commands write: complete or not at all."""

from __future__ import annotations

import os
import tempfile


def write_file(path: str, text: str) -> None:
    """Write a file under a temporary name beside it, then move it to its place.

    Raises:
        OSError: it cannot be written; whatever stood there is left alone.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # /dev/stdout, a pipe: nothing to replace
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return
    place = os.path.dirname(os.path.realpath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".archcalc-", dir=place)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, os.path.realpath(path))
    except BaseException:
        os.unlink(temporary)
        raise
