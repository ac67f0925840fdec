"""The table of layers of a page: rows at several levels of detail, with bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

from archcalc.analysis.propagate import Analysis, Group, group
from archcalc.numeric import Number
from archcalc.report.cells import COLUMNS, RowCells
from archcalc.report.figures import Row, total
from archcalc.report.layers_table import readable_depth
from archcalc.report.table import Column, bytes_text, cell_text

MAX_ROWS = 1000
"""The number of rows up to which a level of detail is on the page."""
TEXTS = (COLUMNS["layer"], COLUMNS["op"], COLUMNS["output"])
BARS = (
    COLUMNS["params"],
    COLUMNS["macs"],
    Column("memory", "memory during a run", "right"),
    COLUMNS["rf"],
)
"""The columns with bars."""


@dataclass(frozen=True)
class BarCell:
    """A figure with a bar."""

    text: str
    value: int | float
    """What the column is sorted by; −1 without a figure."""
    share: float
    """The length of the bar, relative to the whole: the sum of parameters, the peak of memory, …"""


@dataclass(frozen=True)
class LayerRow:
    """A row, which is shown at some levels of detail."""

    texts: tuple[str, ...]
    bars: tuple[BarCell, ...]
    first: int
    """The first level at which it is shown."""
    last: int
    """The last level at which it is shown."""
    node: int
    """The layer, or the last one of a group, whose details the row leads to."""
    is_group: bool


@dataclass(frozen=True)
class Level:
    """A level of detail."""

    depth: int
    title: str
    scales: tuple[float, ...]
    """By what the shares of every column are multiplied, so that the longest bar fills its cell."""


class LayersTable:
    """The rows of a network at all levels of detail that are not too long for a page.

    Args:
        analysis: the analysis of the network.
        layout: the layout in which shapes are written.
        live: the bytes that are held while each node runs, by its index in the graph.
    """

    def __init__(self, analysis: Analysis, layout: str, live: Mapping[int, Number]) -> None:
        self.analysis, self.layout, self.live = analysis, layout, live
        self.columns = (*TEXTS, *BARS)

    @cached_property
    def _by_depth(self) -> Mapping[int, Sequence[Row]]:
        """The rows by level: by stage first, then deeper as long as there are more rows, and not too many."""
        found: dict[int, Sequence[Row]] = {1: _shortened(self.analysis.folded(1))}
        for depth in range(2, self.analysis.graph.depth + 1):
            rows = self.analysis.folded(depth)
            if len(rows) > MAX_ROWS:
                break
            if len(rows) > len(found[max(found)]):
                found[depth] = rows
        return found

    @cached_property
    def nodes(self) -> list[int]:
        """The layers whose details rows lead to, by their index in the graph."""
        return sorted({row.node for row in self.rows})

    @property
    def is_complete(self) -> bool:
        """Whether every layer has a row of its own."""
        return not any(isinstance(row, Group) for row in self._by_depth[max(self._by_depth)])

    @cached_property
    def start(self) -> int:
        """The level that is shown at first: the deepest one that is readable at once."""
        return max(depth for depth in self._by_depth if depth <= max(1, readable_depth(self.analysis)))

    @cached_property
    def rows(self) -> list[LayerRow]:
        """All rows in the order of the network, each once, with the levels at which it is shown."""
        shown: dict[tuple[str, int, int], tuple[Row, list[int]]] = {}
        for depth, listed in self._by_depth.items():
            for row in listed:
                key = row.name, row.layers[0].node, row.layers[-1].node
                shown.setdefault(key, (row, []))[1].append(depth)
        ordered = sorted(shown.values(), key=lambda one: (one[0].layers[0].node, one[1][0]))
        rows = [row for row, _ in ordered]
        texts = RowCells(self.analysis, rows, self.layout).of(tuple(column.key for column in TEXTS))
        bars = zip(*(self._bars(rows, column.key) for column in BARS), strict=True)
        return [
            LayerRow(
                texts=tuple(map(cell_text, own_texts)),
                bars=own_bars,
                first=levels[0],
                last=levels[-1],
                node=row.layers[-1].node,
                is_group=isinstance(row, Group),
            )
            for (row, levels), own_texts, own_bars in zip(ordered, texts, bars, strict=True)
        ]

    @cached_property
    def levels(self) -> list[Level]:
        """The levels of detail."""
        deepest = max(self._by_depth)
        found = []
        for depth in self._by_depth:
            rows = [row for row in self.rows if row.first <= depth <= row.last]
            longest = [max((row.bars[index].share for row in rows), default=0) for index in range(len(BARS))]
            title = "layers" if depth == deepest and self.is_complete else "stages" if depth == 1 else f"level {depth}"
            found.append(Level(depth, title, tuple(1 / share if share else 0 for share in longest)))
        return found

    def _bars(self, rows: Sequence[Row], column: str) -> list[BarCell]:
        """Return the cells of a column with bars."""
        if column == "memory":
            return [self._memory(row) for row in rows]
        cells = RowCells(self.analysis, rows, self.layout)
        numbers = cells.figures(column)
        if column == "rf":  # a global field is longer than any other one
            largest = max((number for number in numbers if number not in (None, inf)), default=1)
            return [
                BarCell(cell_text(text), -1, 0)
                if number is None
                else BarCell(cell_text(text), min(float(number), largest + 1), min(1, number / largest))
                for text, number in zip(cells.column(column), numbers, strict=True)
            ]
        whole = total(self.analysis, column)
        return [
            BarCell(cell_text(text), number, number / whole if whole else 0)
            for text, number in zip(cells.column(column), numbers, strict=True)
        ]

    @cached_property
    def _peak(self) -> Number:
        return max(self.live.values(), default=0)

    def _memory(self, row: Row) -> BarCell:
        live = [self.live[layer.node] for layer in row.layers if layer.node in self.live]
        if not live:  # a training head
            return BarCell(cell_text(None), -1, 0)
        most = max(live)
        return BarCell(bytes_text(most), most, most / self._peak if self._peak else 0)


def _shortened(rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows, with those in the middle of too many as one."""
    if len(rows) <= MAX_ROWS:
        return rows
    kept = MAX_ROWS // 10
    middle = [layer for row in rows[kept:-kept] for layer in row.layers]
    return [*rows[:kept], group((f"… {len(rows) - 2 * kept:,} further rows …",), middle), *rows[-kept:]]
