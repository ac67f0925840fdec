"""Patterns of a configuration (``per-path-ignores``) that match no file: misspelt, or left over from moved files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from archcalc.spec.errors import Problem, Source, Span, Text
from archcalc.spec.locate import SUFFIXES
from archcalc.terminal import readable
from archcalc.validation.configuration import Configuration
from archcalc.validation.examine import Options, ValidationResult, ValidationTask
from archcalc.validation.findings import findings

CODE = "unused-ignore"
HINT = "patterns are relative to the folder of this file, and * also matches /"


def unused_patterns(options: Options, tasks: Sequence[ValidationTask]) -> Iterator[ValidationResult]:
    """Yield a result for every configuration of the tasks with patterns that match no file at all."""
    used: dict[Configuration, list[str]] = {}
    for task in tasks:
        if task.found_spec.is_file and task.configuration.per_path:
            used.setdefault(task.configuration, []).append(task.configuration.below(task.found_spec.path))
    for configuration, validated in used.items():
        patterns = [pattern for pattern, _ in configuration.per_path if not _matches(pattern, validated)]
        unused = [pattern for pattern in patterns if not _matches(pattern, _files(configuration.folder, pattern))]
        if unused and CODE not in (options.ignore | configuration.ignore) - options.error - options.warn:
            fatal = options.strict or configuration.strict or CODE in options.error | configuration.error
            name = os.path.relpath(configuration.file)
            problems = [_problem(configuration.file, name, pattern) for pattern in unused]
            yield ValidationResult(name, findings(problems, int(fatal), name), is_spec=False)


def _matches(pattern: str, files: Iterable[str]) -> bool:
    return any(fnmatch(file, pattern) for file in files)


def _files(folder: str, pattern: str) -> Iterator[str]:
    """Yield the files that a pattern may match, from the folder of the configuration, without hidden ones."""
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    for place, below, names in os.walk(os.path.join(folder, os.path.dirname(literal))):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES):
                yield readable(os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/"))


def _problem(file: str, name: str, pattern: str) -> Problem:
    text = Path(file).read_text(encoding="utf-8", errors="replace")
    at = text.find(pattern, max(0, text.find("per-path-ignores")))
    span = Span(Text(Source(name, text), pattern, at), 0, len(pattern)) if at >= 0 else None
    return Problem(CODE, f"no file matches the pattern '{pattern[:80]}'", span, HINT, name)
