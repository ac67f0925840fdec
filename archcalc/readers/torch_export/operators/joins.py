"""Joins of tensors."""

from __future__ import annotations

from archcalc.ops import joins
from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.readers.joining import Concatenated, Joined
from archcalc.readers.steps import Elementwise, Reshaped, Step, sizes_of_axes
from archcalc.readers.torch_export.operators.arithmetic import with_number
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

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
        raise Untranslatable("a division that rounds")
    if not a.is_tensor("other"):
        return with_number(a, name)
    steps: list[Step] = []
    other = a.tensor("other")
    if not a.is_default("alpha", 1):
        scaled = a.reading.intermediate(a.sizes("other"))
        steps.append(Elementwise(op=Scale(factor=a.number("alpha")), inputs=(other,), outputs=(scaled,)))
        other = scaled
    return [*steps, Joined(op=JOINS[name](), inputs=(a.tensor("self"), other), outputs=(a.result(),))]


@translates("addcmul")
def product_added(a: Arguments) -> list[Step]:
    """Translate self + value · tensor1 · tensor2."""
    if not a.is_default("value", 1):
        raise Untranslatable("addcmul with a factor")
    product = a.reading.intermediate(a.reading.sizes(a.result_name))
    return [
        Joined(op=joins.Mul(), inputs=(a.tensor("tensor1"), a.tensor("tensor2")), outputs=(product,)),
        Joined(op=joins.Add(), inputs=(a.tensor("self"), product), outputs=(a.result(),)),
    ]


@translates("where")
def where(a: Arguments) -> list[Step]:
    chosen = [a.number_or_tensor(name) for name in ("self", "other")]
    return [Joined(op=joins.Where(), inputs=(a.tensor("condition"), *chosen), outputs=(a.result(),))]


@translates("masked_fill")
def masked_fill(a: Arguments) -> list[Step]:
    value = a.number_or_tensor("value")
    return [Joined(op=joins.Where(), inputs=(a.tensor("mask"), value, a.tensor("self")), outputs=(a.result(),))]


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
    return [Concatenated(axis=axis, inputs=inputs, outputs=(a.result(),))]


@translates("stack")
def stack(a: Arguments) -> list[Step]:
    names = a.names("tensors")
    sizes = a.reading.sizes(names[0])
    axis = a.axis("dim", len(sizes) + 1, 0)
    target = (*sizes_of_axes(range(axis)), 1, *sizes_of_axes(range(axis, len(sizes))))
    steps: list[Step] = []
    for name in names:
        made = a.reading.intermediate((*sizes[:axis], 1, *sizes[axis:]))
        steps.append(Reshaped(target=target, inputs=(a.reading.tensor(name),), outputs=(made,)))
    parts = tuple([step.outputs[0] for step in steps])
    return [*steps, Concatenated(axis=axis, inputs=parts, outputs=(a.result(),))]
