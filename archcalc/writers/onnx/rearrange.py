"""Rearrangements in einops' notation. The counterparts write them as reshapes and transpositions."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import (
    permuted,
    reshaped,
    whole,
)
from archcalc.writers.onnx.registry import writes

Axes = list[list[str]]


def read(op: Any, shape: Sizes) -> tuple[Axes, Axes, dict[str, int]]:
    """Return the two sides of a pattern, and the size of every name."""
    left, right = (_axes(side) for side in op.pattern.replace("->", "=").replace("→", "=").split("="))
    sizes = dict(op.sizes)
    for axis, n in zip(left, shape, strict=True):
        known = prod(sizes[name] for name in axis if name in sizes)
        sizes.update({name: n // known for name in axis if name not in sizes})
    return left, right, sizes


def _axes(side: str) -> Axes:
    found: Axes = []
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(" or word == ")":
            found.append([])
        elif found and (found[-1] or side.count("(")) and _inside(side, word):
            found[-1].append(word)
        else:
            found.append([word])
    return [axis for axis in found if axis]


def _inside(side: str, name: str) -> bool:
    """Return whether a name is in brackets."""
    before = side.replace("(", " ( ").replace(")", " ) ").split()
    before = before[: before.index(name)]
    return before.count("(") > before.count(")")


def steps(op: Any, shape: Sizes) -> tuple[list[int], list[str], list[str], list[int], list[int]]:
    """Return sizes of all factors, their names, those that remain, their order, and the sizes of the result."""
    left, right, sizes = read(op, shape)
    names = [name for axis in left for name in axis]
    made = [name for axis in right for name in axis]
    kept = [name for name in names if name in made] + [name for name in made if name not in names]
    order = [kept.index(name) for name in made]
    return [sizes[n] for n in names], names, kept, order, [prod(sizes[n] for n in axis) for axis in right]


@writes("rearrange", "reduce", "repeat")
def write_pattern(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    split, names, kept, order, result = steps(op, shape)
    name = reshaped(model, name, *split)
    gone = [1 + place for place, each in enumerate(names) if each not in kept]
    if gone:
        kind = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}
        name = model.add(kind[op.how], name, whole(model, *gone), keepdims=0)
    new = [dict(op.sizes)[each] for each in kept if each not in names]
    if new:
        own = len(split) + 1
        name = model.add("Unsqueeze", name, whole(model, *range(own, own + len(new))))
        name = model.add("Expand", name, whole(model, 1, *(1 for _ in split), *new))
    return reshaped(model, permuted(model, name, 0, *(1 + place for place in order)), *result)


@writes("pixel_shuffle", "space_to_depth")
def write_block(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    r, rank = op.block, len(shape) - 1
    if op.name == "pixel_shuffle":
        c = shape[0] // r**rank
        name = reshaped(model, name, c, *(r for _ in range(rank)), *shape[1:])
        pairs = [axis for place in range(rank) for axis in (2 + rank + place, 2 + place)]
        return reshaped(model, permuted(model, name, 0, 1, *pairs), c, *(n * r for n in shape[1:]))
    name = reshaped(model, name, shape[0], *(size for n in shape[1:] for size in (n // r, r)))
    order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
    return reshaped(model, permuted(model, name, 0, 1, *order), shape[0] * r**rank, *(n // r for n in shape[1:]))
