"""Products of tensors."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from archcalc.ops.pattern import parse
from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import filled_up
from archcalc.writers.onnx.registry import writes


@writes("matmul")
def write_matmul(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    return model.add("MatMul", *filled_up(model, names, shapes, before=True))


def letters(op: Any) -> str:
    """Return the pattern with the batch in front, and one letter per name."""
    pattern = parse(op.pattern)
    letter = dict(zip(pattern.read, ascii_lowercase, strict=False))
    tensors = (*pattern.inputs, pattern.output)
    one, other, result = ("z" + "".join(letter[name] for (name,) in axes) for axes in tensors)
    return f"{one},{other}->{result}"


writes("einsum")(lambda model, op, names, shapes, weights: model.add("Einsum", *names, equation=letters(op)))
