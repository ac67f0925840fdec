"""Products of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from archcalc.ops.pattern import parse
from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import filled_up, whole, whole_number
from archcalc.writers.onnx.registry import writes


@writes("matmul")
def write_matmul(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    return model.add("MatMul", *filled_up(model, names, shapes, before=True))


def letters(op: Any, batch: Sequence[str] = ("z", "z")) -> str:
    """Return the pattern with one letter per name.

    Args:
        op: the operator.
        batch: the letter of the batch in front of each tensor; empty for one that is the same for all examples.
    """
    pattern = parse(op.pattern)
    letter = dict(zip(pattern.input_names, ascii_lowercase, strict=False))
    tensors = (*pattern.inputs, pattern.output)
    one, other, result = ("".join(letter[name] for (name,) in axes) for axes in tensors)
    return f"{batch[0]}{one},{batch[1]}{other}->z{result}"


@writes("einsum")
def write_einsum(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Append the product; a tensor that is the same for all examples has no batch, unless both are."""
    alone = [name in model.alike for name in names]
    if all(alone):
        return model.add("Einsum", *names, equation=letters(op))
    read = [
        model.add("Squeeze", name, whole(model, 0)) if each else name for name, each in zip(names, alone, strict=True)
    ]
    return model.add("Einsum", *read, equation=letters(op, ["" if each else "z" for each in alone]))


@writes("dft")
def write_dft(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    length = [] if op.size is None else [whole_number(model, op.size)]
    own = {"axis": len(shape) - 1} if model.opset < 20 else {}
    inputs = [*length, *([""] if not length else []), whole_number(model, len(shape) - 1)] if not own else length
    return model.add("DFT", name, *inputs, inverse=int(op.inverse), onesided=int(op.onesided), **own)
