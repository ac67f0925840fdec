"""Rearrangements in einops' notation, as reshapes and transpositions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archcalc.ops.pattern import parse
from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import permuted, reshaped, whole
from archcalc.writers.onnx.registry import writes


def steps(op: Any, shape: Sizes) -> tuple[list[int], Sequence[str], list[str], list[int], list[int]]:
    """Return sizes of all factors, their names, those that remain, their order, and the sizes of the result."""
    pattern = parse(op.pattern)
    names, made = pattern.input_names, pattern.output_names
    sizes = dict(op.sizes)
    for axis, n in zip(pattern.inputs[0], shape, strict=True):
        known = prod(sizes[name] for name in axis if name in sizes)
        sizes.update({name: n // known for name in axis if name not in sizes})
    kept = [name for name in names if name in made] + [name for name in made if name not in names]
    order = [kept.index(name) for name in made]
    result = [prod(sizes[name] for name in axis) for axis in pattern.output]
    return [sizes[name] for name in names], names, kept, order, result


@writes("rearrange", "reduce", "repeat")
def write_pattern(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
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
def write_block(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    r, rank = op.block, len(shape) - 1
    if op.name == "pixel_shuffle":
        c = shape[0] // r**rank
        name = reshaped(model, name, c, *(r for _ in range(rank)), *shape[1:])
        pairs = [axis for place in range(rank) for axis in (2 + rank + place, 2 + place)]
        return reshaped(model, permuted(model, name, 0, 1, *pairs), c, *(n * r for n in shape[1:]))
    name = reshaped(model, name, shape[0], *(size for n in shape[1:] for size in (n // r, r)))
    order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
    return reshaped(model, permuted(model, name, 0, 1, *order), shape[0] * r**rank, *(n // r for n in shape[1:]))
