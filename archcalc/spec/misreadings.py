"""Texts that are valid, but probably meant otherwise: shapes in another order, with a batch or without channels.

Every command that reads a network warns of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from archcalc.graph import write_shape
from archcalc.numeric import is_plain, product
from archcalc.ops.base import Operator, Shape
from archcalc.spec.errors import Problem, Span
from archcalc.spec.misread_shapes import (
    MIN_POSITIONS,
    Misreading,
    WrittenInputs,
    channels_at_the_other_end,
    with_a_batch,
    with_other_axes,
)
from archcalc.spec.records import Spec

Check: TypeAlias = Callable[[Spec], Iterator[Misreading]]

CHECKS: dict[str, Check] = {}
"""The checks by the codes of their warnings. Their docstrings are the documentation of the warnings."""


def check(code: str) -> Callable[[Check], Check]:
    """Return a decorator that registers a function as the check for this code."""

    def register(function: Check) -> Check:
        CHECKS[code] = function
        return function

    return register


def written_inputs(spec: Spec) -> WrittenInputs:
    """Return the inputs of a spec with the places of their shapes."""
    file = None if spec.outline.document is None else spec.source
    return WrittenInputs(spec.graph.inputs, spec.outline.shapes, spec.graph.layout, file, spec.outline.replaced)


def misreadings(spec: Spec) -> list[Problem]:
    """Return a warning for every text of a spec that is probably meant otherwise."""
    return [
        Problem(code, message, span, hint, level="warning")
        for code, function in CHECKS.items()
        for span, message, hint in function(spec)
    ]


@check("channels-last-shape")
def channels_last_shape(spec: Spec) -> Iterator[Misreading]:
    """An input whose channels are probably at the other end of its shape.

    Shapes are channels × height × width, unless the file says `layout: hwc`: `512x512x3` has 512 channels and 3
    columns. Write the channels where the layout has them, or choose the layout: `layout: hwc` in a file, `--layout hwc`
    for an inline expression or `--shape`.
    """
    return channels_at_the_other_end(written_inputs(spec))


@check("batch-in-shape")
def batch_in_shape(spec: Spec) -> Iterator[Misreading]:
    """An input whose shape probably includes a batch.

    Shapes are those of one example: `1x3x224x224` is one channel of a volume of depth 3. Leave the batch out; `--batch`
    adds it to all shapes.
    """
    return with_a_batch(written_inputs(spec))


@check("missing-channels")
def missing_channels(spec: Spec) -> Iterator[Misreading]:
    """A square input without channels, over which windows slide along one axis only.

    Two sizes are channels × length, as for sound or text: `32x32` has 32 channels. An image with one channel is
    `1x32x32`.
    """
    graph = spec.graph
    for span, (channels, length) in written_inputs(spec).of_rank(2):
        if channels != length or length < MIN_POSITIONS:
            continue
        slides = [
            node.name
            for _, node in graph.layers()
            if node.op.window_kind in ("sliding", "transposed") and len(graph.input_shapes(node)[0]) == 2
        ]
        if slides:
            message = (
                f"the shape {channels}x{length} is read as {channels} channels of length {length}: "
                f"'{slides[0]}' slides along one axis"
            )
            image = (length, length, 1) if graph.layout == "hwc" else (1, length, length)
            yield Misreading(span, message, f"for an image with one channel, write {write_shape(image)}")


@check("other-axes")
def other_axes(spec: Spec) -> Iterator[Misreading]:
    """An input shape given from outside whose number of axes differs from that of the network's own.

    `--shape 3x32` turns a network for images into one for sequences of 3 channels: its windows then slide along one
    axis. Usually a size is missing: `--shape 3x32x32`.
    """
    inputs = written_inputs(spec)
    explained = {found.span for found in (*channels_last_shape(spec), *batch_in_shape(spec), *missing_channels(spec))}
    return (found for found in with_other_axes(inputs) if found.span not in explained)


@check("layer-norm-axis")
def layer_norm_axis(spec: Spec) -> Iterator[Misreading]:
    """A layer normalisation of all numbers together that does not say so.

    By default `ln` normalises the entire tensor. PyTorch's and Keras's layer normalisation usually runs over the last
    axis, ConvNeXt's over the channels. Write `axis=last`, `axis=channels` or, to keep it, `axis=all`.
    """
    graph = spec.graph
    seen: set[Span] = set()
    for index, node in graph.layers():
        span = spec.outline.places[index]
        if getattr(node.op, "axis", None) != "all" or span is None or span in seen or not node.inputs:
            continue
        shape = graph.shape(node.inputs[0])
        if len(shape) < 2 or not _normalises_all(node.op, span):
            continue
        seen.add(span)
        last = "channels" if graph.layout == "hwc" else "last"
        fewer = _parameters(replace(node.op, axis=last), shape)
        hint = f"write axis=last ({fewer} parameters) or axis=channels; axis=all keeps it"
        numbers = f"all {_number(product(shape))} numbers together ({_parameters(node.op, shape)} parameters)"
        yield Misreading(span, f"'{node.name}' normalises {numbers}", hint)


def _normalises_all(op: Operator, span: Span) -> bool:
    """Return whether an operator for the axis ``all`` has it by default: no axis is written."""
    default = next((p.default for p in op.parameters() if p.name == "axis"), None)
    return default == "all" and "axis" not in span.text.value[span.start : span.end]


def _parameters(op: Operator, shape: Shape) -> str:
    return _number(sum(weight.count for weight in op.weights((shape,))))


def _number(number: Any) -> str:
    return f"{number:,}" if is_plain(number) else str(number)
