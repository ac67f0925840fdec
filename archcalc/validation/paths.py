"""The specs that arguments name: files, folders, globs, bundled names, inline expressions, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.locate import SUFFIXES, is_inline, locate
from archcalc.spec.models import READERS, model_file
from archcalc.spec.zoo import bundled_folder, bundled_name
from archcalc.validation.configuration import exclusion
from archcalc.validation.walk import FoundFile, files_below, matches


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
    skipped: str = ""
    """The reason why the file or folder is left out."""

    @property
    def is_own_file(self) -> bool:
        """Whether this is a file of the user."""
        return bool(self.path) and self.path != str(bundled_folder() / f"{self.name}.yaml")

    @property
    def spec_name(self) -> str:
        """The SPEC as an argument: a name, or an inline expression."""
        return self.source.text if self.source is not None and self.inline else self.name

    @property
    def is_file(self) -> bool:
        """Whether this is a file of the user, which corrections may change."""
        return self.is_own_file and not self.is_model

    @property
    def is_stdin(self) -> bool:
        """Whether this is the text of standard input."""
        return self.source is not None and not self.inline and not self.is_model

    @property
    def is_model(self) -> bool:
        """Whether this is a model of another format."""
        return self.source is not None and self.source.model is not None


def find_specs(arguments: Iterable[str], limits: Limits, *, exclude_named: bool = False) -> Iterator[FoundSpec]:
    """Yield the specs of a command line in order, without duplicates.

    Args:
        arguments: the arguments.
        limits: the maximum size of standard input.
        exclude_named: whether the configuration may exclude files that an argument names.
    """
    seen: set[str] = set()
    for argument in arguments:
        for found_spec in _find(argument, limits):
            key = os.path.realpath(found_spec.path) if found_spec.path else ""
            if key and key in seen:
                continue
            seen.add(key)
            if exclude_named and found_spec.named and found_spec.path == argument:
                found_spec = found_spec._replace(skipped=exclusion(argument))
            yield found_spec


def _find(argument: str, limits: Limits) -> Iterator[FoundSpec]:
    if os.path.isdir(argument):
        yield from _several(argument, _below(argument))
    elif os.path.isfile(argument):
        model = model_file(argument)
        yield FoundSpec(argument, argument, None if model is None else Source(argument, "", model=model))
    elif glob.has_magic(argument) and argument != "-" and "->" not in argument and "→" not in argument:
        yield from _several(argument, _matching(argument))
    elif argument != "-" and not is_inline(argument) and (name := bundled_name(argument)) is not None:
        yield FoundSpec(name, path=str(bundled_folder() / f"{name}.yaml"))
    else:
        try:
            source, inline = locate(argument, limits)
        except SpecError as error:
            yield FoundSpec(argument, problem=error.problems[0])
        else:
            yield FoundSpec(argument if source.variant else source.name, source=source, inline=inline)


def _below(folder: str) -> list[FoundFile]:
    found = files_below(folder, exclusion)
    return [each._replace(path=os.path.normpath(each.path)) for each in found] if folder.startswith(".") else found


def _matching(pattern: str) -> Iterator[FoundFile]:
    for match in matches(pattern, exclusion):
        if match.problem or match.skipped or not os.path.isdir(match.path):
            yield match
        else:
            yield from _below(match.path)


def _several(argument: str, found: Iterable[FoundFile]) -> Iterator[FoundSpec]:
    entries = list(found)
    if not entries:
        where = "in this folder" if os.path.isdir(argument) else "matches this pattern"
        *suffixes, last = (*SUFFIXES, *READERS)
        problem = Problem("not-found", f"no {', '.join(suffixes)} or {last} file {where}", origin=argument[:100])
        yield FoundSpec(argument, problem=problem)
    for path, reason, skipped in entries:
        model = None if skipped or reason else model_file(path)
        source = None if model is None else Source(path, "", model=model)
        found_spec = FoundSpec(path, path, source, named=False, argument=argument, skipped=skipped)
        if reason:
            found_spec = found_spec._replace(problem=Problem("not-found", reason, origin=path))
        yield found_spec
