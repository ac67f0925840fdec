"""Tables as data, independent of the output format."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, NamedTuple


class Column(NamedTuple):
    """A column: its key for programs, and its title for people."""

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    folds: bool = False
    """Whether its texts may be wrapped where a terminal is too narrow. Numbers never are."""


class Table(NamedTuple):
    """A table with rows of cells: texts, numbers, or ``None`` for an empty cell.

    Numbers are written with thousands separators for people, and without for programs.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    totals: tuple[tuple[Any, ...], ...] = ()
    """Rows of sums below a rule, in formats for people only."""
    notes: tuple[str, ...] = ()
    """Lines below the table."""


def human(value: Any) -> str:
    """Return a cell as people read it."""
    if value is None:
        return "-"
    if type(value) is int:
        return f"{value:,}"
    return printable(str(value))


def printable(text: str) -> str:
    """Return a text with blanks for control characters: no name may break a line or control the terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def total(row: tuple[Any, ...]) -> list[str]:
    """Return a row of sums as people read it: a column without a sum is left empty."""
    return ["" if cell is None else human(cell) for cell in row]


def raw(value: Any) -> Any:
    """Return a cell as programs read it: numbers as they are, fractions as texts."""
    return str(value) if isinstance(value, Fraction) else value


def bytes_in_full(count: int) -> str:
    """Return a number of bytes exactly, and from 1 KiB on also rounded: ``9,633,792 bytes (9.2 MiB)``."""
    exact = f"{count:,} byte{'s' * (count != 1)}"
    return exact if count < 1024 else f"{exact} ({bytes_text(count)})"


def bytes_text(count: int) -> str:
    """Return a number of bytes as a short text: ``97.5 MiB``."""
    if count < 1024:
        return f"{count} B"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((count.bit_length() - 1) // 10, len(units))
    tenths = (count * 10 + (1 << (10 * power - 1))) >> (10 * power)  # in integers, because floats end at 10^308
    return f"{tenths // 10:,}.{tenths % 10} {units[power - 1]}"
