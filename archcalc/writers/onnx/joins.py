"""Joins: their counterparts read the names and the shapes of all inputs."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import (
    part,
    reshaped,
)
from archcalc.writers.onnx.registry import writes


def write_elementwise(kind: str, model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    rank = max(map(len, shapes))
    aligned = [
        name if len(shape) == rank else reshaped(model, name, *shape, *(1,) * (rank - len(shape)))
        for name, shape in zip(names, shapes, strict=True)
    ]
    return reduce(lambda one, other: model.add(kind, one, other), aligned)


@writes("where")
def write_where(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    rank = max(map(len, shapes))
    condition, one, other = (
        reshaped(model, name, *shape, *(1,) * (rank - len(shape))) for name, shape in zip(names, shapes, strict=True)
    )
    return model.add("Where", model.add("Greater", condition, model.constant(0.0)), one, other)


COMPARED = {
    "greater": ("Greater", "gt"),
    "greater_equal": ("GreaterOrEqual", "ge"),
    "less": ("Less", "lt"),
    "less_equal": ("LessOrEqual", "le"),
    "equal": ("Equal", "eq"),
    "not_equal": ("Equal", "ne"),
}


@writes("compare")
def write_compare(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    rank = max(map(len, shapes))
    aligned = [
        reshaped(model, name, *shape, *(1,) * (rank - len(shape))) for name, shape in zip(names, shapes, strict=True)
    ]
    found = model.add(COMPARED[op.how][0], *aligned)
    found = model.add("Not", found) if op.how == "not_equal" else found
    return model.add("Cast", found, to=model.element)


@writes("concat")
def write_concat(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    along = op.axis % len(shapes[0])
    smallest = [min(column) for column in zip(*shapes, strict=True)]
    cropped = []
    for name, shape in zip(names, shapes, strict=True):
        for axis, (n, m) in enumerate(zip(shape, smallest, strict=True)):
            if op.crop == "smallest" and axis not in (0, along):
                first = (n - m) // 2
                name = part(model, name, axis + 1, first, first + m)
        cropped.append(name)
    return model.add("Concat", *cropped, axis=along + 1)


for own, theirs in {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "max": "Max", "min": "Min"}.items():
    writes(own)(partial(write_elementwise, theirs))
