"""Writing files completely or not at all; ``-`` is standard output."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from typing import IO

STANDARD_OUTPUT = "-"


def write_file(path: str, text: str) -> None:
    """Write a text file under a temporary name beside it, then rename it; or write to standard output.

    Raises:
        OSError: it cannot be written; an existing file is left unchanged.
    """
    write_with(path, lambda file: file.write(text.encode()))


def write_with(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Let a function write a file under a temporary name beside it, then rename that; or write to standard output.

    Raises:
        OSError: it cannot be written; an existing file is left unchanged.
    """
    if path == STANDARD_OUTPUT or (os.path.exists(path) and not os.path.isfile(path)):  # a pipe cannot be replaced
        buffer = io.BytesIO()  # the function may ask for its position in the file, which a pipe does not have
        write(buffer)
        if path == STANDARD_OUTPUT:
            sys.stdout.flush()
            sys.stdout.buffer.write(buffer.getbuffer())
            return
        with open(path, "wb") as file:
            file.write(buffer.getbuffer())
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
    """Return the permissions of the file that is replaced, or those of new files."""
    if os.path.exists(path):
        return os.stat(path).st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
