"""Dynamic sizes of the inputs of a model: sizes that the file leaves open, within a range."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from archcalc.graph import axis_symbols
from archcalc.numeric import Number, require
from archcalc.ops.base import Shape

EXAMPLE = 224
"""The size of an axis that a file leaves open, as long as none is given: that of the images of ImageNet."""

Axis: TypeAlias = tuple[str, int]
"""An axis of an input, by the name of the input and its index in the shape without the batch."""


class DynamicSize(NamedTuple):
    """A size that is factor · symbol + offset; sizes with the same symbol depend on each other."""

    symbol: str
    factor: int = 1
    offset: int = 0
    low: int = 0
    """The smallest size."""
    high: int | None = None
    """The largest size; ``None``: any."""

    @property
    def range(self) -> str:
        """The sizes as text: ``between 32 and 512, and a multiple of 32``."""
        limits = f"at least {self.low}" if self.high is None else f"between {self.low} and {self.high}"
        if self.factor == 1:
            return limits
        if self.offset % self.factor == 0:
            return f"{limits}, and a multiple of {self.factor}"
        return f"{limits}, and {self.offset % self.factor} more than a multiple of {self.factor}"


def follow_dynamic_sizes(
    shapes: Mapping[str, Shape], dynamic: Mapping[Axis, DynamicSize], given: Collection[Axis]
) -> dict[str, Shape]:
    """Return shapes whose dynamic sizes fit together, and require that they are in their ranges.

    Args:
        shapes: the shapes of the inputs, without the batch, by name.
        dynamic: the dynamic sizes among them.
        given: the axes whose sizes are given; all others with the same symbol follow them.

    Raises:
        Impossible: a size that is not in its range, or that contradicts another.
    """
    found = {name: list(shape) for name, shape in shapes.items()}
    known: dict[str, tuple[Axis, Number]] = {}
    for axis, size in sorted(dynamic.items(), key=lambda each: each[0] not in given):
        name, index = axis
        if index >= len(found[name]):
            continue  # a shape of another rank, which the first layer refuses
        first = known.get(size.symbol)
        if first is not None and axis not in given:
            found[name][index] = first[1] * size.factor + size.offset
        n = found[name][index]
        what = _written(axis, shapes)
        conditions = [n >= size.low] if size.low > 1 else []
        conditions += [] if size.high is None else [n <= size.high]
        conditions += [] if size.factor == 1 else [(n - size.offset) % size.factor == 0]
        for condition in conditions:
            message = "the size {what} must be {range}, got {n}"
            require(condition, message, what=what, range=size.range, n=n)
        value = (n - size.offset) // size.factor
        if first is None:
            known[size.symbol] = axis, value
        else:
            other, same = first
            message = "the size {what} depends on {other}, and must be {needed}, got {n}"
            needed = same * size.factor + size.offset
            require(n == needed, message, what=what, other=_written(other, shapes), needed=needed, n=n)
    return {name: tuple(shape) for name, shape in found.items()}


def ranges(shapes: Mapping[str, Shape], dynamic: Mapping[Axis, DynamicSize]) -> Iterator[str]:
    """Return the dynamic sizes as text, with their ranges."""
    for axis, size in dynamic.items():
        yield f"{_written(axis, shapes)}: {size.range}"


def _written(axis: Axis, shapes: Mapping[str, Shape]) -> str:
    """Return an axis as text: ``H of the input 'x'``."""
    name, index = axis
    return f"{axis_symbols(len(shapes[name]))[index]} of the input '{name}'"
