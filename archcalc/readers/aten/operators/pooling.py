"""Pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.ops.joins import Add
from archcalc.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.scattering import everywhere, put
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.per_example import PerExampleStep, lifted
from archcalc.readers.selection import LargestElementsStep
from archcalc.readers.steps import Step, make, sizes_of_axes


def per_example(a: Arguments, op: Operator, axes: int, one_more: Operator | None = None) -> list[Step]:
    """Return the step of an operator over positions; see `PerExampleStep` for the operator over one axis more."""
    return [PerExampleStep(op=op, lifted=one_more, axes=axes + 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


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
    steps = per_example(a, make(MaxPool, **attributes), axes, make(MaxPool, **lifted(attributes)))
    indices = a.call.outputs[1] if len(a.call.outputs) > 1 else None
    if indices is None or not a.reading.is_read(indices):
        return steps
    c = Composition(a)
    a.reading.give(indices, places_of_maxima(c, a.reading.sizes(indices)[2:], attributes))
    return [*steps, *c.steps]


def places_of_maxima(c: Composition, made: Sizes, attributes: Mapping[str, Any], order: str = "C") -> int:
    """Return the index of the largest element of every window among those of its map.

    Args:
        c: the steps so far, of a call on a tensor ``self``.
        made: the number of windows along every axis.
        attributes: those of the windows.
        order: the axis along which indices grow fastest: the last one (C) or the first one (F).
    """
    batch, channels, *sizes = c.a.sizes("self")
    taps, count = prod(attributes["kernel"]), prod(made)
    given = {name: list(attributes[name]) for name in ("kernel", "stride", "dilation")}
    given |= {"axes": sizes, "before": [before for before, _ in attributes["pad"]], "counts": list(made)}
    table = c.constant("tap_index", (taps, count), **given, order="C")
    flat = c.reshape(c.a.tensor("self"), (*sizes_of_axes((0, 1)), -1), (batch, channels, prod(sizes)))
    found = c.take(flat, table, 2, size=prod(sizes))
    one = c.new((batch, channels, 1, count))
    tap = c.add(LargestElementsStep(axis=2, count=1, smallest=False, kept=(1,), inputs=(found,), outputs=(one,)))
    row = c.apply(tap, make(Scale, factor=count))
    column = c.constant("arange", (count,), start=0, end=count, step=1)
    at = c.reshape(c.join(Add(), row, column), (*sizes_of_axes((0, 1)), *made), (batch, channels, *made))
    numbers = table if order == "C" else c.constant("tap_index", (taps, count), **given, order=order)
    return c.take(c.reshape(numbers, (-1,), (taps * count,)), at, 0)


@translates("max_unpool2d", "max_unpool3d")
def max_unpool(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(unpooled(c, a.tensor("indices"), a.integers("output_size")))


def unpooled(c: Composition, indices: int, made: Sequence[int]) -> int:
    """Return maps of zeros, of some size, with the elements of the first argument at indices into each map."""
    batch, channels, *sizes = c.a.sizes("self")
    full, count = (batch, channels, prod(made)), prod(sizes)
    flat = (*sizes_of_axes((0, 1)), count)
    values, at = (c.reshape(each, flat, (batch, channels, count)) for each in (c.a.tensor("self"), indices))
    nothing = everywhere(c, c.reshape(c.number(0), (1, 1, 1), (1, 1, 1)), full)
    found = put(c, nothing, 2, at, values, "replace")
    return c.reshape(found, (*sizes_of_axes((0, 1)), *made), (batch, channels, *made))


@translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(a: Arguments) -> list[Step]:
    axes = axes_of(a)
    own = not a.is_default("divisor_override", None)
    attributes = {**windows(a, axes), "count_include_pad": own or a.flag("count_include_pad", default=True)}
    if own:  # the mean, times the number of positions of a window
        c, op = Composition(a), make(AvgPool, **attributes)
        factor = Fraction(prod(attributes["kernel"]), a.integer("divisor_override"))
        means = (c.new(a.reading.sizes(a.result_name)),)
        mean = c.add(PerExampleStep(op=op, axes=axes + 1, inputs=(a.tensor("self"),), outputs=means))
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
