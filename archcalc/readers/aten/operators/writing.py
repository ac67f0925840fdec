"""Calls that replace the numbers of a tensor, or some of them."""

from __future__ import annotations

from math import prod

from archcalc.ops.joins import Where
from archcalc.readers.aten.formats import is_integer
from archcalc.readers.aten.operators.repetition import counts_of, repeated
from archcalc.readers.aten.operators.views import (
    Replaced,
    one_position_replaced,
    sliced,
)
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.joining import JoinStep
from archcalc.readers.steps import ReshapeStep, Step


@translates("copy")
def copy(a: Arguments) -> list[Step]:
    """Translate the replacement of all numbers; axes of size 1 are expanded."""
    before, after = a.sizes("src"), a.sizes("self")
    if is_integer(a.reading.dtype(a.name("self"))) and not is_integer(a.reading.dtype(a.name("src"))):
        raise Untranslatable("a copy that rounds")
    if before == after:
        a.reading.same(a.result_name, a.name("src"))
        return []
    if prod(before) == prod(after):  # axes of size 1 are left out
        return [ReshapeStep(target=after, inputs=(a.tensor("src"),), outputs=(a.result(),))]
    return repeated(a, counts_of(before, after, after), read="src")


@translates("fill", "zero")
def fill(a: Arguments) -> list[Step]:
    """Translate the replacement of all numbers by one, wherever the batch is."""
    everywhere = a.reading.tensor(a.constant("everywhere", "full", (1,), size=[1], fill_value=1.0))
    value = a.number_or_tensor("value", 0.0)
    return [JoinStep(op=Where(), inputs=(everywhere, value, a.tensor("self")), outputs=(a.result(),))]


@translates("slice_scatter")
def slice_scatter(a: Arguments) -> list[Step]:
    return replaced(a, sliced(a, "", a.tensor("self"), a.tensor("src")))


@translates("select_scatter")
def select_scatter(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")))
    return replaced(a, one_position_replaced(a, a.tensor("self"), a.tensor("src"), axis, a.integer("index")))


def replaced(a: Arguments, made: Replaced) -> list[Step]:
    """Return steps that end with the result of a call."""
    steps, number = made
    a.reading.give(a.result_name, number)
    return steps
