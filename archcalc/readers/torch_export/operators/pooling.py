"""Pooling."""

from __future__ import annotations

from typing import Any

from archcalc.ops.base import Operator
from archcalc.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.readers.steps import PerExample, Step, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


def per_example(a: Arguments, op: Operator, axes: int) -> list[Step]:
    """Return the step of an operator over positions."""
    return [PerExample(op=op, axes=axes + 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


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
    return int(a.operator[-2])


@translates("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    op = make(MaxPool, **windows(a, axes))
    return per_example(a, op, axes)


@translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(a: Arguments) -> list[Step]:
    if not a.is_default("divisor_override", None):
        raise Untranslatable("average pooling with a divisor of its own")
    axes = axes_of(a)
    op = make(AvgPool, **windows(a, axes), count_include_pad=a.flag("count_include_pad", default=True))
    return per_example(a, op, axes)


ADAPTIVE: dict[str, tuple[type[Operator], type[Operator]]] = {
    "adaptive_avg_pool": (GlobalAvgPool, AdaptiveAvgPool),
    "adaptive_max_pool": (GlobalMaxPool, AdaptiveMaxPool),
}
"""The operators to one position and to any number of positions, by the name without axes."""


@translates(*(f"{name}{axes}d" for name in ADAPTIVE for axes in (1, 2, 3)))
def adaptive_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    sizes = a.integers("output_size", count=axes)
    to_one, to_many = ADAPTIVE[a.operator[:-2]]
    return per_example(a, to_one() if set(sizes) == {1} else make(to_many, size=sizes), axes)
