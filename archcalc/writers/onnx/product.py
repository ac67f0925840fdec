"""Products of tensors."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from archcalc.ops.pattern import parse
from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import filled_up, whole
from archcalc.writers.onnx.registry import writes


@writes("matmul")
def write_matmul(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    return model.add("MatMul", *filled_up(model, names, shapes, before=True))


@writes("einsum")
def write_einsum(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Append the product with the batch in front; a tensor that is the same for all examples has none."""
    pattern = parse(op.pattern)
    letter = dict(zip(pattern.read, ascii_lowercase, strict=False))
    one, other, result = ("".join(letter[name] for (name,) in axes) for axes in (*pattern.inputs, pattern.output))
    single = [name in model.alike for name in names]
    if all(single):
        single = [False, False]
    read = [
        model.add("Squeeze", name, whole(model, 0)) if alone else name
        for name, alone in zip(names, single, strict=True)
    ]
    first, second = ("" if alone else "z" for alone in single)
    return model.add("Einsum", *read, equation=f"{first}{one},{second}{other}->z{result}")
