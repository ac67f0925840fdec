"""Joins of tensors."""

from __future__ import annotations

from archcalc.ops import joins
from archcalc.ops.arithmetic import Floor, Scale
from archcalc.ops.base import Operator
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.activation import towards_zero
from archcalc.readers.aten.operators.arithmetic import with_number
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.joining import ConcatenationStep, JoinStep
from archcalc.readers.steps import ElementwiseStep, ReshapeStep, Step, sizes_of_axes

JOINS: dict[str, type[Operator]] = {
    "add": joins.Add,
    "sub": joins.Sub,
    "mul": joins.Mul,
    "maximum": joins.Max,
    "minimum": joins.Min,
    "div": joins.Div,
}


SYNONYMS = {"divide": "div", "true_divide": "div", "multiply": "mul", "subtract": "sub"}


@translates(*JOINS, *SYNONYMS)
def join(a: Arguments) -> list[Step]:
    name = SYNONYMS.get(a.operator, a.operator)
    if not a.is_default("rounding_mode", None):
        return rounded_quotient(a)
    if not a.is_tensor("other"):
        return with_number(a, name)
    steps: list[Step] = []
    other = a.tensor("other")
    if not a.is_default("alpha", 1):
        scaled = a.reading.intermediate(a.sizes("other"))
        steps.append(ElementwiseStep(op=Scale(factor=a.number("alpha")), inputs=(other,), outputs=(scaled,)))
        other = scaled
    op = joins.Max() if name == "add" and a.reading.dtype(a.result_name) == "bool" else JOINS[name]()
    return [*steps, JoinStep(op=op, inputs=(a.tensor("self"), other), outputs=(a.result(),))]


def rounded_quotient(a: Arguments) -> list[Step]:
    """Return the steps of a quotient that is rounded down, or towards zero."""
    c = Composition(a)
    quotient = c.join(joins.Div(), a.tensor("self"), a.number_or_tensor("other"))
    down = a.text("rounding_mode", "") == "floor"
    return c.done(c.apply(quotient, Floor()) if down else towards_zero(c, quotient))


@translates("where")
def where(a: Arguments) -> list[Step]:
    chosen = [a.number_or_tensor(name) for name in ("self", "other")]
    return [JoinStep(op=joins.Where(), inputs=(a.tensor("condition"), *chosen), outputs=(a.result(),))]


@translates("masked_fill")
def masked_fill(a: Arguments) -> list[Step]:
    value = a.number_or_tensor("value")
    return [JoinStep(op=joins.Where(), inputs=(a.tensor("mask"), value, a.tensor("self")), outputs=(a.result(),))]


@translates("cat", "concat")
def concatenation(a: Arguments) -> list[Step]:
    names = [name for name in a.names("tensors") if 0 not in a.reading.sizes(name)]
    if not names:
        raise Untranslatable("a concatenation of nothing")
    axis = a.axis("dim", len(a.reading.sizes(names[0])), 0)
    inputs = tuple([a.reading.tensor(name) for name in names])
    if len(inputs) == 1:
        a.reading.same(a.result_name, names[0])
        return []
    return [ConcatenationStep(axis=axis, inputs=inputs, outputs=(a.result(),))]


@translates("hstack", "vstack", "dstack")
def stack_along(a: Arguments) -> list[Step]:
    names = a.names("tensors")
    axis = {"hstack": 1, "vstack": 0, "dstack": 2}[a.operator]
    rank = len(a.reading.sizes(names[0]))
    if rank <= max(axis, 1):
        raise Untranslatable("tensors with fewer axes")
    return [ConcatenationStep(axis=axis, inputs=tuple(map(a.reading.tensor, names)), outputs=(a.result(),))]


@translates("stack")
def stack(a: Arguments) -> list[Step]:
    names = a.names("tensors")
    sizes = a.reading.sizes(names[0])
    axis = a.axis("dim", len(sizes) + 1, 0)
    target = (*sizes_of_axes(range(axis)), 1, *sizes_of_axes(range(axis, len(sizes))))
    steps: list[Step] = []
    for name in names:
        made = a.reading.intermediate((*sizes[:axis], 1, *sizes[axis:]))
        steps.append(ReshapeStep(target=target, inputs=(a.reading.tensor(name),), outputs=(made,)))
    parts = tuple([step.outputs[0] for step in steps])
    return [*steps, ConcatenationStep(axis=axis, inputs=parts, outputs=(a.result(),))]
