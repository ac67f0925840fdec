"""Functions of ``keras.ops`` that rearrange, repeat and join whole axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.graph import Ref
from archcalc.numeric import known_equal
from archcalc.ops.joins import Concat
from archcalc.ops.rearrange import Rearrange, Repeat
from archcalc.ops.resample import Pad
from archcalc.ops.structure import Identity, Roll
from archcalc.readers.keras.layers.constants import in_one_rank
from archcalc.readers.keras.layers.shape import reshape_to
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView, checked_axis
from archcalc.readers.steps import make


def changed(n: LayerView, made: Ref) -> Ref:
    """Return a tensor, with a layer of its own if it is the one that is read."""
    return n.add(Identity(), made) if made == n.x else made


def integers(n: LayerView, name: str) -> list[int]:
    """Return an entry that is one integer or several."""
    value = n.get(name)
    values = [value] if type(value) is int else value
    if not isinstance(values, list) or not all(type(each) is int for each in values):
        raise Unconvertible(f"'{name}' must be integers")
    return values


@converts_operation("Reshape")
def reshape(n: LayerView) -> Ref:
    target = n.get("newshape")
    if not isinstance(target, list) or not all(type(each) is int for each in target[1:]) or not target:
        raise Unconvertible("'newshape' must be integers")
    if target[0] not in (-1, None):
        raise Unconvertible("a reshape that fixes the number of examples")
    return changed(n, reshape_to(n, n.x, tuple(target[1:])))


@converts_operation("Transpose")
def transpose(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    order = n.get("axes")
    if not isinstance(order, list) or order[:1] != [0] or sorted(order) != list(range(rank + 1)):
        raise Unconvertible("'axes' must leave the batch first")
    return changed(n, n.from_file(n.arranged(n.x, order[1:])))


@converts_operation("Swapaxes")
def swap_axes(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    one, other = (n.axis(name, rank) for name in ("axis1", "axis2"))
    order = [*range(1, rank + 1)]
    order[one - 1], order[other - 1] = other, one
    return changed(n, n.from_file(n.arranged(n.x, order)))


@converts_operation("Moveaxis")
def move_axes(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    moved, places = ([checked_axis(each, rank) for each in integers(n, name)] for name in ("source", "destination"))
    if len(moved) != len(places) or len({*moved}) < len(moved) or len({*places}) < len(places):
        raise Unconvertible("'source' and 'destination' must name the same number of axes, each once")
    rest = iter([axis for axis in range(1, rank + 1) if axis not in moved])
    order = [moved[places.index(place)] if place in places else next(rest) for place in range(1, rank + 1)]
    return changed(n, n.from_file(n.arranged(n.x, order)))


@converts_operation("ExpandDims")
def with_ones(n: LayerView) -> Ref:
    shape, given = list(n.file_shape(n.x)), integers(n, "axis")
    for axis in sorted(checked_axis(each, len(shape) + len(given)) for each in given):
        shape.insert(axis - 1, 1)
    return n.from_file(n.reshaped(n.in_file(n.x), tuple(shape)))


@converts_operation("Squeeze")
def without_ones(n: LayerView) -> Ref:
    shape = n.file_shape(n.x)
    axes = n.axes("axis", len(shape), None) if n.get("axis", None) is not None else ()
    if not axes:
        raise Unconvertible("the axes without positions must be given, as the batch may be 1")
    if not all(known_equal(shape[axis - 1], 1) for axis in axes):
        raise Unconvertible("an axis of more than one position")
    left = tuple([size for axis, size in enumerate(shape, 1) if axis not in axes])
    return changed(n, n.from_file(n.reshaped(n.in_file(n.x), left or (1,))))


@converts_operation("Concatenate")
def concatenate(n: LayerView) -> Ref:
    given = n.call.args[0] if n.call.args else n.call.kwargs.get("xs")
    if not isinstance(given, list) or not n.tensors:
        raise Unconvertible("a list of tensors must be given")
    tensors = in_one_rank(n, given)
    rank = n.rank(tensors[0])
    return n.add(make(Concat, axis=n.at(n.axis("axis", rank), rank)), *tensors)


@converts_operation("Stack")
def stack(n: LayerView) -> Ref:
    """Convert tensors next to each other along a new axis."""
    tensors = n.tensors
    shape = list(n.file_shape(tensors[0]))
    axis = checked_axis(n.integer("axis", 0, at_least=None), len(shape) + 1)
    shape.insert(axis - 1, 1)
    rows = [n.from_file(n.reshaped(n.in_file(each), tuple(shape))) for each in tensors]
    return n.add(make(Concat, axis=n.at(axis, len(shape))), *rows)


def repeated(n: LayerView, x: Ref, counts: Sequence[Any], *, each: bool) -> Ref:
    """Return a tensor, which has its axes in the order of Keras, repeated along axes.

    Args:
        n: the call.
        x: the tensor.
        counts: how often, by axis.
        each: whether every element is repeated by itself, instead of all of an axis as a whole.
    """
    names = [f"a{axis}" for axis in range(len(counts))]
    made, sizes = [], []
    for axis, (name, count) in enumerate(zip(names, counts, strict=True)):
        if count == 1:
            made.append(name)
            continue
        new = f"r{axis}"
        sizes.append((new, count))
        is_single = known_equal(n.shape(x)[axis], 1)
        made.append(new if is_single else f"({name} {new})" if each else f"({new} {name})")
        names[axis] = "1" if is_single else name
    if not sizes:
        return x
    pattern = f"{' '.join(names)} = {' '.join(made)}"
    return n.add(make(Repeat, pattern=pattern, sizes=tuple(sizes)), x)


@converts_operation("Repeat")
def repeat(n: LayerView) -> Ref:
    rank, count = n.rank(n.x), n.integer("repeats")
    if n.get("axis", None) is None:
        raise Unconvertible("a repetition that includes the batch")
    axis = n.axis("axis", rank)
    counts = [count if each == axis else 1 for each in range(1, rank + 1)]
    return changed(n, n.from_file(repeated(n, n.in_file(n.x), counts, each=True)))


@converts_operation("Tile")
def tile(n: LayerView) -> Ref:
    counts, rank = integers(n, "repeats"), n.rank(n.x)
    counts = [*(1,) * (rank + 1 - len(counts)), *counts]
    if len(counts) > rank + 1 or counts[0] != 1 or min(counts) < 1:
        raise Unconvertible("repeated examples, or new axes")
    return changed(n, n.from_file(repeated(n, n.in_file(n.x), counts[1:], each=False)))


@converts_operation("BroadcastTo")
def broadcast_to(n: LayerView) -> Ref:
    target, shape = n.get("shape"), n.file_shape(n.x)
    if not isinstance(target, list) or not all(type(each) is int for each in target[1:]) or not target[1:]:
        raise Unconvertible("'shape' must be sizes")
    if len(target) != len(shape) + 1:
        raise Unconvertible("new axes before those of a tensor")
    pairs = list(zip(shape, target[1:], strict=True))
    if not all(known_equal(size, wanted) or known_equal(size, 1) for size, wanted in pairs):
        raise Unconvertible("sizes that neither equal those of the tensor nor repeat a single position")
    counts = [1 if known_equal(size, wanted) else wanted for size, wanted in pairs]
    return changed(n, n.from_file(repeated(n, n.in_file(n.x), counts, each=True)))


@converts_operation("Roll")
def roll(n: LayerView) -> Ref:
    rank, made = n.rank(n.x), n.x
    shifts = integers(n, "shift")
    if n.get("axis", None) is None:
        raise Unconvertible("a shift that includes the batch")
    axes = [checked_axis(each, rank) for each in integers(n, "axis")]
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    if len(shifts) != len(axes):
        raise Unconvertible("'shift' and 'axis' must be equally long")
    for shift, axis in zip(shifts, axes, strict=True):
        made = n.add(make(Roll, shift=shift, axis=n.at(axis, rank)), made)
    return changed(n, made)


@converts_operation("Pad")
def pad(n: LayerView) -> Ref:
    """Convert positions before and after those of some axes: zeros, or those of the axis in reverse."""
    rank, given, mode = n.rank(n.x), n.get("pad_width"), n.word("mode", "constant")
    borders = {"constant": "zeros", "reflect": "reflect"}
    if mode not in borders or number_of(n.get("constant_values", 0)):
        raise Unconvertible("values other than zeros or reflected ones")
    rows = [given] if type(given) is int else given
    pairs = [tuple(each) if isinstance(each, list) else (each, each) for each in rows]
    pairs = pairs * (rank + 1) if len(pairs) == 1 else pairs
    fits = all(len(each) == 2 and {*map(type, each)} == {int} and min(each) >= 0 for each in pairs)
    if not fits or len(pairs) != rank + 1 or pairs[0] != (0, 0):
        raise Unconvertible("'pad_width' must be numbers before and after each axis, without the batch")
    own = [axis for axis in range(1, rank + 1) if pairs[axis] == (0, 0)]
    if len(own) == rank:
        return n.add(Identity(), n.x)
    if own:  # an axis that is not padded stands before the others, as channels do
        first = rank if rank in own else own[0]
        order = [first, *(axis for axis in range(1, rank + 1) if axis != first)]
        margin = tuple([pairs[axis] for axis in order[1:]])
        made = n.add(make(Pad, margin=margin, border=borders[mode]), n.arranged(n.x, order))
        return n.restored(made, order)
    whole = n.reshaped(n.in_file(n.x), (1, *n.file_shape(n.x)))
    made = n.add(make(Pad, margin=tuple(pairs[1:]), border=borders[mode]), whole)
    return n.from_file(n.reshaped(made, n.shape(made)[1:]))


def number_of(value: Any) -> Any:
    """Return a number; ``None`` counts as 0."""
    if value is not None and type(value) not in (int, float):
        raise Unconvertible("several values for positions that are added")
    return value or 0


@converts_operation("SpaceToDepth", "DepthToSpace")
def blocks(n: LayerView) -> Ref:
    """Convert blocks of positions to channels, or the reverse; the channels of a position vary fastest."""
    if n.rank(n.x) != 3 or not n.channels_last:
        raise Unconvertible("blocks of anything but maps with the channels last")
    size = n.integer("block_size")
    split, merged = "(h p) (w q) c", "h w (p q c)"
    deep = n.call.layer.class_name == "SpaceToDepth"
    pattern = f"{split} = {merged}" if deep else f"{merged} = {split}"
    op = make(Rearrange, pattern=pattern, sizes=(("p", size), ("q", size)))
    return n.from_file(n.add(op, n.in_file(n.x)))
