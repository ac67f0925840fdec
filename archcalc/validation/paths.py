"""From the arguments of a command to specs: files, folders, globs, bundled names, expressions, standard input."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.locate import SUFFIXES, bundled_folder, is_inline, locate

KEYS = ("layers", "input", "inputs")
"""What every spec has, or should have."""
KEY = re.compile(rf"""^["']?(?:{"|".join(KEYS)})["']?[ \t]*:""", re.MULTILINE)


class Target(NamedTuple):
    """One spec to look at: a file that is still to be read, a text, or what is wrong with the argument."""

    name: str
    """As people know it: the argument, or the path below the folder that was one."""
    path: str = ""
    source: Source | None = None
    inline: bool = False
    problem: Problem | None = None
    named: bool = True
    """Whether it was asked for by its own name (what a folder or glob brings may be something else)."""
    argument: str = ""
    """The folder or glob that brought it."""


def find(arguments: Iterable[str], limits: Limits) -> Iterator[Target]:
    """The specs of a command line, in order, each once."""
    seen: set[str] = set()
    for argument in arguments:
        for target in _find(argument, limits):
            key = os.path.realpath(target.path) if target.path else ""
            if not key or key not in seen:
                seen.add(key)
                yield target


def _find(argument: str, limits: Limits) -> Iterator[Target]:
    if os.path.isdir(argument):
        yield from _several(argument, _below(argument))
    elif os.path.isfile(argument):
        yield Target(argument, path=argument)
    elif glob.has_magic(argument) and argument != "-" and "->" not in argument and "→" not in argument:
        matches = sorted(glob.glob(argument, recursive=True))
        found = [file for match in matches for file in (_below(match) if os.path.isdir(match) else [match])]
        yield from _several(argument, found)
    elif argument != "-" and not is_inline(argument) and _is_bundled(argument):
        yield Target(argument, path=str(bundled_folder() / f"{argument}.yaml"))
    else:
        try:
            source, inline = locate(argument, limits)
        except SpecError as error:
            yield Target(argument, problem=error.problems[0])
        else:
            yield Target(source.name, source=source, inline=inline)


def _is_bundled(argument: str) -> bool:
    return argument.isprintable() and "/" not in argument and (bundled_folder() / f"{argument}.yaml").is_file()


def _several(argument: str, files: list[str]) -> Iterator[Target]:
    if not files:
        what = "in this folder" if os.path.isdir(argument) else "of this form"
        problem = Problem("not-found", f"no .yaml, .yml or .json file {what}", origin=argument[:100])
        yield Target(argument, problem=problem)
    for file in files:
        yield Target(file, path=file, named=False, argument=argument)


def _below(folder: str) -> list[str]:
    """The files of a folder that may be specs, in order, but for hidden ones; no pipes."""
    found = []
    for place, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        names = [name for name in files if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
        found += [os.path.join(place, name) for name in names]
    files = sorted(file for file in found if os.path.isfile(file) or not os.path.exists(file))
    return list(map(os.path.normpath, files)) if folder.startswith(".") else files


def is_spec(source: Source) -> bool:
    """Whether a YAML or JSON file means to be a spec, right or wrong: at its top there is ``layers`` or ``input``.

    Folders hold other files, too. What is empty may have been a spec: it is one, and wrong.
    """
    text = source.text.strip()
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return any(f'"{key}"' in text or f"{key}:" in text for key in KEYS)
        return isinstance(document, dict) and any(key in document for key in KEYS)
    return not text or KEY.search(text) is not None
