"""The configuration of a project: ``archcalc.toml``, or ``[tool.archcalc]`` in ``pyproject.toml``.

The nearest of these files above a spec applies to it; files are excluded by every one above them. The keys:

* ``ignore``, ``warn`` and ``error``, lists of the codes of warnings; ``strict``, true or false
* ``per-path-ignores``, a table of patterns with lists of codes
* ``shapes``, a table of patterns with input shapes, or lists of them, for files whose sizes are open or that are
  validated at other sizes
* ``exclude``, a list of patterns: files and folders that are not validated
* ``baseline``, a file; ``require-baseline``, true or false
* ``budgets``, a table of patterns with conditions, or lists of them, that networks must meet
* ``tolerance``, a percentage or a list of them; ``per-path-tolerances``, a table of patterns with these

Patterns and files are relative to the folder of the configuration; ``*`` also matches ``/``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from archcalc.lint import RULES
from archcalc.spec.errors import Problem, Source, Span, SpecError, Text, fail, suggest
from archcalc.terminal import readable
from archcalc.validation.baseline import NO_TOLERANCE, Tolerance, read_tolerances

KEYS = (
    "ignore",
    "warn",
    "error",
    "strict",
    "per-path-ignores",
    "shapes",
    "exclude",
    "baseline",
    "require-baseline",
    "budgets",
    "tolerance",
    "per-path-tolerances",
)

Setting = TypeVar("Setting")


class Budget(NamedTuple):
    """A condition that networks must meet, and where it is written."""

    condition: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """The file and the line: ``pyproject.toml:12``."""
        return f"{self.file}:{self.line}"


class Configuration(NamedTuple):
    """The configuration that applies to the specs below a folder."""

    file: str = ""
    ignore: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    error: frozenset[str] = frozenset()
    strict: bool = False
    ignore_by_path: tuple[tuple[str, frozenset[str]], ...] = ()
    shapes_by_path: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Input shapes as written, by the name of the input; ``""``: the only or first one."""
    exclude: tuple[str, ...] = ()
    baseline: str = ""
    """The path of the baseline; empty if there is none."""
    require_baseline: bool = False
    tolerance: Tolerance = NO_TOLERANCE
    tolerance_by_path: tuple[tuple[str, Tolerance], ...] = ()
    budgets: tuple[tuple[str, tuple[Budget, ...]], ...] = ()
    problems: tuple[Problem, ...] = ()
    """The errors of a file that cannot be read; nothing else is known about it then."""

    def ignored_codes(self, path: str) -> frozenset[str]:
        """Return the codes of warnings that are ignored for a file."""
        return self.ignore.union(*self._matching(self.ignore_by_path, path))

    def shapes(self, path: str) -> Mapping[str, str]:
        """Return the input shapes of a file: those of the last pattern that matches it."""
        return next(reversed(self._matching(self.shapes_by_path, path)), {})

    def tolerance_for(self, path: str) -> Tolerance:
        """Return how much the totals of a file may grow: as the last pattern that matches it says, else as for all."""
        found = self.tolerance
        for own in self._matching(self.tolerance_by_path, path):
            found = found.overridden(own)
        return found

    def budgets_for(self, name: str) -> tuple[Budget, ...]:
        """Return the budgets of a spec, by its path from the folder of the configuration or by its name."""
        return tuple([budget for pattern, budgets in self.budgets if matches(pattern, name) for budget in budgets])

    def excluding_pattern(self, path: str) -> str:
        """Return the pattern that excludes a file or folder; an empty text if there is none."""
        return next(iter(self._matching([(pattern, pattern) for pattern in self.exclude], path)), "")

    def _matching(self, by_path: Iterable[tuple[str, Setting]], path: str) -> list[Setting]:
        """Return the settings of the patterns that match a file."""
        if not by_path:
            return []
        below = self.below(path)
        return [setting for pattern, setting in by_path if matches(pattern, below)]

    def below(self, path: str) -> str:
        """Return the path of a file from the folder of the configuration, as patterns are matched with it."""
        return readable(os.path.relpath(_place(path), os.path.dirname(self.file)).replace(os.sep, "/"))


