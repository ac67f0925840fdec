"""Changes of the number of positions."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric import normal
from archcalc.ops.resample import Upsample
from archcalc.readers.steps import PerExample, Step, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

MODES = {
    "nearest": "nearest",
    "linear": "bilinear",
    "bilinear": "bilinear",
    "trilinear": "bilinear",
    "bicubic": "bicubic",
}

MAX_DENOMINATOR = 64
"""Factors are floats; those that are fractions with at most this denominator are exact."""


@translates(
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "upsample_linear1d",
    "upsample_bilinear2d",
    "upsample_trilinear3d",
    "upsample_bicubic2d",
)
def upsample(a: Arguments) -> list[Step]:
    name = a.operator.removeprefix("upsample_")
    axes, mode = int(name[-2]), MODES[name[:-2]]
    read = "self" if a.is_tensor("self") else "input"
    before, after = a.sizes(read)[2:], a.reading.sizes(a.result_name)[2:]
    factors = a.call.arguments.get("scale_factors")
    if isinstance(factors, list) and all(Fraction(factor).denominator <= MAX_DENOMINATOR for factor in factors):
        attributes = {"scale": tuple([normal(Fraction(factor)) for factor in factors])}
    elif isinstance(factors, list) and any(n * f != m for n, m, f in zip(before, after, factors, strict=True)):
        raise Untranslatable("a scale that does not lead to an integer size")
    else:
        attributes = {"to": after}
    op = make(Upsample, **attributes, mode=mode, align_corners=a.flag("align_corners", default=False))
    return [PerExample(op=op, axes=axes + 1, inputs=(a.tensor(read),), outputs=(a.result(),))]
