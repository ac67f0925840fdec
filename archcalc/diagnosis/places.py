"""Right numbers in the wrong place: of another layer or quantity, in another order, a part left out or taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from archcalc.analysis.propagate import Layer
from archcalc.analysis.receptive import FIELD_QUANTITIES
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.graph import ordered
from archcalc.numeric import product
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values, resolve

MOST_PARTS = 200
"""Parts of a sum that may have been left out; beyond, too many numbers are the sum without some part."""


CLAUSES = {
    "layout": ("the channels stand at the other end of the shape", Prior.COMMON),
    "height-and-width-swapped": ("height and width are swapped", Prior.COMMON),
    "axes-in-another-order": ("the axes stand in another order", Prior.RARE),
    "channels-left-out": ("the channels are left out of the shape", Prior.COMMON),
    "positions-left-out-of-shape": ("only the channels are given, without the positions", Prior.USUAL),
    "flattened": ("all numbers of the output are put in one axis", Prior.USUAL),
    "layer-before": ("the value of {name}, the layer before, is taken", Prior.USUAL),
    "layer-after": ("the value of {name}, the layer after, is taken", Prior.USUAL),
    "running-sum": ("all layers up to this one are summed", Prior.COMMON),
    "other-quantity": ("{name} are counted, not {quantity}", Prior.USUAL),
    "part-left-out": ("{name} is left out of the sum", Prior.USUAL),
    "part-twice": ("{name} is counted twice", Prior.RARE),
    "training-heads-counted": ("the heads that serve training only are counted, too", Prior.COMMON),
    "heads-left-out": ("the further heads are left out", Prior.USUAL),
}
"""Code to the clause it is said with, and its prior."""


def _found(code: str, values: Values, **names: str) -> Outcome:
    clause, prior = CLAUSES[code]
    return Outcome(codes=(code,), clauses=(clause.format(**names),), values=values, prior=prior)


def misplaced(target: DiagnosedTarget) -> Iterator[Outcome]:
    """What stands elsewhere, in the order in which equally likely ones are reported."""
    if target.quantity == "shape":
        yield from rearranged(target.actual.values, target.graph.layout)
    yield from _neighbours(target)
    if target.quantity in SUMS:
        yield from _sums(target)


def rearranged(shape: Values, layout: str) -> Iterator[Outcome]:
    """The same numbers written in another way."""
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
    """What the layers before and after have that differ, along the text."""
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


def _sums(target: DiagnosedTarget) -> Iterator[Outcome]:
    quantity, (actual, *_) = target.quantity, target.actual.values
    assert not isinstance(actual, str)
    layers = target.analysis.layers
    if target.row is not None and target.members:
        upto = [layer for layer in layers if layer.node <= max(target.members)]
        yield _found("running-sum", (sum(getattr(layer, quantity) for layer in upto),))
    for other in SUMS:
        if {quantity, other} in ({"params", "trainable"}, {"macs", "mults"}) or other == quantity:
            continue  # they differ by conventions that have codes of their own
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
        for name, number in parts if 1 < len(parts) <= MOST_PARTS else ():
            yield _found("part-left-out", (actual - number,), name=name)
            yield _found("part-twice", (actual + number,), name=name)
