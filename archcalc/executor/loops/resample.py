"""Upsampling, padding and cropping by their definition."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor

from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.sliding import place_of
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, lines, sizes, total
from archcalc.ops.resample import Crop, Pad, PaddedIdentity, Upsample


@definition(Upsample)
def upsample(op: Upsample, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Resample axis by axis: take the position at the source coordinate, or interpolate between those around it."""
    (x,) = inputs
    for axis, n in enumerate(sizes(x)[1:], start=1):
        if op.scale is not None:
            step = 1 / Fraction(op.scale[axis - 1])
            m = floor(n / step)
        else:
            m = (op.to or ())[axis - 1]
            step = Fraction(n, m)
        resampled: Tensor = {}
        for line in lines(x, axis):
            numbers = [x[index] for index in line]
            for i in range(m):
                place = (*line[0][:axis], i, *line[0][axis + 1 :])
                resampled[place] = _resampled(numbers, i, m, step, op)
        x = resampled
    return x


def _resampled(numbers: list[Scalar], i: int, m: int, step: Fraction, op: Upsample) -> Scalar:
    """Return output i of m: the number at its source coordinate, or interpolated between those around it."""
    n = len(numbers)
    if op.mode == "nearest":
        return numbers[floor(i * step)]
    if op.align_corners:
        source = Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(0)
    else:
        source = (i + Fraction(1, 2)) * step - Fraction(1, 2)
    if op.mode == "bicubic":
        around = range(floor(source) - 1, floor(source) + 3)
        return total([numbers[min(max(j, 0), n - 1)] * _cubic(abs(source - j)) for j in around])
    source = min(max(source, Fraction(0)), Fraction(n - 1))
    weight = source - floor(source)
    return numbers[floor(source)] * (1 - weight) + numbers[ceil(source)] * weight


def _cubic(distance: Fraction, a: Fraction = Fraction(-3, 4)) -> Fraction:
    """Return the weight of a number at a distance (Keys 1981)."""
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4)


@definition(Pad)
def pad(op: Pad, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return _moved(inputs[0], sizes(inputs[0])[0], op.margin, tally, op.border)


@definition(Crop)
def crop(op: Crop, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return _moved(inputs[0], sizes(inputs[0])[0], [(-before, -after) for before, after in op.margin], tally)


def _moved(x: Tensor, channels: int, margin: Sequence[tuple[int, int]], tally: Tally, border: str = "zeros") -> Tensor:
    """Return a tensor with a margin around the positions; a negative margin crops."""
    reach = [
        [place_of(at, n, border) for at in range(-before, n + after)]
        for n, (before, after) in zip(sizes(x)[1:], margin, strict=True)
    ]
    out: Tensor = {}
    for c in range(channels):
        for moved in product(*map(enumerate, reach)):
            index: Index = (c, *(at for _, at in moved))
            out[c, *(to for to, _ in moved)] = x.get(index, Scalar(0.0, tally))
    return out


@definition(PaddedIdentity)
def padded_identity(op: PaddedIdentity, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    out: Tensor = {}
    for c in range(op.channels):
        taken = (enumerate(range(0, n, s)) for n, s in zip(sizes(x)[1:], op.stride, strict=True))
        for moved in product(*taken):
            index: Index = (c, *(at for _, at in moved))
            out[c, *(to for to, _ in moved)] = x.get(index, Scalar(0.0, tally))
    return out
