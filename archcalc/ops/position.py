"""Sources that attention adds to its scores: biases of relative positions, and the masks of shifted windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

from archcalc.numeric import Number, both, exact_div, product, require, require_divisible
from archcalc.ops.base import FREE, Cost, Operator, Shape, Shapes, Weight, operator, per_axis, require_shape
from archcalc.ops.fields import flag, integer, sizes, tensor
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, NoGradient, Spread
from archcalc.ops.window import UNKNOWN, Reach, Window


@operator("relative_bias", reserved=False)
class RelativeBias(Operator):
    """A learned number per head and relative position, for the scores of attention. It starts a chain.

    ``size`` gives the positions: 7x7 are 49 tokens, which have 13·13 relative positions. With ``buckets``, distances
    share numbers: half of the buckets hold one distance each, the others ever longer ranges up to ``max_distance``;
    half of all are for keys after the query, unless ``causal``. The numbers of ``table`` replace stored ones.

    Shape:  heads×n×n for n tokens
    Params: heads·Π(2·size − 1); heads·buckets with ``buckets``; none with ``table``
    Cost:   nothing (a lookup); connections: one per number, unless they are those of ``table``
    Window: does not depend on any input; of ``table`` its own head
    Source: Shaw et al. 2018; Liu et al. 2021 (Swin Transformer); Raffel et al. 2020 (T5, buckets); Liu et al. 2022
            (Swin Transformer V2, table)
    """

    aliases = ("relativepositionbias", "relposbias")
    arity: ClassVar[int | None] = 0
    pairs_features = True

    size: Shape = sizes(positional=True, each="positions", example="7x7", help="the number of positions per axis")
    heads: Number = integer(example="4", help="number of heads")
    buckets: Number | None = integer(None, help="number of ranges of distances that share a number; by default none")
    max_distance: Number | None = integer(None, help="distance from which all share the last bucket; 128 by default")
    causal: bool = flag(False, "causal", reserved=False, help="whether no bucket is for keys after the query")
    table: bool = tensor(help="a tensor that gives the numbers: one row per relative position, one column per head")

    @property
    def entries(self) -> Number:
        """The number of relative positions that are distinguished."""
        if self.buckets is None:
            require(not self.causal, "causal needs buckets: without them, every relative position has a number")
            require(self.max_distance is None, "max_distance needs buckets: without them, every distance has a number")
            return product([2 * n - 1 for n in self.size])
        sides = 1 if self.causal else 2
        longest = 128 if self.max_distance is None else self.max_distance
        require(len(self.size) == 1, "buckets need exactly one axis, got {count}", count=len(self.size))
        require(
            both(self.buckets % (2 * sides) == 0, self.buckets < 2 * sides * longest),
            "the buckets must be a multiple of {step} below {limit}, got {buckets}",
            step=2 * sides,
            limit=2 * sides * longest,
            buckets=self.buckets,
        )
        return self.buckets

    def output(self, inputs: Shapes) -> Shape:
        entries, tokens = self.entries, product(self.size)
        for table in inputs:
            message = "the table of relative_bias must be {expected} (entries×heads), got {given}"
            require_shape(table, (entries, self.heads), message)
        return (self.heads, tokens, tokens)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return () if self.table else (Weight("table", (self.entries, self.heads)),)

    def cost(self, inputs: Shapes) -> Cost:
        return FREE if self.table else Cost(connections=product(self.output(inputs)))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return tuple((UNKNOWN, Window(axis=0)) for _ in inputs)

    def feature_axis(self, inputs: Shapes, features: tuple[int | None, ...]) -> int | None:
        """Return the axis of the heads, if the heads of ``table`` are features."""
        return 0 if 1 in features else None

    def narrowed_along(self, axis: int, divisor: int) -> Self:
        return replace(self, heads=-(-self.heads // divisor)) if axis == 0 else self

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(deviation=1.0)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[0] if self.table else STANDARD_SPREAD


@operator("shift_mask", reserved=False)
class ShiftMask(Operator):
    """The mask for attention within windows of a map that was rolled back by ``shift``. It starts a chain.

    Rolling brings together positions that are not neighbours in the map. The mask is −100 for their pairs, so that they
    do not attend to each other, and 0 for all others.

    Shape:  windows×1×n×n for windows of n positions
    Params: none (it follows from its arguments)
    Cost:   nothing
    Window: does not depend on any input
    Source: Liu et al. 2021 (Swin Transformer); torchvision shifted_window_attention
    """

    no_gradient = NoGradient("it follows from its arguments")
    arity: ClassVar[int | None] = 0

    size: Shape = sizes(
        positional=True, each="positions", example="14x14", help="the number of positions of the map per axis"
    )
    window: Shape = sizes(
        each="positions", example="7", help="positions of a window, for all axes or per axis; must divide the size"
    )
    shift: Shape = sizes(
        at_least=0,
        each="positions",
        example="3",
        help="by how many positions the map was rolled, for all axes or per axis",
    )

    def along(self, name: str, written: Shape) -> Shape:
        """Return the value of an argument for every axis."""
        require(
            len(written) in (1, len(self.size)),
            "the {name} of shift_mask has {count} parts, but its size has {axes}",
            name=name,
            count=len(written),
            axes=len(self.size),
        )
        return written if len(written) == len(self.size) else written * len(self.size)

    def output(self, inputs: Shapes) -> Shape:
        windows, shifts = self.along("window", self.window), self.along("shift", self.shift)
        for n, window, shift in per_axis(self.size, windows, shifts):
            require_divisible(n, window, "an axis of {number} is not divisible into windows of {divisor}")
            require(
                shift < window,
                "a shift must be smaller than the window of {window}, got {shift}",
                window=window,
                shift=shift,
            )
        tokens = product(windows)
        return (product([exact_div(n, m) for n, m in per_axis(self.size, windows)]), 1, tokens, tokens)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return Spread(0.0, 0.0)
