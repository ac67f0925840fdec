"""Correct figures in the wrong place: of another layer or quantity, reordered, with a part missing or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.analysis.propagate import Layer
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.mistake import SIZES, Outcome, Prior
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.numeric import exact_div, product
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values, resolve

MAX_PARTS = 200
"""The maximum number of parts of a sum for which a left-out part is tried; with more, too many values would match."""


PRIORS = {
    "layout": Prior.COMMON,
    "height-and-width-swapped": Prior.COMMON,
    "axes-in-another-order": Prior.RARE,
    "channels-left-out": Prior.COMMON,
    "positions-left-out-of-shape": Prior.OCCASIONAL,
    "flattened": Prior.OCCASIONAL,
    "one-map": Prior.COMMON,
    "layer-before": Prior.OCCASIONAL,
    "layer-after": Prior.RARE,
    "input-value": Prior.OCCASIONAL,
    "running-sum": Prior.COMMON,
    "other-quantity": Prior.OCCASIONAL,
    "part-left-out": Prior.OCCASIONAL,
    "part-twice": Prior.RARE,
    "one-part": Prior.OCCASIONAL,
    "training-heads-counted": Prior.COMMON,
    "heads-left-out": Prior.OCCASIONAL,
    "input-counted": Prior.OCCASIONAL,
    "softmax-left-out": Prior.OCCASIONAL,
    "softmax-added": Prior.OCCASIONAL,
    "kept-by-pytorch": Prior.COMMON,
    "overwritten": Prior.OCCASIONAL,
    "kept-by-pytorch-in-place": Prior.OCCASIONAL,
    "other-optimizer": Prior.COMMON,
    "separable-as-standard": Prior.COMMON,
    "shared-counted-twice": Prior.COMMON,
    "rf-last-stride": Prior.COMMON,
    "rf-strides-ignored": Prior.COMMON,
    "rf-own-kernel": Prior.COMMON,
    "rf-own-step": Prior.COMMON,
    "rf-kernels-multiplied": Prior.OCCASIONAL,
    "rf-strides-added": Prior.COMMON,
}
"""The prior of each code of a value that is computed as a whole, without changing layers."""


def outcome_of(code: str, values: Values, alternatives: int = 1, **names: str) -> Outcome:
    """Return the outcome of one of these codes."""
    reason = Reason(code, tuple(names.items()))
    return Outcome(reasons=(reason,), values=values, prior=PRIORS[code], alternatives=alternatives)


def misplaced_figures(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the outcomes of taking a figure of the wrong place, in the order in which they are reported."""
    if target.quantity == "shape":
        yield from rearranged_sizes(target.actual.values, target.graph.layout)
    yield from _neighbours(target)
    if target.quantity in SUMS:
        yield from _sums(target)
    if target.quantity in ("activations", "neurons"):
        yield from _elements(target)


def rearranged_sizes(shape: Values, layout: str) -> Iterator[Outcome]:
    """Yield the ways to write the sizes of a shape differently."""
    if len(shape) < 2:
        return
    channels_last = layout == "hwc"
    sizes = shape[:-1] if channels_last else shape[1:]
    channels = shape[-1] if channels_last else shape[0]
    yield outcome_of("layout", (channels, *sizes) if channels_last else (*sizes, channels))
    if len(sizes) == 2:
        swapped = sizes[::-1]
        yield outcome_of("height-and-width-swapped", (*swapped, channels) if channels_last else (channels, *swapped))
    yield outcome_of("channels-left-out", sizes)
    yield outcome_of("positions-left-out-of-shape", (channels,))
    if not any(isinstance(size, str) for size in shape):
        yield outcome_of("flattened", (product(shape),))
    if len(shape) == 3:
        for order in permutations(shape):
            yield outcome_of("axes-in-another-order", order)


def _neighbours(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the differing values of the nearest layers before and after, in the order of the spec."""
    layers = target.analysis.layers
    own = {layer.node for layer in target.layers}
    if target.row is None or not own or target.quantity not in {*SUMS, *FIELD_QUANTITIES, *SIZES}:
        return
    before = [layer for layer in layers if layer.node < min(own)][::-1]
    after = [layer for layer in layers if layer.node > max(own)]
    for code, others in (("layer-before", before), ("layer-after", after)):
        for layer in others[:8]:
            values = _values(target, layer)
            if values is not None and values != target.actual.values and values != (0,):
                yield outcome_of(code, values, name=layer.name)
                break
    for shape in target.graph.inputs.values() if target.quantity in SIZES else ():
        values = target.read_size(shape)
        if values is not None:
            yield outcome_of("input-value", values)


def _values(target: DiagnosedTarget, layer: Layer) -> Values | None:
    try:
        return resolve(f"{layer.name}.{target.quantity}", target.analysis).values
    except LookupError:
        return None


DISTINGUISHED = {
    "params": ("trainable", "weights"),
    "trainable": ("params", "weights"),
    "weights": ("trainable",),
    "macs": ("mults",),
    "mults": ("macs",),
}
"""For each quantity, those that are reported under other codes if they are taken for it."""


def _sums(target: DiagnosedTarget) -> Iterator[Outcome]:
    quantity, (actual, *_) = target.quantity, target.actual.values
    assert not isinstance(actual, str)
    layers = target.analysis.layers
    if target.row is not None and target.members:
        so_far = [layer for layer in layers if layer.node <= max(target.members)]
        yield outcome_of("running-sum", (sum(getattr(layer, quantity) for layer in so_far),))
    for other in SUMS:
        if other == quantity or other in DISTINGUISHED.get(quantity, ()):
            continue
        total = sum(getattr(layer, other) for layer in target.layers)
        yield outcome_of("other-quantity", (total,), counted=f"quantity.{other}", asked=f"quantity.{quantity}")
    if target.row is None:
        heads = sum(getattr(layer, quantity) for layer in target.layers if layer.head is not None)
        training = sum(getattr(layer, quantity) for layer in layers if layer.training)
        if not target.analysis.training and training:
            yield outcome_of("training-heads-counted", (actual + training,))
        if heads:
            yield outcome_of("heads-left-out", (actual - heads,))
    if target.is_total:
        parts = list(target.parts())
        for name, number in parts if 1 < len(parts) <= MAX_PARTS else ():
            yield outcome_of("part-left-out", (actual - number,), len(parts), name=name)
            yield outcome_of("part-twice", (actual + number,), len(parts), name=name)
            yield outcome_of("one-part", (number,), len(parts), name=name)


def _elements(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield one map of the output, or the input in place of the output."""
    (actual, *_) = target.actual.values
    if isinstance(actual, str) or (target.quantity in SUMS and len(target.layers) != 1):
        return
    shape = target.graph.shape(target.tensor)
    if len(shape) > 1 and shape[0] != 1 and actual % shape[0] == 0:  # not where additional outputs count as well
        yield outcome_of("one-map", (exact_div(actual, shape[0]),))
    for each in target.graph.input_shapes(target.node(min(target.own_nodes)))[:1] if target.own_nodes else ():
        yield outcome_of("input-value", (product(each) * target.batch,))
