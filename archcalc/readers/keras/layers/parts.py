"""Functions of ``keras.ops`` that take parts of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.joins import Concat
from archcalc.ops.structure import Identity, Slice
from archcalc.readers.keras.flat_model import CallOutput
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

MAX_RANGES = 512
"""The number of ranges of positions that may be layers of their own."""


@converts_operation("GetItem")
def item(n: LayerView) -> Ref:
    """Convert a part of a tensor: slices, single positions, whose axes are left out, lists of them, and new axes."""
    x, rank = n.x, n.rank(n.x)
    keys = n.call.args[1] if len(n.call.args) > 1 else n.call.kwargs.get("key")
    keys = keys if isinstance(keys, list) else [keys]
    taken = len([key for key in keys if key is not None and key is not Ellipsis])
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys = [*keys[:at], *[slice(None)] * (rank + 1 - taken), *keys[at + 1 :]]
    if not keys or keys[0] != slice(None) or taken > rank + 1:
        raise Unconvertible("a part of the batch")
    if len([key for key in keys if isinstance(key, list)]) > 1:
        raise Unconvertible("lists of positions along several axes")
    made, axis = x, 0
    shape: list[Any] = []
    for key in keys[1:]:
        if key is None:
            shape.append(1)
            continue
        axis += 1
        made = part_along(n, made, axis, key)
        if type(key) is not int:
            shape.append(n.file_shape(made)[axis - 1])
    shape += n.file_shape(made)[axis:]
    if any(key is None or type(key) is int for key in keys):
        made = n.from_file(n.reshaped(n.in_file(made), tuple(shape or [1])))
    return n.add(Identity(), made) if made == x else made


def part_along(n: LayerView, x: Ref, axis: int, key: Any) -> Ref:
    """Return the part of a tensor that a key selects along an axis, which remains."""
    size = n.file_shape(x)[axis - 1]
    if isinstance(key, list):
        return positions(n, x, axis, key)
    if type(key) is int:
        start = key + size if key < 0 else key
        return between(n, x, axis, start, start + 1)
    if not isinstance(key, slice) or not all(each is None or type(each) is int for each in _parts(key)):
        raise Unconvertible("an index that is neither a number nor a slice")
    if key == slice(None):
        return x
    step = 1 if key.step is None else key.step
    if step < 1:
        raise Unconvertible("a slice with a negative step")
    return between(n, x, axis, *_clipped(key, size), step)


def between(n: LayerView, x: Ref, axis: int, start: Any, stop: Any, step: int = 1) -> Ref:
    """Return positions of a tensor along an axis of Keras."""
    return n.add(make(Slice, range=(start, stop), step=step, axis=n.at(axis, n.rank(x))), x)


def _parts(key: slice) -> tuple[Any, Any, Any]:
    return key.start, key.stop, key.step


def _clipped(key: slice, size: Any) -> tuple[Any, Any]:
    """Return the bounds of a slice; those beyond the axis are its ends, if its size is known."""
    if type(size) is not int:
        return key.start, key.stop
    start, stop, _ = slice(key.start, key.stop).indices(size)
    return start, stop


def positions(n: LayerView, x: Ref, axis: int, indices: Sequence[Any]) -> Ref:
    """Return positions of a tensor along an axis, one behind another."""
    size = n.file_shape(x)[axis - 1]
    if type(size) is not int or not indices or not all(type(each) is int for each in indices):
        raise Unconvertible("positions that are not integers, or of an axis whose size is open")
    if not all(-size <= each < size for each in indices):
        raise Unconvertible(f"positions beyond {size}")
    ranges: list[list[int]] = []
    for each in (index % size for index in indices):
        if ranges and each == ranges[-1][1]:
            ranges[-1][1] += 1
        else:
            ranges.append([each, each + 1])
    if len(ranges) > MAX_RANGES:
        raise Unconvertible(f"{len(ranges):,} ranges of positions, more than {MAX_RANGES} that can be layers")
    rows = [between(n, x, axis, start, stop) for start, stop in ranges]
    return rows[0] if len(rows) == 1 else n.add(make(Concat, axis=n.at(axis, n.rank(x))), *rows)


@converts_operation("Take")
def take(n: LayerView) -> Ref:
    """Convert the positions of given indices; a single one leaves the axis out."""
    indices = n.call.args[1] if len(n.call.args) > 1 else n.call.kwargs.get("indices")
    rank = n.rank(n.x)
    if n.get("axis", None) is None:
        raise Unconvertible("positions among all elements, with those of other examples")
    axis = n.axis("axis", rank)
    if isinstance(indices, CallOutput):
        raise Unconvertible("positions that are computed")
    if type(indices) is not int:
        return positions(n, n.x, axis, indices if isinstance(indices, list) else [])
    return without_axis(n, part_along(n, n.x, axis, indices), axis)


def without_axis(n: LayerView, x: Ref, axis: int) -> Ref:
    """Return a tensor without an axis of one position."""
    shape = n.file_shape(x)
    left = (*shape[: axis - 1], *shape[axis:])
    return n.from_file(n.reshaped(n.in_file(x), left or (1,)))


@converts_operation("Flip")
def flip(n: LayerView) -> Ref:
    if n.get("axis", None) is None:
        raise Unconvertible("examples in reverse")
    made = n.x
    for axis in n.axes("axis", n.rank(made), None):
        size = n.file_shape(made)[axis - 1]
        made = positions(n, made, axis, range(size)[::-1] if type(size) is int else ())
    return made


@converts_operation("Split")
def split(n: LayerView) -> list[Ref]:
    """Convert parts of equal sizes, or those between given positions."""
    rank = n.rank(n.x)
    axis = n.axis("axis", rank, 0)
    size, given = n.file_shape(n.x)[axis - 1], n.get("indices_or_sections")
    if type(size) is not int:
        raise Unconvertible("parts of an axis whose size is open")
    if type(given) is int:
        if given < 1 or size % given:
            raise Unconvertible(f"{size} positions in {given} equal parts")
        given = range(size // given, size, size // given)
    if not isinstance(given, list | range) or not all(type(each) is int for each in given):
        raise Unconvertible("'indices_or_sections' must be integers")
    bounds = [0, *given, size]
    if not all(start < stop for start, stop in pairwise(bounds)):
        raise Unconvertible("parts without positions")
    return [between(n, n.x, axis, start, stop) for start, stop in pairwise(bounds)]


@converts_operation("Unstack")
def unstack(n: LayerView) -> list[Ref]:
    """Convert the positions along an axis as tensors of their own."""
    axis = n.axis("axis", n.rank(n.x), 0)
    size = n.file_shape(n.x)[axis - 1]
    if type(size) is not int or size > MAX_RANGES:
        raise Unconvertible(f"more than {MAX_RANGES} parts, or an open number of them")
    return [without_axis(n, between(n, n.x, axis, place, place + 1), axis) for place in range(size)]
