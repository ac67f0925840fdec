"""Members of zip archives that are not trusted: sizes are checked before memory is taken."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from archcalc.readers.json_text import MAX_BYTES, memory_of, read_json
from archcalc.spec.errors import fail, fail_to_read
from archcalc.spec.locate import what_else

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What `zipfile` raises for members that are damaged, encrypted, or compressed by an unknown method."""
ZIP = b"PK"
"""What archives start with."""
START = 4096
"""The bytes that tell another kind of file."""
MAX_MEMBERS = 20_000
MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
"""The largest list of members that is read."""


class _BoundedFile(io.BufferedReader):
    """A file of which no more than some bytes are read at once, until the bound is lifted."""

    bound: int | None = MAX_DIRECTORY_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if self.bound is not None and (size or 0) > self.bound:
            raise zipfile.BadZipFile(f"its list of members has {size:,} bytes, more than {self.bound:,}")
        return super().read(size)


def _not_an_archive(path: Path, error: Exception) -> str:
    """Return why a file cannot be opened as a zip archive."""
    with path.open("rb") as file:
        start = file.read(START)
    if start and not start.startswith(ZIP[: len(start)]):
        return f"not a zip archive, but {what_else(start) or 'another kind of file'}"
    reason = "the file is empty" if not start else error if _has_end(path) else "its end is missing"
    return f"not a complete zip archive: {reason}"


def _has_end(path: Path) -> bool:
    """Return whether a file has the end of a zip archive, whatever is written there."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return True


class Archive:
    """A zip archive, whose members all lie in one folder (as PyTorch writes them) or at the top."""

    def __init__(self, path: Path, name: str) -> None:
        """Open the archive.

        Args:
            path: the file.
            name: its name in messages.

        Raises:
            SpecError: it cannot be read, or is not a zip archive.
        """
        self.name = name
        self._memory = 0
        try:
            self._file = _BoundedFile(io.FileIO(path))
        except OSError as error:
            fail_to_read(error, name)
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._file.bound = None
        except OSError as error:
            self._file.close()
            fail_to_read(error, name)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, RecursionError, MemoryError) as error:
            self._file.close()
            fail("format", _not_an_archive(path, error), origin=name)
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            self.refuse(f"the archive has {len(members):,} members, more than {MAX_MEMBERS:,}")
        top = {member.filename.split("/", 1)[0] for member in members if "/" in member.filename}
        self._folder = f"{top.pop()}/" if len(top) == 1 else ""
        self._members = {member.filename.removeprefix(self._folder): member for member in members}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def refuse(self, reason: str, hint: str = "") -> NoReturn:
        """Raise the error that the archive is not accepted."""
        fail("format", reason, origin=self.name, hint=hint)

    def names(self) -> list[str]:
        """Return the names of all members, without the common folder."""
        return list(self._members)

    def size(self, member: str) -> int:
        """Return the number of bytes that the archive states for a member; 0 if there is none."""
        info = self._members.get(member)
        return 0 if info is None else info.file_size

    def read(self, member: str, limit: int) -> bytes:
        """Return the bytes of a member.

        Raises:
            SpecError: it is missing, damaged, or larger than ``limit``.
        """
        info = self._members.get(member)
        if info is None:
            fail("format", f"the archive has no member '{member}'", origin=self.name)
        if info.file_size > limit:
            fail("limit", f"'{member}' has {info.file_size:,} bytes, more than {limit:,}", origin=self.name)
        try:
            with self._zip.open(info) as file:
                data = file.read(limit + 1)  # the size that the archive states may be wrong
        except DAMAGED as error:
            fail("format", f"'{member}' is damaged: {error}", origin=self.name)
        if len(data) > limit:
            fail("limit", f"'{member}' has more than {limit:,} bytes", origin=self.name)
        if len(data) < info.file_size:
            fail("format", f"'{member}' is damaged: it ends before its {info.file_size:,} bytes", origin=self.name)
        return data

    def part(self, member: str, start: int, length: int) -> bytes:
        """Return some bytes of a member, without those after them.

        Raises:
            SpecError: it is missing, damaged, or shorter.
        """
        info = self._members.get(member)
        if info is None:
            fail("format", f"the archive has no member '{member}'", origin=self.name)
        try:
            with self._zip.open(info) as file:
                file.seek(start)
                data = file.read(length)
        except DAMAGED as error:
            fail("format", f"'{member}' is damaged: {error}", origin=self.name)
        if len(data) < length:
            fail("format", f"'{member}' is shorter than the archive states", origin=self.name)
        return data

    def json(self, member: str, limit: int = MAX_BYTES) -> Any:
        """Return the content of a JSON member. All those of an archive together may take `MAX_MEMORY`.

        Raises:
            SpecError: it is missing, damaged, too large, or not JSON.
        """
        text = self.read(member, limit)
        document = read_json(text, f"'{member}'", self.name, largest=limit, taken=self._memory)
        self._memory += memory_of(text)
        return document
