"""Reads the facts files, and determines in which sense a printed value holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

FACTS = Path(__file__).parent.parent / "facts"
DESCRIPTIVE = ("system", "network", "source", "note", "columns", "resolution")
SCALES = {"K": 3, "M": 6, "B": 9, "G": 9, "thousand": 3, "million": 6}
NUMBER = re.compile(
    r"(?P<digits>\d[\d,]*)(\.(?P<decimals>\d+))?(e(?P<exponent>\d+))?\s*(?P<scale>K|M|B|G|thousand|million)?"
)


class Facts:
    """What is printed about one system. Tests take every value; `left` holds those that none has taken."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.left = {path for path, _ in values(content) if path[0] not in DESCRIPTIVE}

    def take(self, *path: str | int) -> str:
        """Return the value at a path, as printed."""
        found: Any = self.content
        for key in path:
            found = found[key]
        self.left.discard(path)
        return str(found)

    def items(self, *path: str | int) -> Iterator[tuple[Any, str]]:
        """Yield keys (or indices) and printed values of a flat mapping or list."""
        found: Any = self.content
        for key in path:
            found = found[key]
        for key in found if isinstance(found, dict) else range(len(found)):
            yield key, self.take(*path, key)


def values(content: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the paths of all values that are printed in a facts file (empty table cells are not)."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from values(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from values(value, (*path, index))
    elif content is not None:
        yield path, content


def read_facts(file: str) -> list[dict[str, Any]]:
    """Return the systems of a facts file, scalars as text; unlike a plain YAML reader this loses no repeated key.

    An entry without value is the first half of a key that contains a comma: ``{a from b, weights: 1, c, weights: 0}``.
    """
    with (FACTS / file).open(encoding="utf-8") as stream:
        found: list[dict[str, Any]] = _plain(yaml.compose(stream, Loader=yaml.SafeLoader))
    return found


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    result: dict[str, Any] = {}
    prefix = ""
    for key, value in node.value:
        if isinstance(value, yaml.ScalarNode) and not value.value:
            prefix = f"{prefix}{key.value}, "
            continue
        name, prefix = prefix + key.value, ""
        assert name not in result, f"{name} occurs twice"
        result[name] = _plain(value)
    assert not prefix, f"{prefix} has no value"
    return result


def number(printed: str, kilo: int = 1000) -> tuple[Fraction, Fraction]:
    """Return a printed number and the step of its last digit (0 where it is written out in full)."""
    match = NUMBER.fullmatch(printed.strip())
    assert match, f"not a number: {printed!r}"
    decimals = match["decimals"] or ""
    value = Fraction(f"{match['digits'].replace(',', '')}.{decimals or 0}")
    if not (match["scale"] or match["exponent"] or decimals):
        return value, Fraction(0)
    scale = Fraction(kilo if match["scale"] == "K" else 10 ** SCALES.get(match["scale"], 0))
    scale *= 10 ** int(match["exponent"] or 0)
    return value * scale, scale / 10 ** len(decimals)


def rounded(printed: str, true: int | Fraction, kilo: int = 1000) -> bool:
    """Return whether a printed number is the true one, exactly or rounded to its last printed digit."""
    value, step = number(printed, kilo)
    return abs(value - true) <= step / 2


def truncated(printed: str, true: int | Fraction, kilo: int = 1000) -> bool:
    """Return whether a printed number is the true one cut off after its last printed digit."""
    value, step = number(printed, kilo)
    return value <= true < value + step


def holds(printed: str, true: int | Fraction) -> None:
    """Assert that a printed number holds, exactly or rounded."""
    assert rounded(printed, true), f"{printed} is printed, {true} is true"


def holds_truncated(printed: str, true: int | Fraction) -> None:
    """Assert that a printed number is cut off, and would not hold otherwise."""
    assert not rounded(printed, true), f"{printed} holds for {true}"
    assert truncated(printed, true), f"{printed} is printed, {true} is true"


def erratum(printed: str, true: int | Fraction, *, correct: str, because: str, kilo: int = 1000) -> None:
    """Assert that a printed number is wrong in every reading, and that another one is correct."""
    assert because
    assert not rounded(printed, true, kilo), f"{printed} holds for {true}"
    assert rounded(correct, true, kilo), f"{correct} is not correct either: {true}"


def shape_of(printed: str) -> tuple[int, ...]:
    """Return a printed size such as 28x28."""
    return tuple(map(int, printed.split("x")))
