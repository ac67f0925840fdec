"""Files that commands write: complete or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from typing import IO


def write_file(path: str, text: str) -> None:
    """Write a text file under a temporary name beside it, then move it to its place.

    Raises:
        OSError: it cannot be written; whatever stood there is left alone.
    """
    write_with(path, lambda file: file.write(text.encode()))


def write_with(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Let a function write a file under a temporary name beside its place, then move it there.

    Raises:
        OSError: it cannot be written; whatever stood there is left alone.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # /dev/stdout, a pipe: nothing to replace
        whole = io.BytesIO()  # whoever writes may ask where in the file it is, which a pipe does not know
        write(whole)
        with open(path, "wb") as file:
            file.write(whole.getbuffer())
        return
    place = os.path.dirname(os.path.realpath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".archcalc-", dir=place)
    try:
        with open(descriptor, "wb") as file:
            write(file)
        os.chmod(temporary, _mode(path))
        os.replace(temporary, os.path.realpath(path))
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(path: str) -> int:
    """The permissions of the file that is replaced, or what new files have."""
    if os.path.exists(path):
        return os.stat(path).st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
