"""Calls that read a tensor at computed positions, by interpolation between the nearest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from archcalc.ops.arithmetic import Abs, Clip, Floor, Offset, Pow, Scale
from archcalc.ops.joins import Add, Compare, Mul, Sub
from archcalc.ops.sampling import DeformableConv
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.arithmetic import to_even
from archcalc.readers.aten.operators.convolution import arrays
from archcalc.readers.aten.operators.repetition import counts_of
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.patterns import RepetitionStep
from archcalc.readers.per_example import SeveralTensorsStep
from archcalc.readers.selection import GatherStep
from archcalc.readers.steps import PositionStep, Step, make, sizes_of_axes

MODES = ("linear", "nearest", "cubic")
"""The kinds of interpolation, by their numbers in ATen."""

PADDINGS = ("zeros", "border", "reflection")
"""What is outside of a tensor, by its number in ATen."""

SHARPNESS = Fraction(-3, 4)
"""The parameter of the cubic curve between positions, as everywhere in PyTorch and in ONNX's GridSample."""


@dataclass(frozen=True)
class Sampling:
    """The steps that read a tensor at positions of one axis."""

    c: Composition
    size: int
    """The number of positions."""
    mode: str
    padding: str
    aligned: bool
    """Whether −1 and 1 are the middles of the first and last position, not their outer edges."""

    def position(self, place: int) -> int:
        """Return a place between −1 and 1 as a position, which need not be an integer."""
        last = self.size - 1 if self.aligned else self.size
        scaled = self.c.apply(place, make(Offset, by=1), make(Scale, factor=Fraction(last, 2)))
        return scaled if self.aligned else self.c.apply(scaled, make(Offset, by=Fraction(-1, 2)))

    def inside(self, position: int) -> int:
        """Return the position that stands for one outside of the tensor; with zeros outside, it is unchanged."""
        c, bounds = self.c, make(Clip, min=0, max=self.size - 1)
        if self.padding == "zeros":
            return position
        if self.padding == "reflection":  # a wave that rises and falls between the first and the last position
            first = Fraction(0) if self.aligned else Fraction(-1, 2)
            span = Fraction(self.size - 1) if self.aligned else Fraction(self.size)
            if span:
                away = c.apply(position, make(Offset, by=-first)) if first else position
                periods = c.apply(away, make(Scale, factor=1 / (2 * span)), Floor(), make(Scale, factor=2 * span))
                down = c.apply(c.join(Sub(), away, periods), make(Offset, by=-span), make(Abs))
                position = c.apply(down, make(Scale, factor=-1), make(Offset, by=span + first))
        return c.apply(position, bounds)

    def taps(self, place: int) -> list[tuple[int, int | None]]:
        """Return the positions that are read for a place, and their weights; ``None``: 1."""
        c, at = self.c, self.position(place)
        if self.mode == "nearest":
            return [self.tap(to_even(c, self.inside(at)), None)]
        if self.mode == "linear":
            at = self.inside(at)
        below = c.apply(at, Floor())
        ahead = c.join(Sub(), at, below)
        if self.mode == "linear":
            rest = c.apply(ahead, make(Scale, factor=-1), make(Offset, by=1))
            return [self.tap(below, rest), self.tap(c.apply(below, make(Offset, by=1)), ahead)]
        weights = [cubic(c, ahead, by) for by in range(-1, 3)]
        return [
            self.tap(self.inside(c.apply(below, make(Offset, by=by))), weight)
            for by, weight in zip(range(-1, 3), weights, strict=True)
        ]

    def tap(self, position: int, weight: int | None) -> tuple[int, int | None]:
        """Return a position that is read, with its weight, which is 0 outside of the tensor if there are zeros."""
        c = self.c
        if self.padding != "zeros":
            return position, weight
        bounds = (("greater_equal", 0), ("less_equal", self.size - 1))
        inside = c.join(Mul(), *(c.join(make(Compare, how=how), position, c.number(bound)) for how, bound in bounds))
        within = c.apply(position, make(Clip, min=0, max=self.size - 1))
        return within, inside if weight is None else c.join(Mul(), weight, inside)


