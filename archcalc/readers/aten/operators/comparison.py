"""Comparisons, and logic on Booleans, which are 1 and 0."""

from __future__ import annotations

from math import inf

from archcalc.ops.arithmetic import Abs, Offset, Scale
from archcalc.ops.base import Operator
from archcalc.ops.formats import FORMATS
from archcalc.ops.joins import Bitwise, Compare, Max, Min, Sub, Where
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.patterns import PatternReductionStep
from archcalc.readers.steps import Step, make

COMPARISONS = {
    "gt": "greater",
    "ge": "greater_equal",
    "lt": "less",
    "le": "less_equal",
    "eq": "equal",
    "ne": "not_equal",
}

SYNONYMS = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne"}


@translates(*COMPARISONS, *SYNONYMS)
def comparison(a: Arguments) -> list[Step]:
    how = COMPARISONS[SYNONYMS.get(a.operator, a.operator)]
    c = Composition(a)
    return c.done(c.join(make(Compare, how=how), a.tensor("self"), a.number_or_tensor("other")))


def truth(c: Composition, name: str) -> int:
    """Return an argument as Booleans."""
    tensor = c.a.tensor(name)
    if c.a.reading.dtype(c.a.name(name)) == "bool":
        return tensor
    return c.join(make(Compare, how="not_equal"), tensor, c.number(0))


LOGIC: dict[str, Operator] = {"and": Min(), "or": Max(), "xor": make(Compare, how="not_equal")}
"""The operations on Booleans."""

BITS = {
    **{f"bitwise_{how}": how for how in LOGIC},
    **{f"__{how}__": how for how in LOGIC},
    **dict.fromkeys(("bitwise_left_shift", "__lshift__"), "left"),
    **dict.fromkeys(("bitwise_right_shift", "__rshift__"), "right"),
}
"""The operations on the bits of integers, and on Booleans."""


@translates("logical_and", "logical_or", "logical_xor")
def logic(a: Arguments) -> list[Step]:
    return on_truth_values(a, a.operator.removeprefix("logical_"))


def on_truth_values(a: Arguments, how: str) -> list[Step]:
    c = Composition(a)
    return c.done(c.join(LOGIC[how], truth(c, "self"), truth(c, "other")))


@translates(*BITS)
def bitwise(a: Arguments) -> list[Step]:
    how = BITS[a.operator]
    dtypes = {a.reading.dtype(a.name(name)) for name in ("self", "other") if a.is_tensor(name)}
    if dtypes == {"bool"} and how in LOGIC:
        return on_truth_values(a, how)
    op = make(Bitwise, how=how, format=a.reading.dtype(a.result_name))
    c = Composition(a)
    return c.done(c.join(op, *(a.number_or_tensor(name) for name in ("self", "other"))))


@translates("logical_not", "bitwise_not")
def negation(a: Arguments) -> list[Step]:
    c, dtype = Composition(a), a.reading.dtype(a.name("self"))
    if a.operator == "bitwise_not" and dtype != "bool":
        if dtype not in FORMATS:
            raise Untranslatable(f"the bits of {dtype}")
        ends = sum((FORMATS[dtype].smallest, FORMATS[dtype].largest))  # −1 − x, or the largest number minus x
        return c.done(c.apply(a.tensor("self"), make(Scale, factor=-1), make(Offset, by=ends)))
    return c.done(c.join(make(Compare, how="equal"), a.tensor("self"), c.number(0)))


@translates("any", "all")
def some(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axes = tuple(sorted({axis % rank for axis in a.integers("dim", range(rank))})) or tuple(range(rank))
    keep, how = a.flag("keepdim", default=False), "max" if a.operator == "any" else "min"
    c = Composition(a)
    made = a.reading.intermediate(a.reading.sizes(a.result_name))
    read = truth(c, "self")
    return c.done(c.add(PatternReductionStep(axes=axes, keep=keep, how=how, inputs=(read,), outputs=(made,))))


@translates("tril", "triu")
def triangle(a: Arguments) -> list[Step]:
    """Translate zeros above or below a diagonal of matrices, the last two axes."""
    c, size, diagonal = Composition(a), a.sizes("self")[-2:], a.integer("diagonal", 0)
    below = c.constant("triangle", size, size=list(size), diagonal=diagonal - (a.operator == "triu"))
    chosen = (a.tensor("self"), c.number(0))
    return c.done(c.join(Where(), below, *(chosen if a.operator == "tril" else chosen[::-1])))


@translates("sign", "sgn")
def sign(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(sign_of(c, a.tensor("self")))


def sign_of(c: Composition, x: int) -> int:
    """Return 1 where a tensor is positive, −1 where it is negative, and else 0."""
    zero = c.number(0)
    above, below = (c.join(make(Compare, how=how), x, zero) for how in ("greater", "less"))
    return c.join(Sub(), above, below)


@translates("isnan")
def is_no_number(a: Arguments) -> list[Step]:
    """Translate x ≠ x."""
    c, x = Composition(a), a.tensor("self")
    return c.done(c.join(make(Compare, how="not_equal"), x, x))


@translates("isinf")
def is_infinite(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(c.join(make(Compare, how="equal"), c.apply(a.tensor("self"), Abs()), c.number(inf)))
