"""Changes of the number of positions."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric import simplified
from archcalc.ops.joins import Mul
from archcalc.ops.reduction import Sum
from archcalc.ops.resample import Upsample
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.filters import tap_count
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import Step, make

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
        attributes = {"scale": tuple([simplified(Fraction(factor)) for factor in factors])}
    elif isinstance(factors, list) and any(n * f != m for n, m, f in zip(before, after, factors, strict=True)):
        raise Untranslatable("a scale that does not lead to an integer size")
    else:
        attributes = {"to": after if a.is_default("output_size", None) else a.size_list("output_size")}
    op = make(Upsample, **attributes, mode=mode, align_corners=a.flag("align_corners", default=False))
    return [PerExampleStep(op=op, axes=axes + 1, inputs=(a.tensor(read),), outputs=(a.result(),))]


@translates("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d")
def nearest_exact(a: Arguments) -> list[Step]:
    """Translate the positions that are nearest by their centres, along one axis after another."""
    c, read = Composition(a), "self" if a.is_tensor("self") else "input"
    made, before, after = a.tensor(read), a.sizes(read), a.reading.sizes(a.result_name)
    for axis in range(2, len(before)):
        n, m = before[axis], after[axis]
        made = c.take(made, c.constant("nearest_index", (m,), n=n, m=m), axis, size=n)
    return c.done(made)


@translates("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
def filtered(a: Arguments) -> list[Step]:
    """Translate sums by a filter against aliasing, along one axis after another."""
    c, read = Composition(a), "self" if a.is_tensor("self") else "input"
    mode = "bicubic" if "bicubic" in a.operator else "bilinear"
    made, after = a.tensor(read), a.reading.sizes(a.result_name)
    if isinstance(a.call.arguments.get("scale_factors"), list):
        raise Untranslatable("a filter against aliasing by a factor")
    for axis in (3, 2):
        n, m = c.sizes(made)[axis], after[axis]
        scale = (n - 1) / max(m - 1, 1) if a.flag("align_corners", default=False) else n / m
        taps = tap_count(scale, mode)
        given = {"n": n, "m": m, "scale": scale, "mode": mode}
        chosen = c.take(made, c.constant("filter_index", (m, taps), **given), axis, size=n)
        shape = (m, taps, *(1,) * (3 - axis))
        weights = c.reshape(c.constant("filter_weight", (m, taps), **given), shape, shape)
        made = c.reduce(Sum, c.join(Mul(), chosen, weights), [axis + 1], keep=False)
    return c.done(made)