def cubic(c: Composition, ahead: int, by: int) -> int:
    """Return the weight of the position that is some after the one below, for a place that is ahead of that."""
    away = c.apply(ahead, make(Scale, factor=-1), make(Offset, by=by), make(Abs))
    a = SHARPNESS
    near = (a + 2, -(a + 3), Fraction(0), Fraction(1))
    far = (a, -5 * a, 8 * a, -4 * a)
    terms = [
        c.apply(away, *([make(Pow, exponent=3 - at)] if at < 2 else []), make(Scale, factor=factor))
        for at, factor in enumerate(near if by in (0, 1) else far)
        if factor and at < 3
    ]
    return c.apply(c.join(Add(), *terms), make(Offset, by=(near if by in (0, 1) else far)[3]))


@translates("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def grid_sampler(a: Arguments) -> list[Step]:
    """Translate the numbers at the positions of a grid, whose last axis has their coordinates, the last one first."""
    kind, outside = a.integer("interpolation_mode"), a.integer("padding_mode")
    if kind not in range(len(MODES)) or outside not in range(len(PADDINGS)):
        raise Untranslatable("an unknown interpolation or padding")
    c, (batch, channels, *sizes), grid = Composition(a), a.sizes("input"), a.sizes("grid")
    made, aligned = grid[1:-1], a.flag("align_corners", default=False)
    count = prod(made)
    flat = c.reshape(a.tensor("input"), (*sizes_of_axes((0, 1)), -1), (batch, channels, prod(sizes)))
    taps = []
    for axis, size in enumerate(sizes):
        step = PositionStep(
            axis=len(grid) - 1,
            position=len(sizes) - 1 - axis,
            inputs=(a.tensor("grid"),),
            outputs=(c.new(grid[:-1]),),
        )
        place = c.reshape(c.add(step), (*sizes_of_axes((0,)), 1, -1), (batch, 1, count))
        taps.append(Sampling(c, size, MODES[kind], PADDINGS[outside], aligned).taps(place))
    found = [weighted(c, flat, each, sizes) for each in product(*taps)]
    total = found[0] if len(found) == 1 else c.join(Add(), *found)
    return c.done(c.reshape(total, (*sizes_of_axes((0, 1)), *made), (batch, channels, *made)))


def weighted(c: Composition, flat: int, tap: Sequence[tuple[int, int | None]], sizes: Sequence[int]) -> int:
    """Return the numbers at one position along every axis, times the product of its weights."""
    index, weights = tap[0][0], [weight for _, weight in tap if weight is not None]
    for (position, _), size in zip(tap[1:], sizes[1:], strict=True):
        index = c.join(Add(), c.apply(index, make(Scale, factor=size)), position)
    batch, channels, _ = c.sizes(flat)
    full = (batch, channels, c.sizes(index)[-1])
    if channels > 1:
        before = c.sizes(index)
        index = c.add(RepetitionStep(counts=counts_of(before, full, full), inputs=(index,), outputs=(c.new(full),)))
    found = c.add(GatherStep(op=Add(), axis=2, inputs=(flat, index), outputs=(c.new(full),)))
    if not weights:
        return found
    return c.join(Mul(), found, weights[0] if len(weights) == 1 else c.join(Mul(), *weights))


@translates("deform_conv2d")
def deformable_convolution(a: Arguments) -> list[Step]:
    pairs = {
        name: tuple([a.integer(f"{key}_{axis}") for axis in "hw"])
        for name, key in (("stride", "stride"), ("pad", "pad"), ("dilation", "dil"))
    }
    pad = tuple([(each, each) for each in pairs.pop("pad")])
    return deformable(a, mask=a.flag("use_mask", default=False), pad=pad, **pairs)


def deformable(a: Arguments, *, mask: bool, **attributes: Any) -> list[Step]:
    """Return the step of a deformable convolution with given offsets, and factors if there is a mask."""
    weight = a.sizes("weight")
    op = make(
        DeformableConv,
        channels=weight[0],
        kernel=weight[2:],
        groups=a.integer("groups"),
        offset_groups=a.integer("offset_groups"),
        bias=a.is_tensor("bias"),
        offset=True,
        mask=mask,
        **attributes,
    )
    inputs = (a.tensor("input"), a.tensor("offset"), *((a.tensor("mask"),) if mask else ()))
    return [SeveralTensorsStep(op=op, axes=len(weight) - 1, inputs=inputs, outputs=(a.result(),), stored=arrays(a))]
