"""Pooling."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.per_example import PerExample, lifted
from archcalc.readers.steps import Step, make


def per_example(a: Arguments, op: Operator, axes: int, one_more: Operator | None = None) -> list[Step]:
    """Return the step of an operator over positions; see `PerExample` for the operator over one axis more."""
    return [PerExample(op=op, lifted=one_more, axes=axes + 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


def windows(a: Arguments, axes: int) -> dict[str, Any]:
    """Return the attributes of windows."""
    kernel = a.integers("kernel_size", count=axes)
    stride = a.integers("stride", (), count=0) or kernel
    return {
        "kernel": kernel,
        "stride": stride * axes if len(stride) == 1 else stride,
        "pad": tuple([(each, each) for each in a.integers("padding", (0,), count=axes)]),
        "dilation": a.integers("dilation", (1,), count=axes),
        "ceil": a.flag("ceil_mode", default=False),
    }


def axes_of(a: Arguments) -> int:
    """Return the number of spatial axes in the name of the operator: 2 in ``max_pool2d``."""
    return int(a.operator.removesuffix("_with_indices")[-2])


@translates(*(f"max_pool{axes}d{indices}" for axes in (1, 2, 3) for indices in ("", "_with_indices")))
def max_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    attributes = windows(a, axes)
    return per_example(a, make(MaxPool, **attributes), axes, make(MaxPool, **lifted(attributes)))


@translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    own = not a.is_default("divisor_override", None)
    attributes = {**windows(a, axes), "count_include_pad": own or a.flag("count_include_pad", default=True)}
    if own:  # the mean, times the number of positions of a window
        c, op = Composition(a), make(AvgPool, **attributes)
        factor = Fraction(prod(attributes["kernel"]), a.integer("divisor_override"))
        means = (c.new(a.reading.sizes(a.result_name)),)
        mean = c.add(PerExample(op=op, axes=axes + 1, inputs=(a.tensor("self"),), outputs=means))
        return c.done(c.apply(mean, make(Scale, factor=factor)))
    return per_example(a, make(AvgPool, **attributes), axes, make(AvgPool, **lifted(attributes)))


ADAPTIVE: dict[str, tuple[type[Operator], type[Operator]]] = {
    "adaptive_avg_pool": (GlobalAvgPool, AdaptiveAvgPool),
    "adaptive_max_pool": (GlobalMaxPool, AdaptiveMaxPool),
}
"""The operators to one position and to any number of positions, by the name without axes."""


@translates(*(f"{prefix}{name}{axes}d" for name in ADAPTIVE for axes in (1, 2, 3) for prefix in ("", "_")))
def adaptive_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    sizes = a.integers("output_size", count=axes)
    to_one, to_many = ADAPTIVE[a.operator[:-2].removeprefix("_")]
    return per_example(a, to_one() if set(sizes) == {1} else make(to_many, size=sizes), axes)
