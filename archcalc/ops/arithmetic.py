"""Functions of single numbers that are not activations: powers, logarithms, bounds, constant factors and terms.

Docstrings omit what is common to element-wise operators: unchanged shape, no parameters, position by position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING
from math import cos, exp, sin
from typing import ClassVar

from archcalc.numeric import Number, both, product, require
from archcalc.ops.activation import Elementwise
from archcalc.ops.base import Cost, Shape, Shapes, operations, operator
from archcalc.ops.fields import flag, integer, real, word
from archcalc.ops.formats import FLOATS, FORMATS, NumberFormat
from archcalc.ops.traits import Kind, NoGradient, Spread

MAX_EXPONENT = 80.0
"""The largest exponent for which the moments of eˣ are estimated; they overflow for larger ones."""


class ScalarFunction(Elementwise):
    """A function of single numbers that is not counted as an activation."""

    kind: ClassVar[Kind] = ""


@operator("scale")
class Scale(ScalarFunction):
    """Multiplication by a constant, as in the scaled residuals of Inception-ResNet.

    Cost:   1 multiplication per element
    Source: Szegedy et al. 2017 (Inception-v4, Inception-ResNet), section 3.3
    """

    per_element = operations(mul=1)

    factor: Number = real(positional=True, help="the constant")

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return Spread(read[0].mean * float(self.factor), read[0].variance * float(self.factor) ** 2)


@operator("offset", reserved=False)
class Offset(ScalarFunction):
    """Addition of a constant, such as the small number that keeps a divisor away from 0.

    Cost:   1 addition per element
    Source: PyTorch add; ONNX Add
    """

    per_element = operations(add=1)

    by: Number = real(positional=True, help="the constant")

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return Spread(read[0].mean + float(self.by), read[0].variance)


@operator("exp", reserved=False)
class Exp(ScalarFunction):
    """Exponential: eˣ.

    Cost:   1 exponential per element
    Source: PyTorch exp; ONNX Exp
    """

    differentiated_by = "output"
    per_element = operations(exp=1)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the mean and variance of a log-normal distribution."""
        mean, variance = read[0]
        expected = exp(min(mean + variance / 2, MAX_EXPONENT))
        return Spread(expected, expected**2 * (exp(min(variance, MAX_EXPONENT)) - 1))


@operator("log", reserved=False)
class Log(ScalarFunction):
    """Natural logarithm; NaN for negative numbers.

    Cost:   1 logarithm per element
    Source: PyTorch log; ONNX Log
    """

    differentiated_by = "input"
    per_element = operations(log=1)


@operator("sqrt", reserved=False)
class Sqrt(ScalarFunction):
    """Square root; NaN for negative numbers.

    Cost:   1 root per element
    Source: PyTorch sqrt; ONNX Sqrt
    """

    differentiated_by = "output"
    per_element = operations(sqrt=1)


@operator("sin", reserved=False)
class Sin(ScalarFunction):
    """Sine of an angle in radians.

    Cost:   1 sine per element
    Source: PyTorch sin; ONNX Sin; Sitzmann et al. 2020 (SIREN)
    """

    differentiated_by = "input"
    per_element = operations(sin=1)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the moments of sin(x) for normally distributed x."""
        return _of_wave(read[0], sin)


@operator("cos", reserved=False)
class Cos(ScalarFunction):
    """Cosine of an angle in radians.

    Cost:   1 cosine per element, counted as a sine
    Source: PyTorch cos; ONNX Cos
    """

    differentiated_by = "input"
    per_element = operations(sin=1)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the moments of cos(x) for normally distributed x."""
        return _of_wave(read[0], cos)


def _of_wave(x: Spread, wave: Callable[[float], float]) -> Spread:
    """Return the moments of a sine or cosine of normally distributed angles, whose mean is damped by e^(−σ²/2)."""
    mean = wave(x.mean) * exp(-x.variance / 2)
    doubled = cos(2 * x.mean) * exp(-2 * x.variance)
    square = (1 - doubled if wave is sin else 1 + doubled) / 2
    return Spread(mean, max(square - mean**2, 0.0))


@operator("atan", reserved=False)
class Atan(ScalarFunction):
    """Arctangent: the angle in radians, between −π/2 and π/2, whose tangent is x.

    Cost:   1 arctangent per element, counted as a sine
    Source: NumPy arctan; PyTorch atan; ONNX Atan
    """

    differentiated_by = "input"
    aliases = ("arctan",)
    per_element = operations(sin=1)


@operator("erf", reserved=False)
class Erf(ScalarFunction):
    """Error function, 2/√π·∫₀ˣ e^(−t²) dt, which is between −1 and 1.

    Cost:   1 error function per element
    Source: PyTorch erf; ONNX Erf
    """

    differentiated_by = "input"
    per_element = operations(erf=1)


