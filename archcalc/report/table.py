"""A table as data: what is in it, not what it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal


@dataclass(frozen=True)
class Column:
    """One column: the key programs know it by, and the title people read."""

    key: str
    title: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Table:
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
    return str(value)


def raw(value: Any) -> Any:
    """A cell for programs: numbers as they are, fractions as text."""
    return str(value) if isinstance(value, Fraction) else "" if value is None else value


def bytes_text(count: int) -> str:
    """Bytes for people: ``97.5 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}" if size < 1e6 else f"{size:.3g} {unit}"
