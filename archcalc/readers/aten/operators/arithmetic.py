"""Functions of single numbers: bounds, powers, constant terms and factors."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf, log

from archcalc.ops.activation import Elu, Softplus, Tanh
from archcalc.ops.arithmetic import Abs, Clip, Exp, Floor, Log, Offset, Pow, Quantize, Scale
from archcalc.ops.base import Operator
from archcalc.ops.formats import INTEGERS
from archcalc.ops.joins import Add, Compare, Div, Max, Min, Mul, Sub, Where
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.formats import is_integer
from archcalc.readers.aten.operators.activation import elementwise, towards_zero
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.joining import JoinStep
from archcalc.readers.steps import ElementwiseStep, Step, make


@translates("clamp", "clip", "clamp_min", "clamp_max")
def clamp(a: Arguments) -> list[Step]:
    if a.is_tensor("min") or a.is_tensor("max"):
        return clamp_to_tensors(a)
    bounds = {name: a.number(name) for name in ("min", "max") if not a.is_default(name, None, inf, -inf)}
    if not bounds:
        a.reading.same(a.result_name, a.name("self"))
        return []
    return elementwise(a, make(Clip, **bounds))


def clamp_to_tensors(a: Arguments) -> list[Step]:
    """Return the steps of bounds that are tensors."""
    bounds = [(name, op) for name, op in (("min", Max()), ("max", Min())) if not a.is_default(name, None)]
    steps: list[Step] = []
    read, sizes = a.tensor("self"), a.reading.sizes(a.result_name)
    for number, (name, op) in enumerate(bounds, 1):
        bound = a.number_or_tensor(name)
        made = a.result() if number == len(bounds) else a.reading.intermediate(sizes)
        steps.append(JoinStep(op=op, inputs=(read, bound), outputs=(made,)))
        read = made
    return steps


POWERS = {"square": 2, "rsqrt": Fraction(-1, 2), "reciprocal": -1}
"""The exponents of powers that have names."""


@translates("pow", *POWERS)
def power(a: Arguments) -> list[Step]:
    if not a.is_tensor("self"):
        return power_of_number(a)
    exponent = POWERS[a.operator] if a.operator in POWERS else a.number("exponent")
    return elementwise(a, make(Pow, exponent=exponent))


def power_of_number(a: Arguments) -> list[Step]:
    """Return the steps of a power with a positive base that is one number."""
    base = a.number("self")
    if base <= 0:
        raise Untranslatable("powers of a number that is not positive")
    c = Composition(a)
    return c.done(c.apply(a.tensor("exponent"), make(Scale, factor=rounded(log(base))), Exp()))


def rounded(value: float) -> Fraction:
    """Return the exact decimal that the shortest text of a number is."""
    return Fraction(repr(value))


def opposite() -> Operator:
    return make(Scale, factor=-1)


CHAINS: dict[str, Callable[[], tuple[Operator, ...]]] = {
    "expm1": lambda: (Exp(), make(Offset, by=-1)),
    "log1p": lambda: (make(Offset, by=1), Log()),
    "log2": lambda: (Log(), make(Scale, factor=rounded(1 / log(2)))),
    "log10": lambda: (Log(), make(Scale, factor=rounded(1 / log(10)))),
    "exp2": lambda: (make(Scale, factor=rounded(log(2))), Exp()),
    "log_sigmoid": lambda: (opposite(), Softplus(), opposite()),
}
"""Functions that are several of ours, one after another."""


@translates(*CHAINS)
def chain(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(c.apply(a.tensor("self"), *CHAINS[a.operator]()))


@translates("celu")
def celu(a: Arguments) -> list[Step]:
    """Translate α·elu(x/α)."""
    alpha, c = a.number("alpha", 1), Composition(a)
    return c.done(
        c.apply(a.tensor("self"), make(Scale, factor=1 / alpha), make(Elu, alpha=1), make(Scale, factor=alpha))
    )


@translates("tanhshrink")
def tanhshrink(a: Arguments) -> list[Step]:
    c, x = Composition(a), a.tensor("self")
    return c.done(c.join(Sub(), x, c.apply(x, Tanh())))


@translates("softsign")
def softsign(a: Arguments) -> list[Step]:
    c, x = Composition(a), a.tensor("self")
    return c.done(c.join(Div(), x, c.apply(x, Abs(), make(Offset, by=1))))


@translates("threshold")
def threshold(a: Arguments) -> list[Step]:
    c, x = Composition(a), a.tensor("self")
    above = c.join(make(Compare, how="greater"), x, c.number(float(a.number("threshold"))))
    return c.done(c.join(Where(), above, x, c.number(float(a.number("value")))))


@translates("hardshrink")
def hardshrink(a: Arguments) -> list[Step]:
    """Translate x where |x| > λ, else 0."""
    c, x = Composition(a), a.tensor("self")
    away = c.join(make(Compare, how="greater"), c.apply(x, Abs()), c.number(float(a.number("lambd", 0.5))))
    return c.done(c.join(Where(), away, x, c.number(0)))


@translates("softshrink")
def softshrink(a: Arguments) -> list[Step]:
    """Translate x − min(max(x, −λ), λ)."""
    c, x, bound = Composition(a), a.tensor("self"), a.number("lambd", 0.5)
    return c.done(c.join(Sub(), x, c.apply(x, make(Clip, min=-bound, max=bound))))


@translates("floor_divide", "remainder", "fmod")
def quotient_or_rest(a: Arguments) -> list[Step]:
    """Translate ⌊x/y⌋, or x − y·⌊x/y⌋, or the remainder with the sign of x: x − y·q, where q is x/y without decimals.

    The product with a quotient of 0 is no number if y is infinite: then, the remainder is x, or y if ⌊x/y⌋ is −1.
    """
    c, x = Composition(a), a.tensor("self")
    y = a.number_or_tensor("other")
    ratio = c.join(Div(), x, y)
    quotient = towards_zero(c, ratio) if a.operator == "fmod" else c.apply(ratio, Floor())
    if a.operator == "floor_divide":
        return c.done(quotient)
    rest = c.join(Sub(), x, c.join(Mul(), y, quotient))
    if not may_be_infinite(a):
        return c.done(rest)
    zero = c.number(0)
    without = x
    if a.operator == "remainder":
        differ = c.join(make(Compare, how="less"), c.join(Mul(), x, y), zero)
        without = c.join(Where(), differ, y, x)
    return c.done(c.join(Where(), c.join(make(Compare, how="equal"), quotient, zero), without, rest))


def may_be_infinite(a: Arguments) -> bool:
    """Return whether a divisor is a tensor of real numbers that the network computes."""
    if not a.is_tensor("other") or a.reading.is_constant(a.call.arguments["other"]):
        return False
    return not is_integer(a.reading.dtype(a.name("other")))


@translates("round")
def rounded_to_even(a: Arguments) -> list[Step]:
    """Translate the nearest integer, of two the even one."""
    if not a.is_default("decimals", 0):
        raise Untranslatable("rounding to a number of decimals")
    c = Composition(a)
    return c.done(to_even(c, a.tensor("self")))


def to_even(c: Composition, x: int) -> int:
    """Return the nearest integers; of two, the even ones: ⌊x⌋, plus 1 if the rest is above ½, or is ½ and ⌊x⌋ odd.

    All of this is exact in floating-point numbers, unlike x + ½.
    """
    below, half = c.apply(x, Floor()), c.number(0.5)
    rest = c.join(Sub(), x, below)
    even = c.apply(below, make(Scale, factor=Fraction(1, 2)), Floor(), make(Scale, factor=2))
    is_above, reaches = (c.join(make(Compare, how=how), rest, half) for how in ("greater", "greater_equal"))
    return c.join(Add(), below, c.join(Where(), c.join(Sub(), below, even), reaches, is_above))


@translates("fake_quantize_per_tensor_affine")
def fake_quantized(a: Arguments) -> list[Step]:
    """Translate rounding to codes and back. Limits that are not those of a format are applied to the codes."""
    scale, zero = a.number("scale"), a.integer("zero_point")
    low, high = a.integer("quant_min"), a.integer("quant_max")
    fitting = [form for form in INTEGERS if form.smallest <= low and high <= form.largest]
    form = min(fitting, key=lambda form: form.bits, default=None)
    if form is None:
        raise Untranslatable("codes that no number format has")
    if form.smallest == low and form.largest == high:
        return elementwise(a, make(Quantize, format=form.name, scale=scale, zero=zero))
    c, limits = Composition(a), make(Clip, min=low - zero, max=high - zero)
    codes = (make(Scale, factor=1 / scale), make(Quantize, format=form.name, zero=zero), limits)
    return c.done(c.apply(a.tensor("self"), *codes, make(Scale, factor=scale)))


@translates("lerp")
def interpolated(a: Arguments) -> list[Step]:
    """Translate self + weight·(end − self)."""
    c, x = Composition(a), a.tensor("self")
    away = c.join(Sub(), a.tensor("end"), x)
    weighted = (
        c.join(Mul(), away, a.tensor("weight"))
        if a.is_tensor("weight")
        else c.apply(away, make(Scale, factor=a.number("weight")))
    )
    return c.done(c.join(Add(), x, weighted))


@translates("addcmul", "addcdiv")
def combined_and_added(a: Arguments) -> list[Step]:
    """Translate self + value·tensor1·tensor2, or tensor1/tensor2."""
    c = Composition(a)
    term = c.join(Mul() if a.operator == "addcmul" else Div(), a.tensor("tensor1"), a.tensor("tensor2"))
    term = term if a.is_default("value", 1) else c.apply(term, make(Scale, factor=a.number("value")))
    return c.done(c.join(Add(), a.tensor("self"), term))


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
        ElementwiseStep(op=factor, inputs=(a.tensor("self"),), outputs=(scaled,)),
        ElementwiseStep(op=make(Offset, by=a.number("other")), inputs=(scaled,), outputs=(a.result(),)),
    ]
