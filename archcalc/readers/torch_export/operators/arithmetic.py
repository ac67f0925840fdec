"""Functions of single numbers: bounds, powers, constant terms and factors."""

from __future__ import annotations

from fractions import Fraction

from archcalc.ops.arithmetic import Clip, Offset, Pow, Scale
from archcalc.ops.joins import Max, Min
from archcalc.readers.joining import Joined
from archcalc.readers.steps import Elementwise, Step, make
from archcalc.readers.torch_export.operators.activation import elementwise
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


@translates("clamp", "clip", "clamp_min", "clamp_max")
def clamp(a: Arguments) -> list[Step]:
    if a.is_tensor("min") or a.is_tensor("max"):
        return clamp_to_tensors(a)
    low, high = (None if a.is_default(name, None) else a.number(name) for name in ("min", "max"))
    return elementwise(a, make(Clip, min=low, max=high))


def clamp_to_tensors(a: Arguments) -> list[Step]:
    """Return the steps of bounds that are tensors."""
    bounds = [(name, op) for name, op in (("min", Max()), ("max", Min())) if not a.is_default(name, None)]
    steps: list[Step] = []
    read, sizes = a.tensor("self"), a.reading.sizes(a.result_name)
    for number, (name, op) in enumerate(bounds, 1):
        bound = a.number_or_tensor(name)
        made = a.result() if number == len(bounds) else a.reading.intermediate(sizes)
        steps.append(Joined(op=op, inputs=(read, bound), outputs=(made,)))
        read = made
    return steps


POWERS = {"square": 2, "rsqrt": Fraction(-1, 2), "reciprocal": -1}
"""The exponents of powers that have names."""


@translates("pow", *POWERS)
def power(a: Arguments) -> list[Step]:
    exponent = POWERS[a.operator] if a.operator in POWERS else a.number("exponent")
    return elementwise(a, make(Pow, exponent=exponent))


@translates("neg", "negative")
def negative(a: Arguments) -> list[Step]:
    return elementwise(a, make(Scale, factor=-1))


def with_number(a: Arguments, name: str) -> list[Step]:
    """Return the step of a sum, difference, product or quotient of a tensor and a number."""
    number = a.number("other")
    if name in ("add", "sub"):
        number *= a.number("alpha", 1)
        return elementwise(a, make(Offset, by=number if name == "add" else -number))
    if name in ("mul", "div"):
        return elementwise(a, make(Scale, factor=number if name == "mul" else 1 / number))
    raise Untranslatable(f"{name} of a tensor and a number")


@translates("rsub")
def reversed_difference(a: Arguments) -> list[Step]:
    """Translate other − alpha · self."""
    if a.is_tensor("other"):
        raise Untranslatable("a reversed difference of tensors")
    scaled = a.reading.intermediate(a.sizes("self"))
    factor = make(Scale, factor=-a.number("alpha", 1))
    return [
        Elementwise(op=factor, inputs=(a.tensor("self"),), outputs=(scaled,)),
        Elementwise(op=make(Offset, by=a.number("other")), inputs=(scaled,), outputs=(a.result(),)),
    ]
