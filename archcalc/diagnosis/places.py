"""Right figures in the wrong place: of another layer or quantity, in another order, with a part missing or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.analysis.propagate import Layer
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.graph import ordered
from archcalc.numeric import product
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values, resolve

MAX_PARTS = 200
"""The maximum number of parts of a sum for which a left-out part is tried; with more, too many values would match."""


CLAUSES = {
    "layout": ("the channels are at the other end of the shape", Prior.COMMON),
    "height-and-width-swapped": ("height and width are swapped", Prior.COMMON),
    "axes-in-another-order": ("the axes are in another order", Prior.RARE),
    "channels-left-out": ("the channels are left out of the shape", Prior.COMMON),
    "positions-left-out-of-shape": ("only the channels are given, without the positions", Prior.OCCASIONAL),
    "flattened": ("the output is flattened to one axis", Prior.OCCASIONAL),
    "layer-before": ("the value of the layer before, {name}, is taken", Prior.OCCASIONAL),
    "layer-after": ("the value of the layer after, {name}, is taken", Prior.OCCASIONAL),
    "running-sum": ("all layers up to this one are summed", Prior.COMMON),
    "other-quantity": ("{name} are counted, not {quantity}", Prior.OCCASIONAL),
    "part-left-out": ("{name} is left out of the sum", Prior.OCCASIONAL),
    "part-twice": ("{name} is counted twice", Prior.RARE),
    "training-heads-counted": ("the training heads are counted as well", Prior.COMMON),
    "heads-left-out": ("the additional heads are left out", Prior.OCCASIONAL),
}
"""The clause and the prior of each code."""


def _found(code: str, values: Values, **names: str) -> Outcome:
    clause, prior = CLAUSES[code]
    return Outcome(codes=(code,), clauses=(clause.format(**names),), values=values, prior=prior)


def misplaced(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the outcomes of taking a figure of the wrong place, in the order in which they are reported."""
    if target.quantity == "shape":
        yield from rearranged(target.actual.values, target.graph.layout)
    yield from _neighbours(target)
    if target.quantity in SUMS:
        yield from _sums(target)


def rearranged(shape: Values, layout: str) -> Iterator[Outcome]:
    """Yield the ways to write the sizes of a shape differently."""
    if len(shape) < 2:
        return
    channels_last = layout == "hwc"
    sizes = shape[:-1] if channels_last else shape[1:]
    channels = shape[-1] if channels_last else shape[0]
    yield _found("layout", (channels, *sizes) if channels_last else (*sizes, channels))
    if len(sizes) == 2:
        swapped = sizes[::-1]
        yield _found("height-and-width-swapped", (*swapped, channels) if channels_last else (channels, *swapped))
    yield _found("channels-left-out", sizes)
    yield _found("positions-left-out-of-shape", (channels,))
    if not any(isinstance(size, str) for size in shape):
        yield _found("flattened", (product(shape),))
    if len(shape) == 3:
        for order in permutations(shape):
            yield _found("axes-in-another-order", order)


def _neighbours(target: DiagnosedTarget) -> Iterator[Outcome]:
    """The differing values of the nearest layers before and after, in the order of the spec."""
    layers = target.analysis.layers
    own = {layer.node for layer in target.layers}
    if target.row is None or not own or target.quantity not in (*SUMS, *FIELD_QUANTITIES, "shape"):
        return
    before = [layer for layer in layers if layer.node < min(own)][::-1]
    after = [layer for layer in layers if layer.node > max(own)]
    for code, others in (("layer-before", before), ("layer-after", after)):
        for layer in others[:8]:
            values = _values(target, layer)
            if values is not None and values != target.actual.values and values != (0,):
                yield _found(code, values, name=layer.name)
                break
    if target.quantity == "shape":
        for name, shape in target.graph.inputs.items():
            yield _found("layer-before", ordered(shape, target.graph.layout), name=name)


def _values(target: DiagnosedTarget, layer: Layer) -> Values | None:
    try:
        return resolve(f"{layer.name}.{target.quantity}", target.analysis).values
    except LookupError:
        return None


TOLD_APART = ({"params", "trainable"}, {"trainable", "weights"}, {"macs", "mults"})
"""Pairs of quantities whose difference is a mistake or convention with a code of its own."""


def _sums(target: DiagnosedTarget) -> Iterator[Outcome]:
    quantity, (actual, *_) = target.quantity, target.actual.values
    assert not isinstance(actual, str)
    layers = target.analysis.layers
    if target.row is not None and target.members:
        so_far = [layer for layer in layers if layer.node <= max(target.members)]
        yield _found("running-sum", (sum(getattr(layer, quantity) for layer in so_far),))
    for other in SUMS:
        if other == quantity or any(quantity in pair and other in pair for pair in TOLD_APART):
            continue
        total = sum(getattr(layer, other) for layer in target.layers)
        yield _found("other-quantity", (total,), name=other, quantity=quantity)
    if target.row is None:
        heads = sum(getattr(layer, quantity) for layer in target.layers if layer.head is not None)
        training = sum(getattr(layer, quantity) for layer in layers if layer.training)
        if not target.analysis.training and training:
            yield _found("training-heads-counted", (actual + training,))
        if heads:
            yield _found("heads-left-out", (actual - heads,))
    if target.is_total:
        parts = list(target.parts())
        for name, number in parts if 1 < len(parts) <= MAX_PARTS else ():
            yield _found("part-left-out", (actual - number,), name=name)
            yield _found("part-twice", (actual + number,), name=name)