@operator("abs", reserved=False)
class Abs(ScalarFunction):
    """Absolute value: x without its sign.

    Cost:   nothing, as for a change of sign
    Source: PyTorch abs; ONNX Abs
    """

    differentiated_by = "input"
    per_element = operations()

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the moments of |x| = 2·max(x, 0) − x for normally distributed x."""
        mean = 2 * read[0].rectified().mean - read[0].mean
        return Spread(mean, max(read[0].square - mean**2, 0.0))


@operator("floor", reserved=False)
class Floor(ScalarFunction):
    """The largest integer that is not above a number.

    Cost:   nothing, as for a change of sign
    Source: NumPy floor; PyTorch floor; ONNX Floor
    """

    no_gradient = NoGradient("it is constant between its steps")
    per_element = operations()

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the moments if what is cut off is uniformly distributed."""
        return Spread(read[0].mean - 0.5, read[0].variance + 1 / 12)


@operator("pow", reserved=False)
class Pow(ScalarFunction):
    """Power with a constant exponent; NaN for negative numbers if the exponent is not an integer.

    Cost:   1 power per element, whatever the exponent
    Source: PyTorch pow; ONNX Pow
    """

    differentiated_by = "input"
    aliases = ("power",)

    per_element = operations(pow=1)

    exponent: Number = real(positional=True, help="the exponent")


@operator("clip", reserved=False)
class Clip(ScalarFunction):
    """Clipping to bounds: min(max(x, min), max); one of the bounds may be omitted.

    Cost:   1 comparison per element and bound
    Source: PyTorch clamp; ONNX Clip; NumPy clip
    """

    differentiated_by = "input"
    aliases = ("clamp", "hardtanh")

    min: Number | None = real(None, positional=True, help="lower bound; by default none")
    max: Number | None = real(None, positional=True, help="upper bound; by default none")

    def output(self, inputs: Shapes) -> Shape:
        require(self.bound_count > 0, "clip needs a lower bound (min), an upper bound (max), or both")
        if self.min is not None and self.max is not None:
            require(
                self.min <= self.max,
                "the lower bound of clip must not be above the upper bound {high}, got {low}",
                low=self.min,
                high=self.max,
            )
        return inputs[0]

    @property
    def bound_count(self) -> int:
        """The number of bounds."""
        return (self.min is not None) + (self.max is not None)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost({"cmp": self.bound_count * product(inputs[0])})


class FormatConversion(ScalarFunction):
    """A function whose results are numbers of a format.

    Runs compute in a format of their own, so the results only have the values that the format can represent.
    """

    format: str

    @property
    def number_format(self) -> NumberFormat:
        """The format."""
        return FORMATS[self.format]


FLOAT_NAMES = tuple(each.name for each in FLOATS)


@operator("cast", reserved=False)
class Cast(FormatConversion):
    """Conversion to a floating-point format: each number becomes the nearest one of the format, with ties to even.

    Numbers beyond the largest one become infinite, or NaN in a format without infinities; with ``saturate``, they
    become the largest one, as they do in a format that has neither. In ``float8_e8m0fnu``, which has only powers of
    two, ties go up, and negative numbers become NaN. The gradient is that of the identity, as in PyTorch (the
    straight-through estimator).

    Cost:   nothing, as for a change of sign
    Source: IEEE 754; OCP Microscaling Formats 1.0; Bengio et al. 2013 (straight-through estimator); PyTorch
            to; ONNX Cast
    """

    format: str = word(MISSING, *FLOAT_NAMES, positional=True, later=FLOAT_NAMES, help="the number format")
    saturate: bool = flag(False, "saturate", reserved=False, help="whether the largest number replaces larger ones")
    rounding: str = word(
        "nearest",
        *("nearest", "up", "down"),
        later=("nearest", "up", "down"),
        help="to the nearest number, away from zero (up), or towards zero (down)",
    )


@operator("quantize", reserved=False)
class Quantize(FormatConversion):
    """The real numbers that the codes of a quantised tensor stand for: s·(clip(round(x/s) + z) − z).

    x/s is rounded to the nearest number of the format, with ties to even, and limited to the numbers that have a code.
    The gradient is 1 within the limits, and 0 beyond them (the straight-through estimator).

    Cost:   1 division, 1 multiplication and 2 comparisons per element
    Source: Jacob et al. 2018, equation 1; Bengio et al. 2013 (straight-through estimator); PyTorch
            fake_quantize_per_tensor_affine; ONNX QuantizeLinear and DequantizeLinear
    """

    differentiated_by = "input"
    aliases = ("fakequantize", "quantizelinear")
    per_element = operations(div=1, mul=1, cmp=2)

    format: str = word(MISSING, *FORMATS, positional=True, later=tuple(FORMATS), help="the number format of the codes")
    scale: Number = real(1, help="s, the distance between the real numbers of two neighbouring codes")
    zero: Number = integer(0, at_least=None, help="z, the code that stands for 0; only for formats of integers")

    def output(self, inputs: Shapes) -> Shape:
        require(self.scale > 0, "the scale of quantize must be positive, got {scale}", scale=self.scale)
        low, high = self.codes
        codes = f"one from {low} to {high}" if high else "0"
        require(
            both(low <= self.zero, self.zero <= high),
            f"the code that stands for 0 in {self.format} must be {codes}, got {{zero}}",
            zero=self.zero,
        )
        return inputs[0]

    @property
    def codes(self) -> tuple[int, int]:
        """The smallest and the largest code that may stand for 0; floating-point numbers have a 0 of their own."""
        form = self.number_format
        return (int(form.smallest), int(form.largest)) if form.is_integer else (0, 0)
