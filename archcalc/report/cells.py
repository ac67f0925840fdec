"""Cells of network tables: the content of a column for a layer or a group of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from archcalc.analysis.counts import FORMULAS, STORED, TRAINING
from archcalc.analysis.fields import FIELD_QUANTITIES, AxisField, Field
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.arrays.texts import count_text
from archcalc.graph import write_shape
from archcalc.ops.base import OPERATION_KINDS
from archcalc.query.quantities import QUANTITIES, SUMS
from archcalc.report.figures import MEMORY, SIZES, Row, figures, shape_of_example
from archcalc.report.table import AtLeast, Column
from archcalc.spec.write import write_layer

COLUMNS = {
    column.key: column
    for column in (
        Column("layer", "layer", folds=True),
        Column("op", "operator", folds=True),
        Column("input", "input", folds=True),
        Column("output", "output"),
        *(
            Column(name, QUANTITIES[name].heading, "right")
            for name in (*SUMS, *FIELD_QUANTITIES, *OPERATION_KINDS, *TRAINING[:-1])
        ),
        Column("memory", "parameter bytes", "right"),
        Column("activation_memory", "activation bytes", "right"),
        Column("channels", "channels", "right"),
        Column("neurons", "neurons", "right"),
        Column("attributes", "attributes", folds=True),
        Column("inputs", "reads", folds=True),
        Column("stage", "stage", folds=True),
        Column("head", "head", folds=True),
    )
}
DEFAULT = ("layer", "op", "output", "params", "macs", "rf")


class RowCells:
    """The cells of the rows of one network; what rows have in common is written once.

    Args:
        analysis: the analysis of the network.
        rows: the rows.
        layout: the layout of shapes.
        dtype: the number formats of memory.
        bare: whether the cells are for programs, without marks.
        nested: whether rows contain others, so that none of them counts only what belongs to no row before it.
    """

    def __init__(
        self,
        analysis: Analysis,
        rows: Sequence[Row],
        layout: str,
        *,
        dtype: str = "float32",
        bare: bool = False,
        nested: bool = False,
    ) -> None:
        self.analysis = analysis
        self.rows = rows
        self.dtype = dtype
        self.layout = layout
        self.bare = bare
        self.nested = nested
        self.known: dict[str, dict[int, Any]] = {}
        """The contents of columns that rows have in common, by the identity of what they depend on."""

    def of(self, columns: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
        """Return the contents of some columns, row by row."""
        return tuple(zip(*map(self.column, columns), strict=True))

    def column(self, column: str) -> list[Any]:
        """Return the contents of a column."""
        analysis, rows = self.analysis, self.rows
        if column in STORED and analysis.shares_weights:
            return [
                analysis.own_count(row, column) if self.bare else weights_text(row, column, analysis) for row in rows
            ]
        if column in MEMORY:
            return self.figures(column)
        if column in TRAINING:
            found = zip(rows, self.figures(column), strict=True)
            return [AtLeast(figure) if row.is_lower_bound(column) else figure for row, figure in found]
        if column in _OWN:
            return [self.cell(row, column) for row in rows]
        keys = self.fields if column in FIELD_QUANTITIES else self.kinds
        different = dict(zip(keys, rows, strict=True))
        self.known[column] = known = {key: self.cell(row, column) for key, row in different.items()}
        return [known[key] for key in keys]

    @cached_property
    def kinds(self) -> list[int]:
        """The same number for rows of layers with the same operator and input shapes."""
        return [id(row.attributes if isinstance(row, Layer) else row) for row in self.rows]

    @cached_property
    def fields(self) -> list[int]:
        """The same number for rows with the same receptive field."""
        return [id(row.fields) for row in self.rows]

    def figures(self, column: str) -> list[Any]:
        """Return the numbers of a column, as `archcalc.report.figures.figures` does."""
        return figures(self.analysis, self.rows, column, dtype=self.dtype, nested=self.nested)

    def has_mark(self, column: str, mark: str) -> bool:
        """Return whether a mark occurs in a column of fields that has been written."""
        return any(mark in text for text in self.known.get(column, {}).values() if text is not None)

    def cell(self, row: Row, column: str) -> Any:
        """Return the content of a column for a row."""
        if column in FORMULAS:
            return AtLeast(row.of(column)) if row.is_lower_bound(column) else row.of(column)
        if column in FIELD_QUANTITIES:
            return field_text(row, column, bare=self.bare)
        if column in SIZES:
            return SIZES[column](shape_of_example(row, self.analysis))
        if column == "layer" and self.bare:
            return row.name
        return _TEXTS[column](row, self.analysis, self.layout)


def weights_text(row: Row, column: str, analysis: Analysis) -> Any:
    """Return a number of weights; ``shared`` stands for those that belong to earlier layers, and count there."""
    own, used = analysis.own_count(row, column), row.of(column)
    if own == used:
        return own
    return f"{own:,} + shared" if own else "shared"


def row_name(row: Row, name: str) -> str:
    """Return the name of a row with the mark of a head."""
    return name + (" (training)" if row.training else " (head)" if row.head else "")


def _name(row: Row, analysis: Analysis, layout: str) -> str:
    return row_name(row, row.name or analysis.graph.name)


def _operator(row: Row, analysis: Analysis, layout: str) -> str:
    if len(row.layers) > 1:
        return count_text(len(row.layers), "layer")
    return write_layer(analysis.graph.nodes[row.layers[0].node].op, layout)


def _attributes(row: Row, analysis: Analysis, layout: str) -> str | None:
    return _operator(row, analysis, layout).partition(" ")[2] or None if isinstance(row, Layer) else None


def _inputs(row: Row, analysis: Analysis, layout: str) -> str:
    own = {layer.name for layer in row.layers}
    return " ".join(dict.fromkeys(name for layer in row.layers for name in layer.inputs if name not in own))


def _output(row: Row, analysis: Analysis, layout: str) -> str:
    return write_shape(shape_of_example(row, analysis), layout, analysis.batch)


def _input(row: Row, analysis: Analysis, layout: str) -> str:
    graph = analysis.graph
    shapes = graph.input_shapes(graph.nodes[row.layers[0].node])
    return " ".join(write_shape(shape, layout, analysis.batch) for shape in shapes)


def _stage(row: Row, analysis: Analysis, layout: str) -> str | None:
    return row.stage


_TEXTS: dict[str, Callable[[Row, Analysis, str], Any]] = {
    "layer": _name,
    "op": _operator,
    "attributes": _attributes,
    "inputs": _inputs,
    "output": _output,
    "input": _input,
    "stage": _stage,
    "head": lambda row, analysis, layout: row.head,
}


_OWN = frozenset({"layer", "inputs", "stage", "head"})
"""The columns that depend on more than the operator, the input shapes and the receptive field of a row."""


def field_text(row: Row, column: str, *, bare: bool = False) -> str | None:
    """Return a receptive field: one number if all axes agree, else one per axis, as in ``35x33``.

    After upsampling it is a range of sizes, preceded by ``~`` where paths of different strides meet, so that its lower
    end is a bound; with ``bare``, only the largest size.
    """
    texts = []
    for name, axes in row.fields.items():
        if axes:
            prefix = f"{name} " if len(row.fields) > 1 else ""
            texts.append(prefix + axes_text(axes, column, bare=bare))
    return ", ".join(texts) or None


def axes_text(axes: Field, column: str, *, bare: bool = False) -> str:
    """Return a receptive field on one input; see `field_text`."""
    parts = [_bare_axis(axis, column) if bare else _axis_text(axis, column) for axis in axes]
    text = parts[0] if len(set(parts)) == 1 else "x".join(parts)
    bounded_below = column == "rf" and not bare and any(axis.has_several_strides for axis in axes)
    return f"~{text}" if bounded_below else text


def _bare_axis(axis: AxisField, column: str) -> str:
    return str(FIELD_QUANTITIES[column](axis)) if axis.is_local else axis.word


def _axis_text(axis: AxisField, column: str) -> str:
    if not axis.is_local:
        return axis.word
    if column == "rf":
        smallest, largest = axis.sizes()
        if not axis.exact:
            return f"≤{largest:,}"
        if smallest != largest:
            return f"{smallest:,}–{largest:,}"
        value = largest
    else:
        value = FIELD_QUANTITIES[column](axis)
    return f"{value:,}" if isinstance(value, int) else str(value)
