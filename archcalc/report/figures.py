"""The numbers behind the columns of a table of layers: rows are sorted by them, and bars are drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, TypeAlias

from archcalc.analysis.counts import FORMULAS, STORED, TRAINING
from archcalc.analysis.fields import FIELD_QUANTITIES, Fields
from archcalc.analysis.formats import Formats, in_bytes, read_formats, stored_arrays
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.numeric import Number, product
from archcalc.ops.base import Shape

Row: TypeAlias = Layer | Group

MEMORY = ("memory", "activation_memory")
"""The columns with the bytes of a row's parameters and of its outputs."""

SIZES: Mapping[str, Callable[[Shape], Number]] = MappingProxyType(
    {"channels": lambda shape: shape[0], "neurons": product}
)
"""The columns with a number that follows from the output shape of one example."""

SUMMED = frozenset({*FORMULAS, *TRAINING, *MEMORY})
"""The columns whose totals are sums over the layers, so that a row has a share of them."""

NUMBERS = frozenset({*SUMMED, *SIZES, *FIELD_QUANTITIES})
"""The columns of numbers."""


def figures(
    analysis: Analysis, rows: Sequence[Row], column: str, *, dtype: str = "float32", nested: bool = False
) -> list[Any]:
    """Return the numbers of a column, row by row.

    Weights and tensors that several rows use count at the first one. A receptive field has the largest number of its
    axes, infinity if one of them is not local; where there is none, or it is unknown, the number is ``None``.

    Args:
        analysis: the analysis of the network.
        rows: the rows.
        column: one of `NUMBERS`.
        dtype: the number formats of memory.
        nested: whether rows contain others; tensors then count at each of them.
    """
    if column in STORED:
        return [analysis.own_count(row, column) for row in rows]
    if column in FORMULAS:
        return [row.of(column) for row in rows]
    if column in FIELD_QUANTITIES:
        return [_largest(row.fields, column) for row in rows]
    if column in SIZES:
        return [SIZES[column](shape_of_example(row, analysis)) for row in rows]
    formats = read_formats(dtype)
    if column == "memory":
        return _parameter_bytes(analysis, rows, formats)
    if column == "activation_memory":
        return [in_bytes(row.activations, formats.activations) for row in rows]
    cost, layers = analysis.training_cost, [[layer.node for layer in row.layers] for row in rows]
    if nested:
        return [cost.figure(column, nodes, formats) for nodes in layers]
    return cost.by_row(column, layers, formats)


def total(analysis: Analysis, column: str, *, dtype: str = "float32") -> Number:
    """Return the total of one of the columns in `SUMMED`."""
    if column in FORMULAS:
        return analysis.totals.of(column)
    if column in MEMORY:
        memory = analysis.memory(dtype)
        return memory.params if column == "memory" else memory.activations
    cost = analysis.training_cost
    return cost.figure(column, cost.runs, read_formats(dtype))


def ranking(numbers: Sequence[Any]) -> list[int]:
    """Return the indices of numbers, the largest number first and ``None`` last; equal ones in their order."""
    return sorted(range(len(numbers)), key=lambda at: -inf if numbers[at] is None else numbers[at], reverse=True)


def shape_of_example(row: Row, analysis: Analysis) -> Shape:
    """Return the output shape of a row without the batch."""
    return row.output if analysis.batch is None else row.output[1:]


def _largest(fields: Fields, quantity: str) -> Any:
    axes = [axis for axes in fields.values() for axis in axes]
    if not axes or any(axis.is_unknown for axis in axes):
        return None
    return max(FIELD_QUANTITIES[quantity](axis) if axis.is_local else inf for axis in axes)


def _parameter_bytes(analysis: Analysis, rows: Sequence[Row], formats: Formats) -> list[Number]:
    """Return the bytes of the arrays that belong to the layers of each row."""
    if formats.are_equal:
        return [in_bytes(analysis.own_count(row, "params"), formats.weights) for row in rows]
    graph = analysis.graph
    elements: dict[int, dict[str, Number]] = {}
    for index, op, weight in stored_arrays(graph, [layer.node for layer in analysis.layers]):
        own, form = elements.setdefault(index, {}), formats.of(op, weight)
        own[form] = own.get(form, 0) + weight.count
    found = []
    for row in rows:
        counts: dict[str, Number] = {}
        for layer in row.layers:
            for form, count in elements.get(layer.node, {}).items():
                counts[form] = counts.get(form, 0) + count
        found.append(sum([in_bytes(count, form) for form, count in counts.items()]))
    return found
