"""Rearrangements, reductions and repetitions by the meaning of their patterns: one index per name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce as fold
from itertools import product
from math import prod

from archcalc.executor.loops.scalar import Scalar, Tally, minimum
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, largest, sizes, total
from archcalc.ops.pattern import Axes, parse
from archcalc.ops.rearrange import ExplicitPattern, PixelShuffle, Rearrange, Reduce, Repeat, SpaceToDepth

COMBINED: Mapping[str, Callable[[Sequence[Scalar]], Scalar]] = {
    "sum": total,
    "mean": lambda numbers: total(numbers) / len(numbers),
    "max": largest,
    "min": lambda numbers: fold(minimum, numbers),
    "prod": lambda numbers: fold(lambda a, b: a * b, numbers),
}


@definition(Rearrange, Repeat)
def rearrange(op: Rearrange | Repeat, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return {made: inputs[0][read] for read, made in _pairs(op, inputs[0])}


@definition(Reduce)
def reduce(op: Reduce, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    groups: dict[Index, list[Scalar]] = {}
    for read, made in _pairs(op, inputs[0]):
        groups.setdefault(made, []).append(inputs[0][read])
    return {index: COMBINED[op.how](group) for index, group in groups.items()}


def _pairs(op: ExplicitPattern, x: Tensor) -> Iterator[tuple[Index, Index]]:
    """Yield the index on the left and that on the right for every value of all names."""
    parsed = parse(op.pattern)
    (left,) = parsed.inputs
    known = dict(op.sizes)
    for axis, n in zip(left, sizes(x), strict=True):
        for name in axis:
            if name not in known:
                known[name] = n // prod(known.get(other, 1) for other in axis)
    names = list(dict.fromkeys((*parsed.input_names, *parsed.output_names)))
    for values in product(*(range(known[name]) for name in names)):
        place = dict(zip(names, values, strict=True))
        yield _index(left, place, known), _index(parsed.output, place, known)


def _index(axes: Axes, place: Mapping[str, int], known: Mapping[str, int]) -> Index:
    """Return the index of an element: along each axis, the number whose digits are the values of its names."""
    index = []
    for axis in axes:
        number = 0
        for name in axis:
            number = number * known[name] + place[name]
        index.append(number)
    return tuple(index)


@definition(PixelShuffle)
def pixel_shuffle(op: PixelShuffle, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Place channel c·r² + y·r + x at position (y, x) of every block of map c, for any number of axes."""
    return {large: inputs[0][small] for small, large in _blocks(op.block, sizes(inputs[0]), shuffled=True)}


@definition(SpaceToDepth)
def space_to_depth(op: SpaceToDepth, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return {small: inputs[0][large] for small, large in _blocks(op.block, sizes(inputs[0]), shuffled=False)}


def _blocks(r: int, shape: Index, *, shuffled: bool) -> Iterator[tuple[Index, Index]]:
    """Yield the index of every element with blocks as channels, and with blocks as positions."""
    rank = len(shape) - 1
    channels = shape[0] // r**rank if shuffled else shape[0]
    positions = shape[1:] if shuffled else [n // r for n in shape[1:]]
    for c in range(channels):
        for inner in product(range(r), repeat=rank):
            packed = c
            for digit in inner:
                packed = packed * r + digit
            for outer in product(*map(range, positions)):
                yield (packed, *outer), (c, *(i * r + digit for i, digit in zip(outer, inner, strict=True)))
