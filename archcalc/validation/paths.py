"""The specs that arguments name: files, folders, globs, bundled names, inline expressions, standard input."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.locate import SUFFIXES, bundled_folder, is_bundled, is_inline, locate

KEYS = ("layers", "input", "inputs")
"""The keys of which every spec must have one."""
KEY = re.compile(rf"""^["']?(?:{"|".join(KEYS)})["']?[ \t]*:""", re.MULTILINE)


class FoundSpec(NamedTuple):
    """A spec to validate: a file that is still to be read, a text, or the error of an argument."""

    name: str
    """The name for people: the argument, or the path of a file below it."""
    path: str = ""
    source: Source | None = None
    inline: bool = False
    problem: Problem | None = None
    named: bool = True
    """Whether the argument names this file; files in a folder or glob may be something other than specs."""
    argument: str = ""
    """The folder or glob in which the file was found."""


def find_specs(arguments: Iterable[str], limits: Limits) -> Iterator[FoundSpec]:
    """Yield the specs of a command line in order, without duplicates."""
    seen: set[str] = set()
    for argument in arguments:
        for found_spec in _find(argument, limits):
            key = os.path.realpath(found_spec.path) if found_spec.path else ""
            if not key or key not in seen:
                seen.add(key)
                yield found_spec


def _find(argument: str, limits: Limits) -> Iterator[FoundSpec]:
    if os.path.isdir(argument):
        yield from _several(argument, _below(argument))
    elif os.path.isfile(argument):
        yield FoundSpec(argument, path=argument)
    elif glob.has_magic(argument) and argument != "-" and "->" not in argument and "→" not in argument:
        matches = sorted(glob.glob(argument, recursive=True))
        found = [file for match in matches for file in (_below(match) if os.path.isdir(match) else [match])]
        yield from _several(argument, found)
    elif argument != "-" and not is_inline(argument) and is_bundled(argument):
        yield FoundSpec(argument, path=str(bundled_folder() / f"{argument}.yaml"))
    else:
        try:
            source, inline = locate(argument, limits)
        except SpecError as error:
            yield FoundSpec(argument, problem=error.problems[0])
        else:
            yield FoundSpec(argument if source.variant else source.name, source=source, inline=inline)


def _several(argument: str, files: list[str]) -> Iterator[FoundSpec]:
    if not files:
        where = "in this folder" if os.path.isdir(argument) else "matches this pattern"
        problem = Problem("not-found", f"no .yaml, .yml or .json file {where}", origin=argument[:100])
        yield FoundSpec(argument, problem=problem)
    for file in files:
        yield FoundSpec(file, path=file, named=False, argument=argument)


def _below(folder: str) -> list[str]:
    """The files below a folder that may be specs, in order, without hidden files and pipes."""
    found = []
    for place, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        names = [name for name in files if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
        found += [os.path.join(place, name) for name in names]
    files = sorted(file for file in found if os.path.isfile(file) or not os.path.exists(file))
    return list(map(os.path.normpath, files)) if folder.startswith(".") else files


def is_spec(source: Source) -> bool:
    """Return whether a YAML or JSON file is meant as a spec, even one with errors: it has ``layers`` or ``input``.

    Folders contain other files, too. An empty file counts as a spec, with an error.
    """
    text = source.text.strip()
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return any(f'"{key}"' in text or f"{key}:" in text for key in KEYS)
        return isinstance(document, dict) and any(key in document for key in KEYS)
    return not text or KEY.search(text) is not None
