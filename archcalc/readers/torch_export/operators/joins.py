"""Joins of tensors."""

from __future__ import annotations

from archcalc.ops import joins
from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.readers.steps import Concatenated, Elementwise, Joined, Step
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
        if name not in ("mul", "div"):
            raise Untranslatable(f"{name} of a tensor and a number")
        factor = a.number("other") if name == "mul" else 1 / a.number("other")
        return [Elementwise(op=Scale(factor=factor), inputs=(a.tensor("self"),), outputs=(a.result(),))]
    if not a.is_default("alpha", 1):
        raise Untranslatable(f"{name} with a factor alpha")
    inputs = (a.tensor("self"), a.tensor("other"))
    return [Joined(op=JOINS[name](), inputs=inputs, outputs=(a.result(),))]


@translates("cat", "concat")
def concatenation(a: Arguments) -> list[Step]:
    names = a.names("tensors")
    axis = a.axis("dim", len(a.reading.sizes(names[0])), 0)
    inputs = tuple([a.reading.tensor(name) for name in names])
    if len(inputs) == 1:
        a.reading.same(a.result_name, names[0])
        return []
    return [Concatenated(axis=axis, inputs=inputs, outputs=(a.result(),))]
