"""Number formats of tensors: which numbers each of them has.

Every format is described by the layout of its bits; how numbers are rounded to it follows from that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Integers, or floating-point numbers ±(1 + fraction)·2^(exponent − bias)."""

    name: str
    fraction: int
    """The bits of the fraction; of integers, those without the sign."""
    exponent: int = 0
    """The bits of the exponent; 0: integers."""
    bias: int = 0
    """What is subtracted from the exponent."""
    signed: bool = True
    """Whether there are negative numbers."""
    infinities: bool = False
    """Whether the largest exponent stands for infinity and NaN, as in IEEE 754."""
    nan: bool = False
    """Whether there is a NaN."""
    negative_zero: bool = False
    """Whether there is a −0; in a signed format without it, its code is that of the NaN."""
    zero: bool = True
    """Whether there is a zero, with subnormal numbers between it and the smallest exponent."""

    @property
    def bits(self) -> int:
        """The bits of a number."""
        return self.signed + self.exponent + self.fraction

    @property
    def is_integer(self) -> bool:
        """Whether it has integers only."""
        return not self.exponent

    @property
    def finest(self) -> int:
        """The exponent of the smallest distance of two numbers, 2^finest; 0 for integers."""
        return self.zero - self.bias - self.fraction if self.exponent else 0

    @property
    def least(self) -> Fraction:
        """The smallest positive number."""
        return _power(self.finest)

    @property
    def largest(self) -> Fraction:
        """The largest finite number."""
        if self.is_integer:
            return Fraction(2**self.fraction - 1)
        has_nan_last = self.nan and (self.negative_zero or not self.signed)
        codes = 2 ** (self.exponent + self.fraction) - (2**self.fraction if self.infinities else has_nan_last)
        exponent, fraction = divmod(codes - 1, 2**self.fraction)
        return _power(exponent - self.bias) * (1 + Fraction(fraction, 2**self.fraction))

    @property
    def smallest(self) -> Fraction:
        """The smallest finite number: the most negative one, or 0 in a format without a sign."""
        if not self.signed:
            return Fraction(0)
        return -self.largest - 1 if self.is_integer else -self.largest

    def contains(self, other: NumberFormat) -> bool:
        """Return whether it has all numbers of another format."""
        if self.is_integer and not other.is_integer:
            return False
        precision = self.fraction >= other.fraction - (other.is_integer and not self.is_integer)
        special = self.infinities >= other.infinities and self.nan >= other.nan
        within = self.smallest <= other.smallest and other.largest <= self.largest
        return precision and special and within and self.finest <= other.finest


def _power(exponent: int) -> Fraction:
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)


def _ieee(name: str, exponent: int, fraction: int) -> NumberFormat:
    """Return a format with infinities, as IEEE 754 defines them."""
    bias = 2 ** (exponent - 1) - 1
    return NumberFormat(name, fraction, exponent, bias, infinities=True, nan=True, negative_zero=True)


FLOATS = (
    _ieee("float64", 11, 52),
    _ieee("float32", 8, 23),
    _ieee("float16", 5, 10),
    _ieee("bfloat16", 8, 7),
    NumberFormat("float8_e4m3fn", 3, 4, 7, nan=True, negative_zero=True),
    NumberFormat("float8_e4m3fnuz", 3, 4, 8, nan=True),
    _ieee("float8_e5m2", 5, 2),
    NumberFormat("float8_e5m2fnuz", 2, 5, 16, nan=True),
    NumberFormat("float8_e8m0fnu", 0, 8, 127, signed=False, nan=True, zero=False),
    NumberFormat("float4_e2m1", 1, 2, 1, negative_zero=True),
)
"""The formats of floating-point numbers."""

INTEGERS = (
    *(NumberFormat(f"int{bits}", bits - 1) for bits in (64, 32, 16, 8, 4, 2)),
    *(NumberFormat(f"uint{bits}", bits, signed=False) for bits in (64, 32, 16, 8, 4, 2)),
)
"""The formats of integers."""

FORMATS = {each.name: each for each in (*FLOATS, *INTEGERS)}
"""The formats by their names."""
ALIASES = {
    "fp64": "float64",
    "fp32": "float32",
    "fp16": "float16",
    "half": "float16",
    "bf16": "bfloat16",
    "fp8": "float8",
}
"""Other names of formats."""
