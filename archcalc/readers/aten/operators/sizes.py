"""Numbers that a model computes from the sizes of its tensors."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, eq, floordiv, ge, gt, le, lt, mod, mul, ne, neg, sub
from typing import Any

from archcalc.numeric import Number, ceiling, exact_div, floor, maximum, minimum, ratio, require
from archcalc.readers.aten.registry import Arguments, translates, translates_function
from archcalc.readers.steps import AxisSizeStep, CalculationStep, Step

RELATIONS: dict[str, Callable[[Any, Any], Any]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def assumed(relation: Any, one: Number, other: Number) -> Number:
    """Require a relation of sizes by which a model was read: with other sizes, it may compute something else."""
    message = "the model was read for sizes with {one} {relation} {other}, and may compute something else otherwise"
    require(RELATIONS[relation](one, other), message, one=one, relation=relation, other=other)
    return 1


FUNCTIONS: dict[str, Callable[..., Number]] = {
    "_operator.add": add,
    "_operator.sub": sub,
    "_operator.mul": mul,
    "_operator.floordiv": floordiv,
    "_operator.mod": mod,
    "_operator.neg": neg,
    "_operator.truediv": exact_div,
    "torch.sym_max": maximum,
    "torch.sym_min": minimum,
    "onnx.ratio": ratio,
    "onnx.floor": floor,
    "onnx.ceil": ceiling,
    "onnx.assumed": assumed,
}


@translates("sym_size")
def size(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")))
    return [AxisSizeStep(name=a.result_name, axis=axis, inputs=(a.tensor("self"),), outputs=())]


@translates_function(*FUNCTIONS)
def calculation(a: Arguments) -> list[Step]:
    arguments: tuple[Any, ...] = tuple(a.call.arguments.values())
    return [
        CalculationStep(
            name=a.result_name, function=FUNCTIONS[a.call.target], arguments=arguments, inputs=(), outputs=()
        )
    ]
