"""Comparisons, and logic on truth values, which are 1 and 0."""

from __future__ import annotations

from math import inf

from archcalc.ops.arithmetic import Abs
from archcalc.ops.base import Operator
from archcalc.ops.joins import Compare, Max, Min, Sub, Where
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
    """Return an argument as truth values."""
    tensor = c.a.tensor(name)
    if c.a.reading.dtype(c.a.name(name)) == "bool":
        return tensor
    return c.join(make(Compare, how="not_equal"), tensor, c.number(0))


LOGIC: dict[str, Operator] = {
    "logical_and": Min(),
    "logical_or": Max(),
    "logical_xor": make(Compare, how="not_equal"),
    "bitwise_and": Min(),
    "bitwise_or": Max(),
    "bitwise_xor": make(Compare, how="not_equal"),
    "__and__": Min(),
    "__or__": Max(),
    "__xor__": make(Compare, how="not_equal"),
}


@translates(*LOGIC)
def logic(a: Arguments) -> list[Step]:
    dtypes = {a.reading.dtype(a.name(name)) for name in ("self", "other") if a.is_tensor(name)}
    if not a.operator.startswith("logical") and dtypes != {"bool"}:
        raise Untranslatable("operations on the bits of integers")
    c = Composition(a)
    return c.done(c.join(LOGIC[a.operator], truth(c, "self"), truth(c, "other")))


@translates("logical_not", "bitwise_not")
def negation(a: Arguments) -> list[Step]:
    if a.operator == "bitwise_not" and a.reading.dtype(a.name("self")) != "bool":
        raise Untranslatable("operations on the bits of integers")
    c = Composition(a)
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
