"""Where submissions are: files and folders on the command line, and whose they are."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

GENERIC = ("answer", "answers", "submission", "solution", "homework", "audit", "claims", "results")
"""Names of files that tell nothing about who wrote them: the name of their folder does."""


_COPY = re.compile(r"[\s_-]*(?:\(\d+\)|copy)$", re.IGNORECASE)
"""What systems put behind the name of a second file."""


class Handed(NamedTuple):
    """A file that was handed in."""

    path: str
    name: str
    """Whose it is, by the name of the file or its folder."""
    problem: str = ""
    """Why there is nothing to read."""


def find_submissions(arguments: Iterable[str], *, without: str | None = None) -> list[Handed]:
    """Every file, and every file below a folder but the hidden ones; not that of the key.

    Two of one name are told apart by their folders.
    """
    key = os.path.realpath(without) if without is not None else None
    found: list[Handed] = []
    for argument in arguments:
        if os.path.isdir(argument):
            below = [path for path in _files(argument) if os.path.realpath(path) != key]
            found += [Handed(path, _name(path)) for path in below]
            if not below:
                found.append(Handed(argument, Path(argument).name or argument, "no file in this folder"))
        else:
            found.append(Handed(argument, "stdin" if argument == "-" else _name(argument)))
    counts = Counter(handed.name.casefold() for handed in found)
    return [handed if counts[handed.name.casefold()] == 1 else _with_folder(handed) for handed in found]


def _files(folder: str) -> list[str]:
    found = []
    for place, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".") and name != "__MACOSX"]
        found += [os.path.join(place, name) for name in files if not name.startswith(".")]
    return sorted(path for path in found if os.path.isfile(path) or not os.path.exists(path))  # no pipes


def _name(path: str) -> str:
    """The name of the file, or of its folder where every file is called like this one."""
    stem, folder = Path(path).stem, Path(path).parent.name
    return folder if folder and _COPY.sub("", stem).casefold() in GENERIC else stem


def _with_folder(handed: Handed) -> Handed:
    path = Path(handed.path)
    return handed._replace(name=str(Path(path.parent.name) / path.stem) if path.parent.name else path.stem)


def file_names(names: Iterable[str]) -> Iterator[str]:
    """A safe, unique file name for each of these names."""
    taken: set[str] = set()
    for name in names:
        safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in name).strip("._")[:80] or "student"
        chosen, count = safe, 2
        while chosen.casefold() in taken:
            chosen, count = f"{safe}_{count}", count + 1
        taken.add(chosen.casefold())
        yield chosen
