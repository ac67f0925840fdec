"""Writing files completely or not at all; ``-`` is standard output."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from archcalc.spec.errors import Problem, SpecError, fail, suggest
from archcalc.terminal import READABLE

STANDARD_OUTPUT = "-"
ARRAYS = (".npy", ".npz")
WRITABLE = 0o222
"""The permissions to write. Root may write every file, but a file that has none of these bits is not written."""


@contextmanager
def output_errors(option: str, path: str) -> Iterator[None]:
    """Turn a file that cannot be written into an error of the option that names it."""
    try:
        yield
    except OSError as error:
        raise SpecError([unwritten(option, path, error)]) from None


def unwritten(option: str, path: str, error: OSError) -> Problem:
    """Return the problem of a file that cannot be written, whose origin is the option that names it."""
    return Problem("output", f"cannot write '{path[:400]}': {error.strerror or error}", origin=option)


def require_svg(path: str) -> None:
    """Fail if a file for a picture has the name of another format."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in ("", ".svg"):
        hint = "write FILE.svg; rsvg-convert, CairoSVG or Inkscape convert it"
        fail("argument", f"the picture is SVG, but '{path[:80]}' ends in {suffix[:10]}", hint=hint, origin="--svg")


def require_spec(path: str) -> None:
    """Fail if a file for a spec has the name of a model or of arrays.

    Raises:
        SpecError: it has.
    """
    from archcalc.spec.models import CHECKPOINTS, READERS

    suffix = os.path.splitext(path)[1].lower()
    if suffix in (*READERS, *CHECKPOINTS, *ARRAYS):
        hint = "write FILE.yaml; `archcalc convert` writes a spec in other formats"
        found = f"a spec is written, but '{path[:80]}' ends in {suffix}"
        fail("argument", found, hint=hint, origin="--output")


def require_new(output: str, *, force: bool) -> None:
    """Fail if the output is a folder, or a file that exists and may not be overwritten."""
    if output == STANDARD_OUTPUT:
        return
    if os.path.isdir(output):
        fail("output", f"'{output}' is a folder", hint="name a file", origin="--output")
    if os.path.isfile(output) and not force:
        fail("output", f"the file '{output}' exists", hint="--force overwrites it", origin="--output")


def known_suffix(output: str, suffixes: Collection[str], what: str, hint: str = "") -> str:
    """Return the suffix of an output, which decides about its format.

    Args:
        output: the name of the file.
        suffixes: those of all formats.
        what: what has one of these suffixes: ``format``.
        hint: another way to choose a format.

    Raises:
        SpecError: it is none of them.
    """
    suffix = os.path.splitext(output)[1].lower()
    if suffix not in suffixes:
        unknown = f"no {what} has the suffix '{suffix[:20]}'" if suffix else f"'{output[:80]}' has no suffix"
        known = f"the suffixes are {', '.join(suffixes)}" + (f"; or {hint}" if hint else "")
        fail("argument", unknown, hint=suggest(suffix, suffixes, known), origin="--output")
    return suffix


def write_file(path: str, text: str) -> None:
    """Write a text file under a temporary name next to it, then rename it; or write to standard output.

    Raises:
        OSError: it cannot be written; an existing file is left unchanged.
    """
    write_with(path, lambda file: file.write(text.encode("utf-8", READABLE)))


def write_with(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Call a function that writes a file under a temporary name next to it, then rename that; or use standard output.

    The permissions and the owner of an existing file stay. A file that this process may not give to its owner, or that
    has several names, is overwritten in place.

    Raises:
        OSError: it cannot be written, or is read-only; an existing file is left unchanged.
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
    before = os.stat(path) if os.path.exists(path) else None
    if before is not None and not (before.st_mode & WRITABLE and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, "the file is read-only", path)  # renaming would succeed all the same
    place = os.path.realpath(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".archcalc-", dir=os.path.dirname(place))
    try:
        with open(descriptor, "wb") as file:
            write(file)
        if before is not None and not _takes_over(temporary, before):
            _overwrite(place, temporary)
        else:
            os.chmod(temporary, _new_mode() if before is None else before.st_mode & 0o777)
            os.replace(temporary, place)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _takes_over(temporary: str, before: os.stat_result) -> bool:
    """Give a file the owner and group of the one that it is to replace; return whether it can replace it."""
    own = os.stat(temporary)
    if before.st_nlink > 1:
        return False
    if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.chown(temporary, before.st_uid, before.st_gid)
        except OSError:
            return False
    return True


def _overwrite(place: str, temporary: str) -> None:
    """Replace the content of a file by that of another; if that fails, remove the other and keep the old content."""
    old, new = Path(place).read_bytes(), Path(temporary).read_bytes()
    try:
        Path(place).write_bytes(new)
    except BaseException:
        os.unlink(temporary)  # which makes room on a full disk
        Path(place).write_bytes(old)
        raise


def _new_mode() -> int:
    """Return the permissions of new files."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
