"""A table as data: what is in it, not what it looks like."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, NamedTuple


class Column(NamedTuple):
    """One column: the key programs know it by, and the title people read."""

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    folds: bool = False
    """Whether its texts may be folded where a terminal is too narrow. Numbers never are."""


class Table(NamedTuple):
    """Rows of cells: texts, numbers (written with separators for people, raw for programs) or ``None`` for nothing."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    totals: tuple[tuple[Any, ...], ...] = ()
    """Rows below a line: people see them, programs add for themselves."""
    notes: tuple[str, ...] = ()
    """What stands below the table."""


def human(value: Any) -> str:
    """A cell for people."""
    if value is None:
        return "-"
    if type(value) is int:
        return f"{value:,}"
    return printable(str(value))


def printable(text: str) -> str:
    """Text that stays on its line and leaves the terminal alone, whatever a file calls its network."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def total(row: tuple[Any, ...]) -> list[str]:
    """A row of sums for people: what has no sum is left empty."""
    return ["" if cell is None else human(cell) for cell in row]


def raw(value: Any) -> Any:
    """A cell for programs: numbers as they are, fractions as text."""
    return str(value) if isinstance(value, Fraction) else value


def bytes_text(count: int) -> str:
    """Bytes for people: ``97.5 MiB``."""
    if count < 1024:
        return f"{count} B"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((count.bit_length() - 1) // 10, len(units))
    tenths = (count * 10 + (1 << (10 * power - 1))) >> (10 * power)  # in integers: floats end at 10^308
    return f"{tenths // 10:,}.{tenths % 10} {units[power - 1]}"
