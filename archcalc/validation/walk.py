"""The files below folders and those that patterns match, with everything on the way that cannot be read.

Folders and patterns treat a tree in the same way: hidden files and folders are left out, and symbolic links to folders
are followed, each real folder once. What cannot be entered is an entry of its own, because files that have not been
found must not count as checked.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from fnmatch import filter as matching
from typing import NamedTuple

from archcalc.spec.locate import is_file_name
from archcalc.spec.models import model_file

BROKEN_LINK = "a symbolic link that leads nowhere"

LeaveOut = Callable[[str], str]
"""Returns the reason why a file or folder is left out; an empty text if it is not."""


class FoundFile(NamedTuple):
    """A file, or something that is left out or cannot be read."""

    path: str
    problem: str = ""
    """The reason why it cannot be read, as an error."""
    skipped: str = ""
    """The reason why it is left out."""


class Folder(NamedTuple):
    """What a folder contains, without hidden entries."""

    path: str
    files: list[str]
    """The paths of everything that is not a folder, sorted."""


def files_below(folder: str, leave_out: LeaveOut) -> list[FoundFile]:
    """Return the files below a folder that may be specs or are models, in order."""
    found = []
    for each in _Walk(leave_out).folders(folder):
        if isinstance(each, FoundFile):
            found.append(each)
            continue
        entries = [_entry(path, leave_out) for path in each.files]
        found += [entry for entry in entries if _is_network(entry.path) or entry.skipped == BROKEN_LINK]
    return sorted(found)


def _is_network(path: str) -> bool:
    """Return whether a file may be a spec or is a model, by its name or, as for HDF5 files, by what it holds."""
    return is_file_name(path) or model_file(path) is not None


def matches(pattern: str, leave_out: LeaveOut) -> list[FoundFile]:
    """Return the files and folders that a pattern matches, in order; ``**`` stands for any number of folders."""
    start = "/" if pattern.startswith("/") else ""
    parts = [part for part in pattern.replace(os.sep, "/").split("/") if part]
    return sorted(set(_matches(start, parts, leave_out)))


def _matches(start: str, parts: list[str], leave_out: LeaveOut) -> Iterator[FoundFile]:
    if not parts:
        yield _entry(start, leave_out)
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        for each in _Walk(leave_out).folders(start):
            if isinstance(each, FoundFile):
                yield each
            elif rest:
                yield from _matches(each.path, rest, leave_out)
            else:
                yield from (_entry(path, leave_out) for path in each.files)
        return
    try:
        if not glob.has_magic(part):
            os.lstat(os.path.join(start, part))
            names = [part]
        else:
            names = sorted(matching(os.listdir(start or "."), part))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield FoundFile(start or ".", problem=_unreadable(error))
        return
    for name in names:
        if part == name or part.startswith(".") or not name.startswith("."):
            yield from _matches(os.path.join(start, name), rest, leave_out)


def _entry(path: str, leave_out: LeaveOut) -> FoundFile:
    if reason := leave_out(path):
        return FoundFile(path, skipped=reason)
    if not os.path.exists(path):  # reading a spec reports the reason; any other link may have led to a folder
        return FoundFile(path, skipped="" if is_file_name(path) or not os.path.islink(path) else BROKEN_LINK)
    is_plain = os.path.isfile(path) or os.path.isdir(path)
    return FoundFile(path, skipped="" if is_plain else "a pipe or another special file")


def _unreadable(error: OSError) -> str:
    return f"cannot read the folder: {error.strerror}"


class _Walk:
    """A walk through all folders below one; links are followed when all real folders are done."""

    def __init__(self, leave_out: LeaveOut) -> None:
        self.leave_out = leave_out
        self.visited: set[str] = set()

    def folders(self, top: str) -> Iterator[Folder | FoundFile]:
        """Yield a folder and all below it, and entries for what is left out or cannot be read."""
        waiting = [top]
        links: list[str] = []
        while waiting or links:
            path = waiting.pop() if waiting else links.pop()
            real = os.path.realpath(path or ".")
            if real in self.visited:
                continue
            if any(other.startswith(os.path.join(real, "")) for other in self.visited):
                yield FoundFile(path, skipped="a symbolic link to a folder that contains it")
                continue
            if path != top and (reason := self.leave_out(path)):
                yield FoundFile(path, skipped=reason)
                continue
            self.visited.add(real)
            files: list[str] = []
            try:
                with os.scandir(path or ".") as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        kind = files if not _is_folder(entry) else links if entry.is_symlink() else waiting
                        kind.append(os.path.join(path, entry.name))
            except OSError as error:
                yield FoundFile(path or ".", problem=_unreadable(error))
                continue
            yield Folder(path, sorted(files))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into a folder that cannot be entered: reading the entry reports the reason
        return True
