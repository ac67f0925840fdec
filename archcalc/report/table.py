"""Tables as data, independent of the output format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from archcalc.arrays.texts import count_text
from archcalc.terminal import display_width, readable


class Column(NamedTuple):
    """A column: its key for programs, and its title for people."""

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    folds: bool = False
    """Whether its texts may be folded to fit a narrow terminal; numbers are never folded."""


class AtLeast(NamedTuple):
    """The content of a cell that is a lower bound, which only people see as one: programs need a column for it."""

    number: Any


class Table(NamedTuple):
    """Rows of cells: texts, numbers (with separators for people, plain for programs), or ``None`` if empty."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    totals: tuple[tuple[Any, ...], ...] = ()
    """The rows of sums below a line, which are left out of formats for programs."""
    notes: tuple[str, ...] = ()
    """The notes below the table."""


def cell_text(value: Any) -> str:
    """Return the text of a cell for people: ``-`` if it is empty, and integers with thousands separators."""
    if value is None:
        return "-"
    if type(value) is int:
        return f"{value:,}"
    if isinstance(value, AtLeast):
        return f"≥ {cell_text(value.number)}"
    return without_controls(str(value))


class Texts(NamedTuple):
    """The texts of the cells of a column; that of an object which several cells share is written once."""

    keys: list[int]
    """The identity of each cell."""
    known: dict[int, Any]
    """The text of each different cell by its identity."""

    @classmethod
    def of(cls, cells: Sequence[Any], write: Callable[[Any], Any] = cell_text) -> Texts:
        """Return the texts of cells, as ``write`` gives them."""
        keys = [*map(id, cells)]
        return cls(keys, {key: write(cell) for key, cell in dict(zip(keys, cells, strict=True)).items()})

    def changed(self, change: Callable[[str], str]) -> Texts:
        """Return other texts instead of these, as a function gives them."""
        return Texts(self.keys, {key: change(text) for key, text in self.known.items()})

    def all(self) -> list[Any]:
        """Return the text of every cell."""
        known = self.known
        return [known[key] for key in self.keys]

    def width(self) -> int:
        """Return the display width of the widest text."""
        return max(map(display_width, self.known.values()), default=0)

    def padded(self, width: int, *, at_right: bool) -> list[str]:
        """Return the text of every cell with blanks up to a display width, after it or (``at_right``) before it."""
        pad = str.rjust if at_right else str.ljust
        return self.changed(lambda text: pad(text, width + len(text) - display_width(text))).all()


def without_controls(text: str) -> str:
    """Return a text without control characters and line breaks, which names in files may contain."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in readable(text))


def total_texts(row: tuple[Any, ...]) -> list[str]:
    """Return the texts of a row of sums for people; a cell without a sum is empty."""
    return ["" if cell is None else cell_text(cell) for cell in row]


def cell_value(value: Any) -> Any:
    """Return the value of a cell for programs: a fraction as text, and any other number or text unchanged."""
    if isinstance(value, AtLeast):
        return cell_value(value.number)
    return str(value) if isinstance(value, Fraction) else value


def bytes_in_full(count: int) -> str:
    """Return a number of bytes exactly, and from 1 KiB on also rounded: ``9,633,792 bytes (9.2 MiB)``."""
    exact = count_text(count, "byte")
    return exact if count < 1024 else f"{exact} ({bytes_text(count)})"


def bytes_text(count: int) -> str:
    """Return a number of bytes as text with a binary unit: ``97.5 MiB``."""
    if count < 1024:
        return f"{count} B"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((count.bit_length() - 1) // 10, len(units))
    tenths = (count * 10 + (1 << (10 * power - 1))) >> (10 * power)  # in integers, because floats end at 10^308
    return f"{tenths // 10:,}.{tenths % 10} {units[power - 1]}"


def ratio_text(number: Any, first: Any) -> str | None:
    """Return the ratio to the first network's figure as text; ``None`` where there is none."""
    if not isinstance(number, int) or not first:
        return None
    if number >= 1000 * first:
        return f"{number // first:,}"  # in integers, because a large quotient overflows as a float
    ratio = number / first
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
