"""Patterns of a configuration that match no file: misspelt, or left over from files that were moved."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from archcalc.spec.errors import Problem, Source, Span, Text
from archcalc.spec.locate import is_inline
from archcalc.spec.zoo import bundled_name
from archcalc.validation.configuration import Configuration, configuration_of, matches
from archcalc.validation.findings import findings
from archcalc.validation.results import Options, ValidationResult, ValidationTask
from archcalc.validation.walk import files_below

HINT = "patterns are relative to the folder of this file, and * also matches /"


def unused_patterns(options: Options, tasks: Sequence[ValidationTask]) -> Iterator[ValidationResult]:
    """Yield a result for every configuration of the tasks with patterns for settings of files that match none at all.

    Patterns of excluded files may match nothing.
    """
    used: dict[str, tuple[Configuration, list[str]]] = {}
    for found_spec, configuration, *_ in tasks:
        if not found_spec.is_own_file:
            configuration = configuration_of(os.path.join(os.curdir, "-"))
            if not configuration.budgets:
                continue
        if _of_files(configuration) or configuration.budgets:
            _, validated = used.setdefault(configuration.file, (configuration, []))
            own = found_spec.is_own_file
            validated.append(configuration.below(found_spec.path) if own else found_spec.spec_name)
    for configuration, validated in used.values():
        of_specs = [pattern for pattern, _ in configuration.budgets if not _is_name(pattern)]
        patterns = [
            pattern for pattern in (*_of_files(configuration), *of_specs) if not _matches_any(pattern, validated)
        ]
        unused = [pattern for pattern in patterns if not _matches_any(pattern, _files(configuration, pattern))]
        if unused:
            name = os.path.relpath(configuration.file)
            problems = [_problem(configuration.file, name, pattern) for pattern in dict.fromkeys(unused)]
            status = int(options.strict or configuration.strict)
            yield ValidationResult(name, findings(problems, status, name), is_spec=False)


def _of_files(configuration: Configuration) -> list[str]:
    """Return the patterns of a configuration that stand for files only."""
    tables = (configuration.ignore_by_path, configuration.tolerance_by_path, configuration.shapes_by_path)
    return [pattern for table in tables for pattern, _ in table]


def _is_name(pattern: str) -> bool:
    """Return whether a pattern stands for a SPEC that is not a file: bundled, an expression, or a Python object."""
    return ":" in pattern or is_inline(pattern) or bundled_name(pattern) is not None


def _matches_any(pattern: str, files: Iterable[str]) -> bool:
    return any(matches(pattern, file) for file in files)


def _files(configuration: Configuration, pattern: str) -> Iterator[str]:
    """Yield the files that a pattern may match, from the folder of the configuration."""
    literal = os.path.dirname(re.split(r"[*?\[]", pattern, maxsplit=1)[0])
    folder = os.path.join(os.path.dirname(configuration.file), literal)
    for entry in files_below(folder, lambda path: "") if os.path.isdir(folder) else ():
        yield configuration.below(entry.path)


def _problem(file: str, name: str, pattern: str) -> Problem:
    text = Path(file).read_text(encoding="utf-8", errors="replace")
    start = min(text.find(key) % len(text) for key in ("per-path-", "shapes", "budgets"))
    at = text.find(pattern, start)
    span = Span(Text(Source(name, text), pattern, at), 0, len(pattern)) if at >= 0 else None
    return Problem("unused-pattern", f"no file matches the pattern '{pattern[:80]}'", span, HINT, name)
