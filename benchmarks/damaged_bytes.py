"""Damage to the bytes of a file of any format, and archives."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterable
from typing import Protocol


class File(Protocol):
    """A file, or what it was read to."""

    data: bytes


def truncated(file: File, chance: random.Random) -> bytes:
    """Return a part of a file from its start."""
    return file.data[: chance.randrange(len(file.data))]


def other_bytes(file: File, chance: random.Random) -> bytes:
    """Return a file with some bytes changed."""
    changed = bytearray(file.data)
    for _ in range(chance.choice((1, 1, 4, 64))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def archive_of(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip archive with members of these names and contents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()
