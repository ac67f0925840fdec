"""Products of tensors."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import (
    reshaped,
)
from archcalc.writers.onnx.registry import writes


@writes("matmul")
def write_matmul(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    rank = max(map(len, shapes))
    aligned = [
        reshaped(model, name, *(1,) * (rank - len(shape)), *shape) for name, shape in zip(names, shapes, strict=True)
    ]
    return model.add("MatMul", *aligned)


def letters(op: Any) -> str:
    """Return the pattern with the batch in front, and one letter per name."""
    left, _, right = op.pattern.replace("->", "=").replace("→", "=").partition("=")
    tensors = [part.split() for part in (*left.split(","), right)]
    names = list(dict.fromkeys(name for tensor in tensors for name in tensor))
    one, other, result = ("z" + "".join(chr(97 + names.index(name)) for name in tensor) for tensor in tensors)
    return f"{one},{other}->{result}"


writes("einsum")(lambda model, op, names, shapes, weights: model.add("Einsum", *names, equation=letters(op)))
