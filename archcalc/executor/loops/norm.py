"""Normalisations by their definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

from archcalc.executor.loops.numbers import function, named_value
from archcalc.executor.loops.scalar import Plain, Scalar, Tally, maximum, named, sqrt
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, textbook, total
from archcalc.ops.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RmsNorm,
    Standardize,
)


@definition(BatchNorm)
def batch_norm(op: BatchNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Compute a·x + b per channel; a and b are computed once before any input, which is not counted."""
    stored = {name: {c: number.value for (c,), number in array.items()} for name, array in weights.items()}
    factor, offset = {}, {}
    for c, mean in stored["mean"].items():
        deviation = named_value("standard deviation", function("sqrt", stored["variance"][c] + op.eps))
        factor[c] = named_value("factor", stored.get("scale", {}).get(c, 1.0) / deviation)
        offset[c] = named_value("offset", stored.get("shift", {}).get(c, 0.0) - mean * factor[c])
    return {index: x * factor[index[0]] + offset[index[0]] for index, x in inputs[0].items()}


@textbook(BatchNorm)
def batch_norm_of_textbooks(op: BatchNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Subtract the mean and divide by the standard deviation, then apply scale and shift."""
    deviation = {channel: named("standard deviation", sqrt(v + op.eps)) for channel, v in weights["variance"].items()}
    out: Tensor = {}
    for index, x in inputs[0].items():
        out[index] = named("normalised", (x - weights["mean"][index[:1]]) / deviation[index[:1]])
    return scaled_and_shifted(out, weights, lambda index: index[:1])


def groups(x: Tensor, group_of: Callable[[Index], object]) -> Iterable[list[Index]]:
    """Return the indices of the numbers that are normalised together."""
    found: dict[object, list[Index]] = {}
    for index in sorted(x):
        found.setdefault(group_of(index), []).append(index)
    return found.values()


def _normalised(x: Tensor, group_of: Callable[[Index], object], eps: Plain) -> Tensor:
    """Return every group of numbers minus its mean, divided by its standard deviation."""
    out: Tensor = {}
    for group in groups(x, group_of):
        mean = named("mean", total(x[index] for index in group) / len(group))
        differences = {index: x[index] - mean for index in group}
        squares = total(difference * difference for difference in differences.values())
        variance = named("variance", squares / len(group))
        deviation = named("standard deviation", sqrt(variance + eps))
        out.update({index: named("normalised", difference / deviation) for index, difference in differences.items()})
    return out


def scaled_and_shifted(x: Tensor, weights: dict[str, Tensor], of: Callable[[Index], Index]) -> Tensor:
    """Return scale·x + shift if these are learned, else x."""
    if "scale" not in weights:
        return x
    return {index: weights["scale"][of(index)] * number + weights["shift"][of(index)] for index, number in x.items()}


@definition(LayerNorm)
def layer_norm(op: LayerNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    group, learned = _along(op.axis)
    return scaled_and_shifted(_normalised(inputs[0], group, op.eps), weights, learned)


def _along(axis: str) -> tuple[Callable[[Index], Index], Callable[[Index], Index]]:
    """Return functions from the index of a number to its group, and to the index of its learned numbers."""
    if axis == "all":
        return (lambda index: ()), (lambda index: index)
    if axis == "last":
        return (lambda index: index[:-1]), (lambda index: index[-1:])
    return (lambda index: index[1:]), (lambda index: index[:1])


@definition(RmsNorm)
def rms_norm(op: RmsNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    group_of, learned = _along(op.axis)
    out: Tensor = {}
    for group in groups(x, group_of):
        mean = named("mean square", total(x[index] * x[index] for index in group) / len(group))
        root = named("root mean square", sqrt(mean + op.eps))
        out.update({index: x[index] / root for index in group})
    return {index: weights["scale"][learned(index)] * y for index, y in out.items()} if op.affine else out


@definition(L2Norm)
def l2_norm(op: L2Norm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    group_of, _ = _along(op.axis)
    out: Tensor = {}
    for group in groups(x, group_of):
        length = named("length", maximum(sqrt(total(x[index] * x[index] for index in group)), op.eps))
        out.update({index: x[index] / length for index in group})
    return out


@definition(InstanceNorm)
def instance_norm(op: InstanceNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return scaled_and_shifted(_normalised(inputs[0], lambda index: index[0], op.eps), weights, lambda index: index[:1])


@definition(GroupNorm)
def group_norm(op: GroupNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    together = (max(index[0] for index in x) + 1) // op.groups
    normalised = _normalised(x, lambda index: index[0] // together, op.eps)
    return scaled_and_shifted(normalised, weights, lambda index: index[:1])


@definition(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    squares = {index: number * number for index, number in x.items()}
    zero = Scalar(0.0, tally)
    out: Tensor = {}
    for index, number in x.items():
        summed = named("sum of squares", total(squares.get(place, zero) for place in _neighbours(index, op)))
        out[index] = number / named("divisor", (op.k + op.alpha * summed) ** op.beta)
    return out


def _neighbours(index: Index, op: LocalResponseNorm) -> Iterable[Index]:
    channel, *position = index
    reach = range(-(op.size // 2), op.size - op.size // 2)
    if op.region == "across":
        return ((channel + shift, *position) for shift in reach)
    return ((channel, *place) for place in product(*([at + shift for shift in reach] for at in position)))


@definition(Standardize)
def standardize(op: Standardize, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    def own(name: str, channel: int) -> Scalar:
        return weights[name][channel if len(weights[name]) > 1 else 0,]

    return {index: (x - own("mean", index[0])) / own("std", index[0]) for index, x in inputs[0].items()}
