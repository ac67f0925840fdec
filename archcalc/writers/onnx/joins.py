"""Joins."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

from onnx import TensorProto

from archcalc.writers.onnx.model import ModelBuilder, NotInOnnx, Sizes, Weights
from archcalc.writers.onnx.parts import filled_up, part
from archcalc.writers.onnx.registry import writes


def write_elementwise(
    kind: str, model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights
) -> str:
    return reduce(lambda one, other: model.add(kind, one, other), filled_up(model, names, shapes))


@writes("where")
def write_where(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    condition, one, other = filled_up(model, names, shapes)
    return model.add("Where", model.add("Greater", condition, model.constant(0.0)), one, other)


COMPARED = {
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
    "not_equal": "Equal",
}


@writes("compare")
def write_compare(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    found = model.add(COMPARED[op.how], *filled_up(model, names, shapes))
    found = model.add("Not", found) if op.how == "not_equal" else found
    return model.add("Cast", found, to=model.element)


@writes("bitwise")
def write_bitwise(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    shifts = op.how in ("left", "right")
    kind, code = (
        "BitShift" if shifts else f"Bitwise{op.how.capitalize()}",
        TensorProto.DataType.Value(op.format.upper()),
    )
    if not model.has_format(kind, code):
        raise NotInOnnx(f"ONNX has no {kind} of {op.format}")
    integers = [model.add("Cast", name, to=code) for name in filled_up(model, names, shapes)]
    found = model.add(kind, *integers, **({"direction": op.how.upper()} if shifts else {}))
    return model.add("Cast", found, to=model.element)


@writes("concat")
def write_concat(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
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
