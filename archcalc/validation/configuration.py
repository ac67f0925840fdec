"""The configuration of a project for warnings: ``archcalc.toml``, or ``[tool.archcalc]`` in ``pyproject.toml``.

The nearest of these files above a spec applies to it. Its keys are ``ignore``, ``warn`` and ``error``, lists of codes;
``strict``, true or false; and ``per-path-ignores``, a table of patterns (relative to the file; ``*`` also matches
``/``) with lists of codes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.lint import RULES
from archcalc.spec.errors import Source, Span, Text, fail, suggest
from archcalc.terminal import readable

KEYS = ("ignore", "warn", "error", "strict", "per-path-ignores")


class Configuration(NamedTuple):
    """The configuration that applies to the specs below a folder."""

    folder: str = ""
    ignore: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    error: frozenset[str] = frozenset()
    strict: bool = False
    per_path: tuple[tuple[str, frozenset[str]], ...] = ()
    file: str = ""
    """The file with the configuration, in `folder`."""

    def below(self, path: str) -> str:
        """Return the path of a file from the folder of the configuration, as patterns are matched with it."""
        return readable(os.path.relpath(os.path.realpath(path), self.folder).replace(os.sep, "/"))

    def ignored(self, path: str) -> frozenset[str]:
        """Return the codes of warnings that are ignored for a file."""
        if not self.per_path:
            return self.ignore
        below = self.below(path)
        return self.ignore.union(*(codes for pattern, codes in self.per_path if fnmatch(below, pattern)))


NO_CONFIGURATION = Configuration()


def configuration_of(path: str) -> Configuration:
    """Return the configuration that applies to a file.

    Raises:
        SpecError: The configuration has an error.
    """
    return _above(os.path.dirname(os.path.realpath(path)))


@cache
def _above(folder: str) -> Configuration:
    own, project = Path(folder, "archcalc.toml"), Path(folder, "pyproject.toml")
    if own.is_file():
        return _read(own, _table(own))
    if project.is_file():
        tools = _table(project).get("tool")
        table = tools.get("archcalc") if isinstance(tools, dict) else None
        if table is not None:
            return _read(project, table)
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
    """The character where the TOML parser stopped; Python 3.11 gives it in the message only."""
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
    strict, per_path = table.get("strict", False), table.get("per-path-ignores", {})
    if not isinstance(strict, bool):
        fail("configuration", f"'strict' must be true or false, got {_toml(strict)}", origin=str(file))
    if not isinstance(per_path, dict):
        message = f"'per-path-ignores' must be a table of patterns and lists of codes, got {_toml(per_path)}"
        fail("configuration", message, origin=str(file))
    return Configuration(
        str(file.parent),
        _codes(file, "ignore", table.get("ignore", [])),
        _codes(file, "warn", table.get("warn", [])),
        _codes(file, "error", table.get("error", [])),
        strict,
        tuple((pattern, _codes(file, pattern, codes)) for pattern, codes in per_path.items()),
        str(file),
    )


def _codes(file: Path, key: str, codes: Any) -> frozenset[str]:
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        fail("configuration", f"'{key[:40]}' must be a list of codes, got {_toml(codes)}", origin=str(file))
    for code in unknown_codes(codes):
        hint = suggest(code, RULES, "`archcalc validate --rules` lists them")
        fail("configuration", f"no warning has the code '{code[:40]}'", hint=hint, origin=str(file))
    return frozenset(codes)


def _toml(value: Any) -> str:
    """A value of the wrong type as it is quoted in an error."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def unknown_codes(codes: Iterable[str], known: Collection[str] = RULES) -> list[str]:
    """Return the codes that no rule has."""
    return [code for code in codes if code not in known]
