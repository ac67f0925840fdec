"""Columns that compare the rows of a table of layers: shares of the total, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf

from archcalc.report.bars import bar_text
from archcalc.report.cells import RowCells
from archcalc.report.figures import SUMMED, total
from archcalc.report.layers_table import FilledColumn
from archcalc.report.table import Column, Texts, cell_text
from archcalc.terminal import display_width

MIN_BAR, MAX_BAR = 12, 60
"""The length of the longest bar in columns: it fills the line, within these bounds."""
GAP = 2
"""The columns between two columns of a table."""
DECIMALS = 4
"""The decimals of a share for programs."""


def share_of(cells: RowCells, name: str) -> FilledColumn:
    """Return the column with the share that each row has of the total of a column, in per cent.

    Layers that do not count in the total have none.

    Args:
        cells: the cells of the table.
        name: one of the columns in `SUMMED`.
    """
    whole = total(cells.analysis, name, dtype=cells.dtype)
    shares: list[str | float | None] = []
    for row, figure in zip(cells.rows, cells.figures(name), strict=True):
        if not whole or (row.training and not cells.analysis.training):
            shares.append(None)
        else:
            percent = Fraction(100 * figure) / whole
            shares.append(float(round(percent, DECIMALS)) if cells.bare else f"{float(percent):.1f} %")
    return FilledColumn(Column(f"{name}_percent", "share", "right"), shares)


def with_shares(columns: Sequence[FilledColumn], cells: RowCells) -> list[FilledColumn]:
    """Return columns with the shares of the total after each that has a total."""
    found = []
    for each in columns:
        found.append(each)
        if each.column.key in SUMMED:
            found.append(share_of(cells, each.column.key))
    return found


def with_bars(
    columns: Sequence[FilledColumn], cells: RowCells, name: str, *, width: int, blocks: bool
) -> list[FilledColumn]:
    """Return columns with bars of the numbers of one of them after it, or after its share.

    Args:
        columns: the columns, that of the numbers among them.
        cells: the cells of the table.
        name: one of the columns of numbers.
        width: the columns of the terminal, which the longest bar fills.
        blocks: whether to draw with block characters.
    """
    taken = sum(_width(each) + GAP for each in columns)
    room = min(max(width - taken, MIN_BAR), MAX_BAR)
    figures = cells.figures(name)
    largest = max((figure for figure in figures if figure is not None and figure != inf), default=0)
    bars = []
    for figure in figures:
        if not figure or figure < 0:
            bars.append("")
        elif figure == inf:
            bars.append(bar_text(None, room, blocks=blocks))
        else:
            bars.append(bar_text(Fraction(figure) / largest, room, blocks=blocks))
    keys = [each.column.key for each in columns]
    at = keys.index(f"{name}_percent" if f"{name}_percent" in keys else name) + 1
    return [*columns[:at], FilledColumn(Column(f"{name}_bar", ""), bars), *columns[at:]]


def _width(filled: FilledColumn) -> int:
    """Return the display width of a column."""
    sums = "" if filled.total is None else cell_text(filled.total)
    return max(display_width(filled.column.title), display_width(sums), Texts.of(filled.cells).width())
