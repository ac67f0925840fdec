"""Texts that are valid, but probably meant otherwise: shapes in another order, with a batch or without channels.

Every command that reads a network warns of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from archcalc.graph import ordered, write_shape
from archcalc.numeric import is_plain, product
from archcalc.ops.base import Operator, Shape
from archcalc.spec.errors import Problem, Span
from archcalc.spec.read import Spec

MAX_CHANNELS = 4
"""Images have at most so many channels."""
MIN_POSITIONS = 8
"""Images have at least so many rows and columns."""
MAX_ASPECT = 4
"""Images are at most so many times longer along one axis than along the other."""


class Misreading(NamedTuple):
    """A text that is probably meant otherwise: its place, how it is read, and what to write instead."""

    span: Span
    message: str
    hint: str


Check: TypeAlias = Callable[[Spec], Iterator[Misreading]]

CHECKS: dict[str, Check] = {}
"""What is looked for, by the code of the warning. The docstrings are the documentation of the warnings."""


def check(code: str) -> Callable[[Check], Check]:
    """Return a decorator that registers a function as the one that finds what this code warns of."""

    def register(function: Check) -> Check:
        CHECKS[code] = function
        return function

    return register


def misreadings(spec: Spec) -> list[Problem]:
    """Return a warning for every text of a spec that is probably meant otherwise."""
    return [
        Problem(code, message, span, hint, level="warning")
        for code, function in CHECKS.items()
        for span, message, hint in function(spec)
    ]


def _inputs(spec: Spec, axes: int) -> Iterator[tuple[str, Span, Shape]]:
    """Yield the names, places and shapes (as written) of the inputs with so many axes."""
    layout = spec.graph.layout
    for name, shape in spec.graph.inputs.items():
        span = spec.outline.shapes.get(name)
        if span is not None and len(shape) == axes and all(map(is_plain, shape)):
            yield name, span, ordered(shape, layout)


def _is_image(rows: Any, columns: Any) -> bool:
    """Return whether two sizes are likely those of an image."""
    least, most = sorted((rows, columns))
    return bool(least >= MIN_POSITIONS and most <= MAX_ASPECT * least)


def _text(shape: Shape) -> str:
    return write_shape(shape)


@check("channels-last-shape")
def channels_last_shape(spec: Spec) -> Iterator[Misreading]:
    """An input whose channels are probably at the other end of its shape.

    Shapes are channels × height × width, unless the file says `layout: hwc`: `512x512x3` has 512 channels and 3
    columns. Write the channels where the layout has them, or choose the layout: `layout: hwc` in a file, `--layout hwc`
    for an inline expression or `--shape`.
    """
    for _, span, written in _inputs(spec, 3):
        if spec.graph.layout == "hwc":
            channels, rows, columns = written
            other, order, likely = (rows, columns, channels), "height x width x channels", rows == columns
        else:
            rows, columns, channels = written
            other, order, likely = (channels, rows, columns), "channels x height x width", True
        if not (likely and channels <= MAX_CHANNELS and _is_image(rows, columns)):
            continue
        hint = f"if the channels are {'first' if spec.graph.layout == 'hwc' else 'last'}, write {_text(other)}"
        if spec.outline.document is not None and span.text.source is spec.source:
            hint += ", or leave out 'layout: hwc'" if spec.graph.layout == "hwc" else ", or 'layout: hwc' in the file"
        yield Misreading(span, f"the shape {_text(written)} is read as {order}", hint)


@check("batch-in-shape")
def batch_in_shape(spec: Spec) -> Iterator[Misreading]:
    """An input whose shape probably includes a batch.

    Shapes are those of one example: `1x3x224x224` is one channel of a volume of depth 3. Leave the batch out; `--batch`
    adds it to all shapes.
    """
    for _, span, written in _inputs(spec, 4):
        first, *example = written
        read = (
            "depth x height x width x channels" if spec.graph.layout == "hwc" else "channels x depth x height x width"
        )
        last = example[-1]
        if example[0] <= MAX_CHANNELS and _is_image(*example[1:]) and (first == 1 or example[0] in (1, 3)):
            meant = example
        elif last <= MAX_CHANNELS and _is_image(*example[:-1]) and (first == 1 or spec.graph.layout == "chw"):
            meant = example if spec.graph.layout == "hwc" else [last, *example[:-1]]
        else:
            continue
        hint = f"if the first size is that of a batch, write {_text(tuple(meant))}: shapes are those of one example"
        if first != 1 and meant[0] == last:
            hint = f"if the channels are last, write {_text((last, *written[:-1]))}; {hint}"
        yield Misreading(span, f"the shape {_text(written)} is read as {read}", hint)


@check("missing-channels")
def missing_channels(spec: Spec) -> Iterator[Misreading]:
    """A square input without channels, over which windows slide along one axis only.

    Two sizes are channels × length, as for sound or text: `32x32` has 32 channels. An image with one channel is
    `1x32x32`.
    """
    graph = spec.graph
    for _, span, (channels, length) in _inputs(spec, 2):
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
            yield Misreading(span, message, f"for an image with one channel, write {_text(image)}")


@check("layer-norm-axis")
def layer_norm_axis(spec: Spec) -> Iterator[Misreading]:
    """A layer normalisation of all numbers together, which is not said to be one.

    By default `ln` normalises the entire tensor. PyTorch's and Keras's layer normalisation usually runs over the last
    axis, ConvNeXt's over the channels. Write `axis=last`, `axis=channels` or, to keep it, `axis=all`.
    """
    graph = spec.graph
    seen: set[Span] = set()
    for index, node in graph.layers():
        span = spec.outline.places[index]
        shape = graph.shape(node.inputs[0]) if node.inputs else ()
        if span is None or span in seen or len(shape) < 2 or not _normalises_all(node.op, span):
            continue
        seen.add(span)
        last = "channels" if graph.layout == "hwc" else "last"
        fewer = _parameters(replace(node.op, axis=last), shape)
        hint = f"write axis=last ({fewer} parameters) or axis=channels; axis=all keeps it"
        numbers = f"all {_number(product(shape))} numbers together ({_parameters(node.op, shape)} parameters)"
        yield Misreading(span, f"'{node.name}' normalises {numbers}", hint)


def _normalises_all(op: Operator, span: Span) -> bool:
    """Return whether an operator normalises everything because its axis is not written."""
    default = next((p.default for p in op.parameters() if p.name == "axis"), None)
    written = span.text.value[span.start : span.end]
    return default == "all" == getattr(op, "axis", None) and "axis" not in written


def _parameters(op: Operator, shape: Shape) -> str:
    return _number(sum(weight.count for weight in op.weights((shape,))))


def _number(number: Any) -> str:
    return f"{number:,}" if is_plain(number) else str(number)
