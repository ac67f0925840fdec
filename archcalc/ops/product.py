"""Products of tensors: matrices, and any axes in Einstein's notation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.numeric import Number, known_equal, product, require
from archcalc.ops.backward import Factor, Multiplication, Needs
from archcalc.ops.base import Cost, Operator, Shape, Shapes, WrittenShapes, operations, operator
from archcalc.ops.fields import flag, integer, pattern
from archcalc.ops.joins import broadcast_size
from archcalc.ops.pattern import Pattern, parse
from archcalc.ops.traits import Spread
from archcalc.ops.window import Reach, Window


class Product(Operator):
    """A join of two tensors by sums of products."""

    arity: ClassVar[int | None] = None
    joined = (2, 2)
    pairs_features = True

    def terms(self, inputs: Shapes) -> Number:
        """Return the number of products."""
        raise NotImplementedError

    def cost(self, inputs: Shapes) -> Cost:
        terms = self.terms(inputs)
        return Cost(operations(mul=terms, add=terms - product(self.output(inputs))), macs=terms)

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        return (Multiplication(self.terms(inputs), Factor((0,)), Factor((1,))),)

    def spread(self, read: tuple[Spread, ...], shapes: tuple[tuple[int, ...], ...]) -> Spread:  # type: ignore[override]
        """Return the mean and variance of sums of independent products."""
        summed = float(self.terms(shapes) / product(self.output(shapes)))
        one, other = read
        mean = one.mean * other.mean
        return Spread(summed * mean, summed * (one.square * other.square - mean**2))


@operator("matmul", reserved=False)
class MatMul(Product):
    """Matrix product over the last two axes of two tensors; the axes before them broadcast, aligned from the last.

    Shape:  …×m×k and …×k×n → …×m×n
    Params: none
    Cost:   macs = …·m·k·n; k multiplications and k − 1 additions per output
    Window: all of the axis that is summed; position by position along others
    Source: NumPy matmul; ONNX MatMul
    """

    aliases = ("bmm", "gemm", "dot")

    def output(self, inputs: Shapes) -> Shape:
        require(len(inputs) == 2, "matmul multiplies two tensors, got {count}", count=len(inputs))
        shapes = WrittenShapes(inputs)
        one, other = inputs
        require(len(one) > 1 and len(other) > 1, "matmul needs tensors with at least two axes: {shapes}", shapes=shapes)
        require(
            one[-1] == other[-2],
            "the last axis of the first matrix has size {k}, but the second-to-last of the second {other}: {shapes}",
            k=one[-1],
            other=other[-2],
            shapes=shapes,
        )
        rank = max(len(one), len(other))
        aligned = [(*(1 for _ in range(rank - len(shape))), *shape) for shape in inputs]
        leading = [broadcast_size(self.name, sizes, inputs) for sizes in list(zip(*aligned, strict=True))[:-2]]
        return (*leading, one[-2], other[-1])

    def terms(self, inputs: Shapes) -> Number:
        return product(self.output(inputs)) * inputs[0][-1]

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        output = self.output(inputs)
        reaches = []
        for shape, summed in zip(inputs, (-1, -2), strict=True):
            places = range(len(output) - len(shape), len(output))
            broadcast = [
                known_equal(n, 1) and not known_equal(output[place], 1) for n, place in zip(shape, places, strict=True)
            ]
            windows: list[Window | None] = [
                Window(stride=0 if alike else 1, axis=place) for alike, place in zip(broadcast, places, strict=True)
            ]
            windows[summed] = None
            reaches.append(tuple(windows))
        return tuple(reaches)

    def feature_axis(self, inputs: Shapes, features: tuple[int | None, ...]) -> int | None:
        return len(self.output(inputs)) - 1 if features[1] == len(inputs[1]) - 1 else None

    def matching_axis(self, place: int, inputs: Shapes, features: Sequence[int | None]) -> int | None:
        summed = [len(inputs[0]) - 1, len(inputs[1]) - 2]
        return summed[place] if features[1 - place] == summed[1 - place] else None


@operator("einsum", reserved=False)
class Einsum(Product):
    """Sums of products of two tensors over the axes that occur on the left of the pattern only.

    Shape:  as the right side of the pattern says
    Params: none
    Cost:   macs: the product of the sizes of all names; as many multiplications, and one addition fewer per output
    Window: all of the axes that are summed; position by position along others
    Source: NumPy einsum; Rogozhnikov 2022 (the notation of Einops)
    """

    pattern: str = pattern(help="the axes of both tensors and of the result, as in 'h q d, h k d = h q k'")

    def parsed(self, inputs: Shapes) -> tuple[Pattern, dict[str, Number]]:
        """Return the pattern, and the sizes of its names on inputs of these shapes."""
        parsed = parse(self.pattern)
        require(len(inputs) == 2, "einsum multiplies two tensors, got {count}", count=len(inputs))
        require(
            len(parsed.inputs) == 2,
            "the pattern of einsum must have two tensors on the left, got {count}",
            count=len(parsed.inputs),
        )
        sizes: dict[str, Number] = {}
        for axes, shape in zip(parsed.inputs, inputs, strict=True):
            require(
                len(axes) == len(shape),
                "the pattern has {count} axes for a tensor with {rank}",
                count=len(axes),
                rank=len(shape),
            )
            for axis, n in zip(axes, shape, strict=True):
                require(len(axis) == 1, "each axis of einsum must be one name, got '{names}'", names=" ".join(axis))
                (name,) = axis
                known = sizes.setdefault(name, n)
                require(
                    known == n,
                    "the axis '{name}' has size {known} in one tensor and {n} in the other",
                    name=name,
                    known=known,
                    n=n,
                )
        for axis in parsed.output:
            require(len(axis) == 1, "each axis of einsum must be one name, got '{names}'", names=" ".join(axis))
            require(axis[0] in sizes, "the axis '{name}' is missing on the left", name=axis[0])
        require(bool(parsed.output), "the result of einsum must have at least one axis")
        return parsed, sizes

    def output(self, inputs: Shapes) -> Shape:
        parsed, sizes = self.parsed(inputs)
        return tuple([sizes[name] for name in parsed.output_names])

    def terms(self, inputs: Shapes) -> Number:
        _, sizes = self.parsed(inputs)
        return product(sizes.values())

    def backward_macs(self, inputs: Shapes, needs: Needs) -> Number:
        """Return the macs of the gradients: an axis that only one tensor has, and that is summed, is not in its own."""
        parsed, sizes = self.parsed(inputs)
        axes = [[name for (name,) in tensor] for tensor in parsed.inputs]
        found: Number = 0
        for needed, other in zip(needs.inputs, reversed(axes), strict=True):
            if needed:
                found = found + product(
                    [n for name, n in sizes.items() if name in other or name in parsed.output_names]
                )
        return found

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        parsed, _ = self.parsed(inputs)
        return tuple(
            tuple(
                Window(axis=parsed.output_names.index(name)) if name in parsed.output_names else None
                for (name,) in axes
            )
            for axes in parsed.inputs
        )

    def feature_axis(self, inputs: Shapes, features: tuple[int | None, ...]) -> int | None:
        parsed, _ = self.parsed(inputs)
        held = [axes[axis][0] for axes, axis in zip(parsed.inputs, features, strict=True) if axis is not None]
        return next((parsed.output_names.index(name) for name in held if name in parsed.output_names), None)

    def matching_axis(self, place: int, inputs: Shapes, features: Sequence[int | None]) -> int | None:
        """Return the axis with the name of the other tensor's features; otherwise, the only one that is summed."""
        parsed, _ = self.parsed(inputs)
        own, other = ([axis[0] for axis in parsed.inputs[which]] for which in (place, 1 - place))
        held = features[1 - place]
        summed = [name for name in own if name in other and name not in parsed.output_names]
        name = other[held] if held is not None and other[held] in own else summed[0] if len(summed) == 1 else None
        return None if name is None else own.index(name)


