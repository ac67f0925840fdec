"""Targets (``LAYER.QUANTITY``, ``STAGE.QUANTITY``, ``QUANTITY`` of the network) and what the analysis says of them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

from archcalc.analysis.memory import DTYPES
from archcalc.analysis.propagate import SUMS, Analysis, Group, Layer, Totals, group
from archcalc.analysis.receptive import READINGS
from archcalc.graph import Ref, ordered
from archcalc.spec.errors import suggest

Values: TypeAlias = tuple[Fraction | int | str, ...]
"""What is true of a target: a number, one per axis, or words."""

FIELDS = tuple(READINGS)
QUANTITIES = ("shape", "channels", *SUMS, *FIELDS, "layers")


STORED = ("params", "trainable", "activations")
"""What is kept in memory, and may be claimed in bytes."""


class Actual(NamedTuple):
    """What the analysis says of a target: numbers (or the word "global"), and how people write them."""

    values: Values
    text: str
    kind: Literal["count", "shape", "field", "ratio"] = "count"
    layout: str = "chw"
    """In which a shape is given."""
    width: int = 0
    """Bytes of each number that is counted, where it is one that memory keeps."""


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
        return Actual((number,), f"{number:,}", width=DTYPES["float32"] if quantity in STORED else 0)
    if quantity in ("shape", "channels"):
        shape = analysis.graph.shape(tensor_of(place, analysis))
        if quantity == "channels":
            return Actual(shape[:1], str(shape[0]))
        written = ordered(shape, analysis.graph.layout)
        return Actual(written, "x".join(map(str, written)), "shape", analysis.graph.layout)
    return _field(quantity, layer_behind(place, analysis))


def resolve_among(target: str, networks: Mapping[str, Analysis]) -> Actual:
    """What a target is among several networks: ``A.params``, ``A.c1.macs``, or the ratio ``A.params / B.params``.

    Raises:
        LookupError: there is no such network, layer, stage or quantity; the arguments are a message and a hint.
    """
    above, ratio, below = target.partition(" / ")
    if ratio:
        return _ratio(resolve_among(above.strip(), networks), resolve_among(below.strip(), networks))
    name, rest = network_of(target, networks)
    return resolve(rest, networks[name])


def network_of(target: str, networks: Mapping[str, Analysis]) -> tuple[str, str]:
    """The network that a target speaks of, and the target within it.

    Raises:
        LookupError: it names none of several; the arguments are a message and a hint.
    """
    named = [name for name in networks if name and target.startswith(f"{name}.")]
    if named:
        name = max(named, key=len)
        return name, target[len(name) + 1 :]
    if len(networks) == 1:
        return next(iter(networks)), target
    known = f"the networks are {', '.join(networks)}: write {next(iter(networks), 'A')}.{target[:40]}"
    raise LookupError(f"'{target[:60]}' does not say of which network", suggest(target.split(".")[0], networks, known))


def _ratio(above: Actual, below: Actual) -> Actual:
    (a, *more), (b, *others) = above.values, below.values
    if more or others or isinstance(a, str) or isinstance(b, str) or not b:
        raise LookupError("a ratio needs one number above and one other than zero below", "")
    value = Fraction(a) / Fraction(b)
    return Actual((value,), f"{float(value):.4g}", "ratio")


def find_row(place: str, analysis: Analysis) -> Layer | Group | None:
    """The layer, stage, head, input or block call of a name; ``None`` for the whole network.

    Raises:
        LookupError: there is none; the arguments are a message and a hint.
    """
    if not place:
        return None
    for layer in analysis.layers:
        if layer.name == place:
            return layer
    wanted = tuple(place.split("/"))
    inside = [layer for layer in analysis.layers if layer.path[: len(wanted)] == wanted]
    if inside or place in analysis.graph.stages:
        return group(wanted, inside)
    known = dict.fromkeys([*analysis.graph.stages, *(layer.name for layer in analysis.layers)])
    raise LookupError(f"no layer or stage '{place[:60]}'", suggest(place, known, "`archcalc show` lists them"))


def layer_behind(place: str, analysis: Analysis) -> Layer:
    """The layer that puts out the tensor of a place (which exists), or the main output.

    Raises:
        LookupError: it is an input as it is; the arguments are a message and a hint.
    """
    node = tensor_of(place, analysis).node
    for layer in analysis.layers:
        if layer.node == node:
            return layer
    raise LookupError(f"'{place or analysis.graph.name}' has no layers", "`archcalc show` lists the layers")


def tensor_of(place: str, analysis: Analysis) -> Ref:
    """The tensor that a place (which exists) puts out, or the main output."""
    found = analysis.graph.find(place) if place else None
    return found or next(iter(analysis.graph.outputs.values()))


def _field(quantity: str, row: Layer) -> Actual:
    axes = next(iter(row.fields.values()), None)
    if axes is None:
        raise LookupError(f"'{row.name}' sees nothing of any input, so there is no receptive field", "")
    if not axes:
        raise LookupError("the input is a vector: it has no positions, so there is no receptive field", "")
    values = tuple("global" if axis.is_global else READINGS[quantity](axis) for axis in axes)
    if len(set(values)) == 1:  # axes alike are written once
        values = values[:1]
    return Actual(values, "x".join(map(str, values)), "field")