def matches(pattern: str, below: str) -> bool:
    """Return whether a pattern of a configuration matches a file or folder; see `Configuration.below`."""
    return fnmatch(below, pattern.rstrip("/"))


NO_CONFIGURATION = Configuration()


def configuration_of(path: str) -> Configuration:
    """Return the configuration that applies to a file or folder."""
    return _above(os.path.dirname(_place(path)))


def _place(path: str) -> str:
    """Return the path of a file or link in its real folder: where large files are links to a store, the link counts."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def exclusion(path: str) -> str:
    """Return the reason why a file or folder, or one above it, is excluded; an empty text if it is not."""
    place = os.path.realpath(path)
    return _exclusion(place, configuration_of(place)) or _excluded_folder(os.path.dirname(place))


@cache
def _excluded_folder(folder: str) -> str:
    parent = os.path.dirname(folder)
    return "" if parent == folder else _exclusion(folder, _above(parent)) or _excluded_folder(parent)


def _exclusion(place: str, configuration: Configuration) -> str:
    pattern = configuration.excluding_pattern(place)
    return f"'{pattern}' is excluded in {os.path.basename(configuration.file)}" if pattern else ""


@cache
def _above(folder: str) -> Configuration:
    for name in ("archcalc.toml", "pyproject.toml"):
        file = Path(folder, name)
        if not os.path.lexists(file) or os.path.isdir(file):
            continue
        try:
            table: Any = _table(file)
            if name == "pyproject.toml":
                tools = table.get("tool")
                table = tools.get("archcalc") if isinstance(tools, dict) else None
            if table is not None:
                return _read(file, table)
        except SpecError as error:
            return Configuration(str(file), problems=error.problems)
    parent = os.path.dirname(folder)
    return NO_CONFIGURATION if parent == folder else _above(parent)


def _table(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        fail("configuration", f"the file cannot be read: {error.strerror}", origin=str(file))
    except UnicodeDecodeError as error:
        fail("configuration", f"the file is not UTF-8 text (byte {error.start})", origin=str(file))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fail("configuration", "the file is not valid TOML", _place_of(error, Source(str(file), text)))


def _place_of(error: ValueError, source: Source) -> Span:
    """Return the character where the TOML parser stopped; Python 3.11 gives it in the message only."""
    found = re.search(r"line (\d+), column (\d+)", str(error))
    index = len(source.text)
    if found:
        lines = source.text.split("\n")
        index = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
    return Span(Text(source, " ", index), 0, 1)


def _read(file: Path, table: Any) -> Configuration:
    if not isinstance(table, dict):
        fail("configuration", f"'tool.archcalc' must be a table, got {_toml(table)}", origin=str(file))
    for key in table:
        if key not in KEYS:
            hint = suggest(key, KEYS, f"the keys are {', '.join(KEYS)}")
            fail("configuration", f"unknown key '{key[:40]}'", hint=hint, origin=str(file))

    def value(key: str, read: Callable[[Path, str, Any], Setting], default: Any) -> Setting:
        return read(file, key, table.get(key, default))

    return Configuration(
        file=str(file),
        ignore=value("ignore", _codes, []),
        warn=value("warn", _codes, []),
        error=value("error", _codes, []),
        strict=value("strict", _truth, False),
        ignore_by_path=value("per-path-ignores", _by_path("lists of codes", _codes), {}),
        shapes_by_path=value("shapes", _by_path("shapes", _shapes), {}),
        exclude=tuple(value("exclude", _texts("patterns"), [])),
        baseline=value("baseline", _file, ""),
        require_baseline=value("require-baseline", _truth, False),
        budgets=value("budgets", _by_path("conditions", _conditions), {}),
        tolerance=value("tolerance", _tolerance, []),
        tolerance_by_path=value("per-path-tolerances", _by_path("percentages", _tolerance), {}),
    )


def _truth(file: Path, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        fail("configuration", f"'{key}' must be true or false, got {_toml(value)}", origin=str(file))
    return value


def _file(file: Path, key: str, value: Any) -> str:
    if not isinstance(value, str):
        fail("configuration", f"'{key}' must be the name of a file, got {_toml(value)}", origin=str(file))
    return str(file.parent / value) if value else ""


def _texts(what: str) -> Callable[[Path, str, Any], list[str]]:
    def read(file: Path, key: str, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            message = f"'{key[:40]}' must be a list of {what}, got {_toml(value)}"
            fail("configuration", message, origin=str(file))
        return value

    return read


def _codes(file: Path, key: str, value: Any) -> frozenset[str]:
    codes = _texts("codes")(file, key, value)
    for code in unknown_codes(codes):
        hint = suggest(code, RULES, "`archcalc validate --rules` lists them")
        fail("configuration", f"no warning has the code '{code[:40]}'", hint=hint, origin=str(file))
    return frozenset(codes)


def _tolerance(file: Path, key: str, value: Any) -> Tolerance:
    written = _texts("percentages")(file, key, [value] if isinstance(value, str) else value)
    try:
        return read_tolerances(written)
    except ValueError as error:
        fail("configuration", f"'{key[:40]}': {error}", origin=str(file))


def _shapes(file: Path, key: str, value: Any) -> dict[str, str]:
    from archcalc.spec.grammar import parse_shape
    from archcalc.spec.syntax import names_in

    shapes: dict[str, str] = {}
    for written in _texts("shapes")(file, key, [value] if isinstance(value, str) else value):
        name, _, shape = map(str.strip, written.rpartition("="))
        try:
            names = list(names_in(parse_shape(Text(Source(str(file), shape), shape))))
            reason = f"it must consist of numbers, got the name '{names[0].name}'" if names else ""
        except SpecError as error:
            reason = error.problems[0].message
        if reason:
            message = f"'{key[:40]}': '{written[:60]}' is not a shape: {reason}"
            fail("configuration", message, hint="for example: 3x224x224 or image=3x224x224", origin=str(file))
        if name in shapes:
            what = f"the input '{name[:40]}'" if name else "the first input"
            fail("configuration", f"'{key[:40]}' gives {what} two shapes", origin=str(file))
        shapes[name] = shape
    return shapes


def _conditions(file: Path, key: str, value: Any) -> tuple[Budget, ...]:
    from archcalc.query.conditions import read_condition  # few projects have budgets

    written = _texts("conditions")(file, key, [value] if isinstance(value, str) else value)
    text = file.read_text(encoding="utf-8")
    start = max(text.find("budgets"), 0)
    budgets = []
    for condition in written:
        at = text.find(condition, max(text.find(key, start), start))
        try:
            read_condition(key, condition)
        except SpecError as error:
            problem = error.problems[0]
            span = Span(Text(Source(str(file), text), condition, at), 0, len(condition)) if at >= 0 else None
            reason = f"the budget '{condition[:60]}' is not a condition: {problem.message}"
            hint = problem.hint or "for example: macs <= 500M and params < 3M"
            raise SpecError([Problem("configuration", reason, span, hint, str(file))]) from None
        budgets.append(Budget(condition, file.name, text.count("\n", 0, max(at, 0)) + 1))
    return tuple(budgets)


def _by_path(
    what: str, read: Callable[[Path, str, Any], Setting]
) -> Callable[[Path, str, Any], tuple[tuple[str, Setting], ...]]:
    """Return a function that reads a table of patterns with settings."""

    def read_table(file: Path, key: str, value: Any) -> tuple[tuple[str, Setting], ...]:
        if not isinstance(value, dict):
            message = f"'{key}' must be a table of patterns and {what}, got {_toml(value)}"
            fail("configuration", message, origin=str(file))
        return tuple((pattern, read(file, pattern, settings)) for pattern, settings in value.items())

    return read_table


def _toml(value: Any) -> str:
    """Return a value of the wrong type as it is quoted in an error."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def unknown_codes(codes: Iterable[str], known: Collection[str] = RULES) -> list[str]:
    """Return the codes that no rule has."""
    return [code for code in codes if code not in known]