PARTS = 2
"""The parts of a complex number."""


@operator("dft", reserved=False)
class FourierTransform(Operator):
    """Discrete Fourier transform along the axis before the last.

    The last axis holds the real parts, or the real and the imaginary parts. With ``onesided``, only the frequencies up
    to half the size are computed, or read by the ``inverse``, which then returns real numbers. The cost is that of the
    definition, a matrix of complex exponentials times the input; fast algorithms need about 2·log₂(n) products per
    number instead of 2·n.

    Shape:  …×n×1 or …×n×2 → …×n×2; with ``onesided`` …×(⌊n/2⌋+1)×2, with ``inverse onesided`` …×size×1
    Params: none
    Cost:   macs = outputs·n·p, p the size of the last axis of the input; as many multiplications, and one addition
            fewer per output
    Window: all of both axes; position by position along others
    Source: Cooley & Tukey 1965 (fast algorithm); NumPy fft, rfft, irfft; ONNX DFT
    """

    pairs_features = True
    reads_features = "last"
    aliases = ("fft", "rfft", "irfft", "ifft")

    inverse: bool = flag(False, "inverse", reserved=False, help="whether the inverse is computed, from frequencies")
    onesided: bool = flag(False, "onesided", reserved=False, help="whether frequencies end at half the size")
    size: Number | None = integer(
        None, help="the size of the result of a one-sided inverse; by default twice the number of frequencies, less 2"
    )

    def output(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        shapes = WrittenShapes(inputs)
        require(len(shape) > 1, "dft needs positions and parts of numbers, got {shapes}", shapes=shapes)
        *lead, n, parts = shape
        whole = self.inverse and self.onesided
        require(self.size is None or whole, "only a one-sided inverse dft has a size")
        message = "the last axis of dft must hold {count} parts of numbers, got {shapes}"
        if whole:
            require(parts == PARTS, message, count=2, shapes=shapes)
            made = 2 * (n - 1) if self.size is None else self.size
            require(made >= 1, "a one-sided inverse dft needs at least 2 frequencies, got {n}", n=n)
            require(
                made // 2 + 1 == n,
                "{size} numbers have {count} frequencies, not {n}",
                size=made,
                n=n,
                count=made // 2 + 1,
            )
            return (*lead, made, 1)
        require(parts <= PARTS, message, count="1 or 2", shapes=shapes)
        return (*lead, n // 2 + 1 if self.onesided else n, PARTS)

    def cost(self, inputs: Shapes) -> Cost:
        made = product(self.output(inputs))
        terms = made * product(inputs[0][-2:])
        return Cost(operations(mul=terms, add=terms - made), macs=terms)

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        return (Multiplication(self.cost(inputs).macs, Factor((0,)), Factor(("exponentials",))),)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((*(Window() for _ in inputs[0][:-2]), None, None),)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the spread of sums of as many numbers as there are, of which an inverse is the mean."""
        n = shapes[0][-2]
        return Spread(0.0, read[0].square * (1 / n if self.inverse else n))
