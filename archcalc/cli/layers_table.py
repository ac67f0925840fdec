"""The table of layers, and groups of layers, that `show` prints and `convert` writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.cli.cells import COLUMNS, DEFAULT, Cells, Row
from archcalc.report.render import render
from archcalc.report.table import Column, Table

MARK = Column("lower_bound", "lower bound")
"""The column that states, for programs, whether the counts of operations in a row are lower bounds."""
ALL = 10**9
"""Deeper than any network."""


def csv_of_layers(analysis: Analysis, depth: int | None) -> str:
    """Return the table of a network for programs.

    Args:
        analysis: the analysis of the network.
        depth: the level at which layers are grouped; by default they are not.
    """
    rows = analysis.folded(ALL if depth is None else depth)
    shown = Cells(analysis, rows, analysis.graph.layout, bare=True).of(DEFAULT)
    headings, shown = with_marks([COLUMNS[name] for name in DEFAULT], shown, rows, analysis)
    return render(Table(headings, shown), "csv")


def with_marks(
    headings: Sequence[Column], cells: Sequence[tuple[Any, ...]], rows: Sequence[Row], analysis: Analysis
) -> tuple[tuple[Column, ...], tuple[tuple[Any, ...], ...]]:
    """Return columns and cells with the marks of lower bounds, which people see in the cells, if there are any."""
    if analysis.totals.is_complete:
        return tuple(headings), tuple(cells)
    marked = tuple([(*cell, str(not row.is_complete).lower()) for cell, row in zip(cells, rows, strict=True)])
    return (*headings, MARK), marked
