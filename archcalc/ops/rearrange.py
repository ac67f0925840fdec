"""Rearrangement, reduction and repetition of axes in einops' notation, and special cases with names of their own.

Source of the notation: Rogozhnikov 2022 (Einops).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archcalc.numeric import Number, exact_div, product, require, require_divisible
from archcalc.ops.base import Cost, Operator, Shape, Shapes, complete_reach, operations, operator, require_positions
from archcalc.ops.fields import integer, lengths, pattern, word
from archcalc.ops.pattern import Pattern, match_axes, parse, shape_of
from archcalc.ops.traits import Differentiated
from archcalc.ops.view import View
from archcalc.ops.window import Reach

Lengths = tuple[tuple[str, Number], ...]


class PatternOperator(Operator):
    """An operator that splits axes into factors, permutes them, and merges them again."""

    reorders = True

    def parsed(self, shape: Shape) -> tuple[Pattern, dict[str, Number]]:
        """Return the pattern, and the sizes of its names on an input of this shape."""
        raise NotImplementedError

    def output(self, inputs: Shapes) -> Shape:
        parsed, sizes = self.parsed(inputs[0])
        return shape_of(parsed.output, sizes)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        """Return the bound that windows alone can give; `rearranged` gives the positions."""
        return (complete_reach(inputs[0]),)

    def rearranged(self, view: View, shape: Shape) -> View:
        parsed, sizes = self.parsed(view.shape)
        split = view.reshaped(tuple([sizes[name] for name in parsed.input_names]))
        return split.arranged(parsed.input_names, parsed.output, sizes)


class ExplicitPattern(PatternOperator):
    """An operator whose pattern is written in the spec."""

    pattern: str = pattern(help="the axes before and after, as in 'c h w = (h w) c'")
    sizes: Lengths = lengths(help="the sizes of names in the pattern, as in p=7")

    def parsed(self, shape: Shape) -> tuple[Pattern, dict[str, Number]]:
        parsed = parse(self.pattern)
        require(len(parsed.inputs) == 1, "{what} reads one tensor, got a comma on the left", what=self.name)
        given = dict(self.sizes)
        names = {*parsed.input_names, *parsed.output_names}
        for name in given:
            require(name in names, "the pattern has no axis '{name}'", name=name)
        own = {name: size for name, size in given.items() if name in parsed.input_names}
        found = {**given, **match_axes(parsed.inputs[0], shape, own)}
        self.check(parsed, given)
        return parsed, found

    def check(self, parsed: Pattern, given: dict[str, Number]) -> None:
        """Require that names which occur on one side only may do so."""
        only_read, only_made = self.one_sided
        for name in parsed.input_names:
            require(only_read or name in parsed.output_names, "the axis '{name}' is missing on the right", name=name)
        for name in parsed.output_names:
            require(only_made or name in parsed.input_names, "the axis '{name}' is missing on the left", name=name)
            require(
                name in parsed.input_names or name in given,
                "the size of the new axis '{name}' is missing: {name}=…",
                name=name,
            )

    one_sided: ClassVar[tuple[bool, bool]] = (False, False)
    """Whether names may occur on the left only, and on the right only."""


@operator("rearrange", reserved=False)
class Rearrange(ExplicitPattern):
    """The same elements, with axes split, permuted and merged: windows, patches, heads, tokens.

    Shape:  as the right side of the pattern says
    Params: none
    Cost:   nothing
    Window: the positions given by the factors of split or merged axes; unknown if they cannot be followed
    Source: Rogozhnikov 2022 (Einops)
    """

    keeps_numbers = True


@operator("repeat", reserved=False)
class Repeat(ExplicitPattern):
    """The same elements, repeated along new axes, which occur on the right of the pattern only.

    Shape:  as the right side of the pattern says
    Params: none
    Cost:   nothing
    Window: the positions given by the factors of split or merged axes; unknown if they cannot be followed
    Source: Rogozhnikov 2022 (Einops)
    """

    pattern: str = pattern(help="the axes before and after, as in 'c h w = c h (w r)'")
    one_sided: ClassVar[tuple[bool, bool]] = (False, True)


@operator("reduce", reserved=False)
class Reduce(ExplicitPattern):
    """The mean, sum, maximum, minimum or product over the axes that occur on the left of the pattern only.

    Shape:  as the right side of the pattern says
    Params: none
    Cost:   per output of N elements N − 1 additions (sum, mean), comparisons (max, min) or multiplications (prod); the
            mean takes 1 more division
    Window: the positions given by the factors of split or merged axes; unknown if they cannot be followed
    Source: Rogozhnikov 2022 (Einops)
    """

    pattern: str = pattern(help="the axes before and after, as in 'c h w = c'")
    how: str = word("mean", "mean", "sum", "max", "min", "prod", flags=True, help="what is computed")
    one_sided: ClassVar[tuple[bool, bool]] = (True, False)

    @property
    def differentiated_by(self) -> Differentiated:  # type: ignore[override]
        """What its derivative is computed from: a product from its factors, an extreme from where it is."""
        return REDUCED_BY[self.how]

    def cost(self, inputs: Shapes) -> Cost:
        return reduction_cost(self.how, product(inputs[0]), product(self.output(inputs)))


REDUCED_BY: Mapping[str, Differentiated] = {"mean": "", "sum": "", "max": "both", "min": "both", "prod": "input"}
"""What the derivative of each reduction is computed from."""


def reduction_cost(how: str, elements: Number, outputs: Number) -> Cost:
    """Return the cost of reducing elements to outputs."""
    kind = {"mean": "add", "sum": "add", "max": "cmp", "min": "cmp", "prod": "mul"}[how]
    return Cost(operations(**{kind: elements - outputs, "div": outputs if how == "mean" else 0}))


class BlockRearrangement(PatternOperator):
    """A rearrangement between blocks of positions and channels."""

    keeps_numbers = True
    reads_features = "first"

    block: Number = integer(positional=True, example="2", help="positions of a block per axis")

    def named(self, shape: Shape) -> tuple[list[str], list[str], dict[str, Any]]:
        """Return names for the spatial axes, and for positions in a block, and the sizes of the latter."""
        require_positions(shape, self.name)
        axes = [f"n{axis}" for axis in range(1, len(shape))]
        inner = [f"b{axis}" for axis in range(1, len(shape))]
        return axes, inner, dict.fromkeys(inner, self.block)


@operator("pixel_shuffle", reserved=False)
class PixelShuffle(BlockRearrangement):
    """Sub-pixel shuffle: groups of r² channels (r per axis) become blocks of r×r positions.

    Shape:  C×n… → (C/r^axes)×(n·r)…
    Params: none
    Cost:   nothing
    Window: ⌊i/r⌋
    Source: Shi et al. 2016; PyTorch PixelShuffle
    """

    aliases = ("pixelshuffle", "depthtospace")

    def parsed(self, shape: Shape) -> tuple[Pattern, dict[str, Number]]:
        axes, inner, sizes = self.named(shape)
        packed = product([self.block] * len(inner))
        require_divisible(shape[0], packed, "{number} channels are not divisible into blocks of {divisor} positions")
        sizes = {**sizes, "c": exact_div(shape[0], packed), **dict(zip(axes, shape[1:], strict=True))}
        left = (("c", *inner), *((name,) for name in axes))
        return Pattern((left,), (("c",), *zip(axes, inner, strict=True))), sizes


@operator("space_to_depth", reserved=False)
class SpaceToDepth(BlockRearrangement):
    """The inverse of ``pixel_shuffle``: blocks of r×r positions become groups of r² channels (r per axis).

    Shape:  C×n… → (C·r^axes)×(n/r)…
    Params: none
    Cost:   nothing
    Window: size r, stride r
    Source: PyTorch PixelUnshuffle (with the same channel order); ONNX SpaceToDepth
    """

    aliases = ("pixelunshuffle", "spacetodepth")

    def parsed(self, shape: Shape) -> tuple[Pattern, dict[str, Number]]:
        axes, inner, sizes = self.named(shape)
        for name, n in zip(axes, shape[1:], strict=True):
            require_divisible(n, self.block, "{number} positions are not divisible into blocks of {divisor}")
            sizes[name] = exact_div(n, self.block)
        sizes["c"] = shape[0]
        left = (("c",), *zip(axes, inner, strict=True))
        return Pattern((left,), (("c", *inner), *((name,) for name in axes))), sizes
