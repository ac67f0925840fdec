"""Input shapes that are valid, but probably meant otherwise: with the channels last, a batch, or too few axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from archcalc.graph import axis_symbols, ordered, write_shape
from archcalc.numeric import is_plain
from archcalc.ops.base import Shape
from archcalc.spec.errors import Source, Span, SpecError

MAX_CHANNELS = 4
"""The maximum number of channels of an image."""
MIN_POSITIONS = 8
"""The minimum number of rows and of columns of an image."""
MAX_ASPECT = 4
"""The maximum ratio of the sides of an image."""


class Misreading(NamedTuple):
    """A text that is probably meant otherwise: its place, how it is read, and what to write instead."""

    span: Span
    message: str
    hint: str


class WrittenInputs(NamedTuple):
    """The inputs of a network with the places of their shapes."""

    shapes: Mapping[str, Shape]
    """The shapes by name, channels first."""
    places: Mapping[str, Span]
    layout: str
    """The layout in which they are written."""
    file: Source | None
    """The file that sets the layout; ``None`` for an inline expression."""
    replaced: Mapping[str, Shape] = {}
    """The shapes in the text of the network, channels first, that others given from outside replace, by name."""

    def of_rank(self, axes: int) -> Iterator[tuple[Span, Shape]]:
        """Yield the places and shapes, as written, of the inputs with this number of axes."""
        for name, shape in self.shapes.items():
            span = self.places.get(name)
            if span is not None and len(shape) == axes and all(map(is_plain, shape)):
                yield span, ordered(shape, self.layout)


def is_image(rows: Any, columns: Any) -> bool:
    """Return whether two sizes are likely those of an image."""
    least, most = sorted((rows, columns))
    return bool(least >= MIN_POSITIONS and most <= MAX_ASPECT * least)


def channels_at_the_other_end(inputs: WrittenInputs) -> Iterator[Misreading]:
    """Yield the shapes whose channels are probably at the other end."""
    for span, written in inputs.of_rank(3):
        if inputs.layout == "hwc":
            channels, rows, columns = written
            other, order, likely = (rows, columns, channels), "height x width x channels", rows == columns
        else:
            rows, columns, channels = written
            other, order, likely = (channels, rows, columns), "channels x height x width", True
        if not (likely and channels <= MAX_CHANNELS and is_image(rows, columns)):
            continue
        hint = f"if the channels are {'first' if inputs.layout == 'hwc' else 'last'}, write {write_shape(other)}"
        if span.text.source is inputs.file:
            hint += ", or leave out 'layout: hwc'" if inputs.layout == "hwc" else ", or 'layout: hwc' in the file"
        yield Misreading(span, f"the shape {write_shape(written)} is read as {order}", hint)


def with_a_batch(inputs: WrittenInputs) -> Iterator[Misreading]:
    """Yield the shapes that probably include a batch."""
    for span, written in inputs.of_rank(4):
        first, *example = written
        read = "depth x height x width x channels" if inputs.layout == "hwc" else "channels x depth x height x width"
        last = example[-1]
        if example[0] <= MAX_CHANNELS and is_image(*example[1:]) and (first == 1 or example[0] in (1, 3)):
            meant = example
        elif last <= MAX_CHANNELS and is_image(*example[:-1]) and (first == 1 or inputs.layout == "chw"):
            meant = example if inputs.layout == "hwc" else [last, *example[:-1]]
        else:
            continue
        hint = f"if the first size is that of a batch, write {write_shape(tuple(meant))}: shapes are of one example"
        if first != 1 and meant[0] == last:
            hint = f"if the channels are last, write {write_shape((last, *written[:-1]))}; {hint}"
        yield Misreading(span, f"the shape {write_shape(written)} is read as {read}", hint)


def with_other_axes(inputs: WrittenInputs) -> Iterator[Misreading]:
    """Yield the shapes with another number of axes than those that they replace."""
    for name, own in inputs.replaced.items():
        given = inputs.shapes[name]
        if len(given) == len(own):
            continue
        shapes = [ordered(shape, inputs.layout) for shape in (given, own)]
        written, wanted = map(write_shape, shapes)
        axes = "axis" if len(given) == 1 else "axes"
        message = f"the shape {written} has {len(given)} {axes}, but the network's own input {wanted} has {len(own)}"
        letters = "x".join(ordered(axis_symbols(len(own)), inputs.layout))
        yield Misreading(inputs.places[name], message, f"write {letters}, as in {wanted}")


INPUT_CHECKS = (channels_at_the_other_end, with_a_batch, with_other_axes)
"""The functions that find such shapes without knowing the layers; the first that finds one explains an error."""


def with_reading(error: SpecError, inputs: WrittenInputs) -> SpecError:
    """Return the error that a layer is impossible, with the reading of the input as its hint if that is the reason."""
    found = next((each for check in INPUT_CHECKS for each in check(inputs)), None)
    if found is None:
        return error
    hint = f"{found.message}; {found.hint}"
    return SpecError(
        [replace(each, hint=each.hint or hint) if each.code == "shape" else each for each in error.problems]
    )
