"""Targets (``LAYER.QUANTITY``, ``STAGE.QUANTITY``, ``QUANTITY`` of the network) and what the analysis says of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Analysis, Group, Layer, Totals, group
from archcalc.graph import ordered
from archcalc.spec.errors import suggest

SUMS = ("params", "trainable", "connections", "macs", "mults", "flops", "activations")
FIELDS = ("rf", "rf_stride", "rf_padding")
QUANTITIES = ("shape", *SUMS, *FIELDS, "layers")


class Actual(NamedTuple):
    """What the analysis says of a target: numbers (or the word "global"), and how people write them."""

    values: tuple[Fraction | int | str, ...]
    text: str
    exact: bool = True


def resolve(target: str, analysis: Analysis) -> Actual:
    """What a target is.

    Raises:
        LookupError: there is no such layer, stage or quantity; the arguments are a message and a hint.
    """
    place, _, quantity = target.rpartition(".")
    if quantity not in QUANTITIES:
        raise LookupError(
            f"no quantity '{quantity[:40]}'", suggest(quantity, QUANTITIES, f"there are {', '.join(QUANTITIES)}")
        )
    row = find_row(place, analysis)
    if quantity == "layers":
        count = analysis.totals.layers if row is None else len(row.layers) if isinstance(row, Group) else 1
        return Actual((count,), str(count))
    if quantity in SUMS:
        source: Layer | Group | Totals = analysis.totals if row is None else row
        number = getattr(source, quantity)
        return Actual((number,), f"{number:,}")
    last = main_layer(analysis) if row is None else row
    if quantity == "shape":
        shape = last.output if not isinstance(last, tuple) else last
        written = ordered(shape, analysis.graph.layout)
        return Actual(written, "x".join(map(str, written)))
    return _field(quantity, last)


def find_row(place: str, analysis: Analysis) -> Layer | Group | None:
    """The layer, stage, head or block call of a name; ``None`` for the whole network."""
    if not place:
        return None
    wanted = tuple(place.split("/"))
    found = [layer for layer in analysis.layers if layer.name == place]
    if found:
        return found[0]
    inside = [layer for layer in analysis.layers if layer.path[: len(wanted)] == wanted]
    if inside:
        return group(wanted, inside)
    inputs = analysis.graph.inputs
    stages = [name for name in analysis.graph.stages if name not in inputs]
    known = dict.fromkeys([*stages, *(layer.name for layer in analysis.layers)])
    raise LookupError(f"no layer or stage '{place[:60]}'", suggest(place, known, "`archcalc show` lists them"))


def main_layer(analysis: Analysis) -> Layer:
    """The layer that the main output comes from.

    Raises:
        LookupError: the network has no layers.
    """
    main = next(iter(analysis.graph.outputs.values()))
    by_node = {layer.node: layer for layer in analysis.layers}
    if main.node not in by_node:
        raise LookupError("the network has no layers", "")
    return by_node[main.node]


_READ: dict[str, Callable[[Any], Any]] = {
    "rf": lambda axis: axis.size,
    "rf_stride": lambda axis: axis.stride,
    "rf_padding": lambda axis: axis.padding,
}


def _field(quantity: str, row: Layer | Group) -> Actual:
    if not row.fields:
        raise LookupError(f"'{row.name}' depends on no input", "")
    axes = next(iter(row.fields.values()))
    if not axes:
        raise LookupError("the input is a vector: it has no positions, so there is no receptive field", "")
    values = tuple("global" if axis.is_global else _READ[quantity](axis) for axis in axes)
    if len(set(values)) == 1:  # axes alike are written once
        values = values[:1]
    return Actual(values, "x".join(map(str, values)))
