"""Figures of several layers that are computed as if they were another layer, and of layers at the end of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.analysis.counts import counts_of
from archcalc.diagnosis.mistake import COSTS, WEIGHTS, Contribution, Outcome
from archcalc.diagnosis.places import outcome_of
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number
from archcalc.ops.activation import Softmax
from archcalc.ops.base import converted_operator
from archcalc.ops.conv import Conv
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values, output_layer

SOFTMAX = ("softmax", "log_softmax")


def restructured_figures(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the outcomes of taking several layers for one, or of leaving out or adding the last one."""
    if target.quantity in WEIGHTS | COSTS:
        yield from _separable_as_standard(target)
    if target.counted_elsewhere:
        yield from _shared_counted_twice(target)
    if target.quantity in SUMS and target.row is None:
        yield from final_softmax(target)


def _shared_counted_twice(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Return the total with the weights of every layer, also of those that share them."""
    (total, *_) = target.actual.values
    assert not isinstance(total, str)
    repeated = sum(target.counts(index).of(target.quantity) for index in target.counted_elsewhere)
    yield outcome_of("shared-counted-twice", (total + repeated,))


def final_softmax(
    target: DiagnosedTarget, contribution: Contribution | None = None, total: Values | None = None
) -> Iterator[Outcome]:
    """Yield the total without the softmax at the end of the network, or with one if it has none.

    Args:
        target: a total of a network.
        contribution: the convention by which layers are counted; by default the definition of the quantity.
        total: the total by this convention; by default the correct value.
    """
    (before, *_) = target.actual.values if total is None else total
    if not target.analysis.layers or isinstance(before, str):
        return
    index = output_layer("", target.analysis).node
    last = target.node(index)
    shape = last.outputs[0]
    has_softmax = last.op.name in SOFTMAX
    site = Site(last.op, target.graph.input_shapes(last)) if has_softmax else Site(Softmax(axis=0), (shape,))
    counts = counts_of(site.op, site.inputs, (shape,))
    own = contribution(site, counts, target.quantity) if contribution is not None else None
    number = (counts.of(target.quantity) if own is None else own) * target.batch
    if number:
        code, after = ("softmax-left-out", before - number) if has_softmax else ("softmax-added", before + number)
        yield outcome_of(code, (after,))


def _separable_as_standard(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Return the total with depthwise convolutions and the 1×1 ones after them as standard convolutions."""
    (total, *_) = target.actual.values
    assert not isinstance(total, str)
    changed: Number = 0
    members = set(target.members)
    for index in target.members:
        depthwise = _depthwise_before(target, index)
        if depthwise is None or (depthwise not in members and len(members) > 1):
            continue
        first, last = target.node(depthwise), target.node(index)
        op: Any = last.op
        standard = converted_operator(Conv, first.op, channels=op.channels, bias=op.bias, groups=1)
        inputs = target.graph.input_shapes(first)
        counts = counts_of(standard, inputs, standard.outputs(inputs))
        changed += counts.of(target.quantity) - target.counts(index).of(target.quantity)
        if depthwise in members:
            changed -= target.counts(depthwise).of(target.quantity)
    if changed:
        yield outcome_of("separable-as-standard", (total + changed * target.batch,))


def _depthwise_before(target: DiagnosedTarget, index: int) -> int | None:
    """Return the depthwise convolution before a 1×1 convolution; between them, all layers keep the shape."""
    op: Any = target.node(index).op
    if op.kind != "convolution" or op.window_kind != "sliding" or set(op.kernel) != {1} or op.name != "conv":
        return None
    while len(target.node(index).inputs) == 1:
        index = target.node(index).inputs[0].node
        node = target.node(index)
        if not node.inputs:
            return None
        sums = node.op.sums(target.graph.input_shapes(node)[0])
        if sums is not None:
            (kernels, *others) = sums.kernels
            is_depthwise = node.op.window_kind == "sliding" and not others and kernels.groups == kernels.inputs != 1
            return index if is_depthwise else None
        if node.outputs != target.graph.input_shapes(node)[:1]:
            return None
    return None
