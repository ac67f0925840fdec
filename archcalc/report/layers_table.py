"""The table of layers, and groups of layers, that `show` prints, `convert` writes and notebooks show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Analysis
from archcalc.graph import write_shape
from archcalc.report.cells import COLUMNS, DEFAULT, RowCells
from archcalc.report.figures import SUMMED, Row, total
from archcalc.report.render import render
from archcalc.report.table import AtLeast, Column, Table, bytes_in_full

MARK = Column("lower_bound", "lower bound")
"""The column that states, for programs, whether the counts of operations in a row are lower bounds."""
ALL = 10**9
"""Deeper than any network."""
READABLE_ROWS = 40
"""By default, longer networks are grouped to the deepest level that has no more rows than this."""
LABELLED = ("layer", "op", "stage", "head", "input", "output")
"""The columns that can have the word for a row of sums."""


class FilledColumn(NamedTuple):
    """A column with its cells."""

    column: Column
    cells: Sequence[Any]
    total: Any = None
    """The cell in the row of sums; ``None`` if there is no sum."""


def csv_of_layers(analysis: Analysis, depth: int | None) -> str:
    """Return the table of a network for programs.

    Args:
        analysis: the analysis of the network.
        depth: the level at which layers are grouped; by default they are not.
    """
    rows = analysis.folded(ALL if depth is None else depth)
    columns = filled_columns(RowCells(analysis, rows, analysis.graph.layout, bare=True), DEFAULT)
    return render(table_of([*columns, *marks(analysis, rows)]), "csv")


def html_of_layers(analysis: Analysis) -> str:
    """Return the table of a network as HTML, at a depth at which it is readable."""
    layout, rows = analysis.graph.layout, analysis.folded(readable_depth(analysis))
    cells = RowCells(analysis, rows, layout)
    columns = filled_columns(cells, DEFAULT)
    return render(table_of(columns, title(analysis, layout), notes(analysis, rows, cells)), "html")


def filled_columns(cells: RowCells, names: Sequence[str]) -> list[FilledColumn]:
    """Return columns of a table of layers, with the totals of the network."""
    found = []
    for name in names:
        sums: Any = None
        if name in SUMMED:
            sums = total(cells.analysis, name, dtype=cells.dtype)
            sums = AtLeast(sums) if cells.analysis.totals.is_lower_bound(name) else sums
        found.append(FilledColumn(COLUMNS[name], cells.column(name), sums))
    return found


def marks(analysis: Analysis, rows: Sequence[Row]) -> list[FilledColumn]:
    """Return the column that marks lower bounds for programs (people see them in the cells), if there are any."""
    if analysis.totals.is_complete:
        return []
    return [FilledColumn(MARK, [str(not row.is_complete).lower() for row in rows])]


def table_of(columns: Sequence[FilledColumn], title: str = "", notes: Sequence[str] = ()) -> Table:
    """Return the table with some columns; it has a row of sums if one of them has a sum."""
    sums = [each.total for each in columns]
    totals: tuple[tuple[Any, ...], ...] = ()
    if any(each is not None for each in sums):
        at = next((index for index, each in enumerate(columns) if each.column.key in LABELLED), None)
        if at is not None:
            sums[at] = "total"
        totals = (tuple(sums),)
    rows = tuple(zip(*(each.cells for each in columns), strict=True))
    return Table(tuple([each.column for each in columns]), rows, title, totals, tuple(notes))


def readable_depth(analysis: Analysis) -> int:
    """Return the deepest level whose table is readable; 1 (the stages) if none is."""
    shared: Counter[int] = Counter()  # how many levels a layer has in common with the one before it
    for before, layer in pairwise(analysis.layers):
        parts = zip(before.path, layer.path, strict=False)
        shared[sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], parts))] += 1
    rows, depth = 1 + shared[0], 1
    while rows + shared[depth] <= READABLE_ROWS and depth < max(shared, default=0) + 1:
        rows, depth = rows + shared[depth], depth + 1
    return depth


def title(analysis: Analysis, layout: str) -> str:
    """Return the name of the network and its inputs."""
    inputs = [(name, write_shape(shape, layout, analysis.batch)) for name, shape in analysis.graph.inputs.items()]
    shown = inputs[0][1] if len(inputs) == 1 else ", ".join(f"{name} {shape}" for name, shape in inputs)
    return f"{analysis.graph.name}, input {shown}" if has_name(analysis) else f"input {shown}"


def has_name(analysis: Analysis) -> bool:
    """Return whether a network has a name, which is not the inline expression itself."""
    return not any(arrow in analysis.graph.name for arrow in ("->", "→"))


def notes(analysis: Analysis, rows: Sequence[Row], cells: RowCells) -> list[str]:
    """Return the lines below the table."""
    totals, dtype = analysis.totals, cells.dtype
    found = []
    if totals.trainable != totals.params:
        found.append(f"trainable: {totals.trainable:,} of {totals.params:,} parameters")
    if totals.active_params != totals.params:
        found.append(f"a token uses {totals.active_params:,} of {totals.params:,} parameters")
    memory = analysis.memory(dtype)
    found.append(f"parameters: {bytes_in_full(memory.params)} in {dtype}")
    found.append(f"activations: {bytes_in_full(memory.activations)}; peak: {bytes_in_full(memory.peak)}")
    if memory.kv_cache:
        growth = f"; one more token adds {bytes_in_full(memory.kv_cache_per_token)}"
        found.append(f"key–value cache: {bytes_in_full(memory.kv_cache)}{growth if memory.kv_cache_per_token else ''}")
    groups = [row for row in rows if len(row.layers) > 1]
    if groups:
        layers = sum(len(group.layers) for group in groups)
        into = "1 row" if len(groups) == 1 else f"{len(groups):,} rows"
        found.append(f"{layers:,} layers grouped into {into}; --depth all lists every layer")
    if not analysis.training and any(node.training for node in analysis.graph.nodes):
        found.append("training heads are not included in the totals; --training includes them")
    found += analysis.graph.notes
    for name, reason in analysis.graph.impossible_heads.items():
        found.append(f"the training head {name} is left out, since it is impossible on this input: {reason}")
    own = {node.head for node in analysis.graph.nodes}
    for name, ref in list(analysis.graph.outputs.items())[1:]:
        if name not in own:  # a head that only names a tensor has no layers to be listed
            found.append(f"{name} (head) is the output of {analysis.graph.nodes[ref.node].name}")
    if cells.has_mark("rf", "≤"):
        found.append("≤: an upper bound for all units; `archcalc rf --at` gives the exact field of one")
    if cells.has_mark("rf", "~"):
        found.append("~: paths of different strides meet; the size depends on the unit, and its lower end is a bound")
    return found
