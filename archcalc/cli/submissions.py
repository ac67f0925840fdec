"""Finding submissions: the files and folders of the command line, and the names of their authors."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

GENERIC = ("answer", "answers", "submission", "solution", "homework", "audit", "claims", "results")
"""Names of files that do not name the author; the folder does then."""

_COPY = re.compile(r"[\s_-]*(?:\(\d+\)|copy)$", re.IGNORECASE)
"""What systems append to the name of a second file."""


class SubmittedFile(NamedTuple):
    """A file that was submitted."""

    path: str
    name: str
    """The author, by the name of the file or its folder."""
    problem: str = ""
    """Why it cannot be read; empty if it can."""


def find_submissions(arguments: Iterable[str], *, without: Iterable[str] = ()) -> list[SubmittedFile]:
    """Return the files among the arguments and below folders, without hidden ones and those of the course itself.

    If two have the same name, their folders are added to it.
    """
    own = {os.path.realpath(path) for path in without}
    found: list[SubmittedFile] = []
    for argument in arguments:
        if os.path.isdir(argument):
            below = [path for path in _files(argument) if os.path.realpath(path) not in own]
            found += [SubmittedFile(path, _name(path)) for path in below]
            if not below:
                found.append(SubmittedFile(argument, Path(argument).name or argument, "no file in this folder"))
        else:
            found.append(SubmittedFile(argument, "stdin" if argument == "-" else _name(argument)))
    counts = Counter(each.name.casefold() for each in found)
    return [each if counts[each.name.casefold()] == 1 else _with_folder(each) for each in found]


def _files(folder: str) -> list[str]:
    found = []
    for place, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".") and name != "__MACOSX"]
        found += [os.path.join(place, name) for name in files if not name.startswith(".")]
    return sorted(path for path in found if os.path.isfile(path) or not os.path.exists(path))  # without pipes


def _name(path: str) -> str:
    """Return the name of the file, or of its folder if the file has a generic name."""
    stem, folder = Path(path).stem, Path(path).parent.name
    return folder if folder and _COPY.sub("", stem).casefold() in GENERIC else stem


def _with_folder(file: SubmittedFile) -> SubmittedFile:
    path = Path(file.path)
    return file._replace(name=str(Path(path.parent.name) / path.stem) if path.parent.name else path.stem)


def file_names(names: Iterable[str]) -> Iterator[str]:
    """Yield a safe, unique file name for each of these names."""
    taken: set[str] = set()
    for name in names:
        safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in name).strip("._")[:80] or "student"
        chosen, count = safe, 2
        while chosen.casefold() in taken:
            chosen, count = f"{safe}_{count}", count + 1
        taken.add(chosen.casefold())
        yield chosen
