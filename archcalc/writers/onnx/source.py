"""Sources: layers without inputs."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import whole
from archcalc.writers.onnx.registry import writes


@writes("learned", "constant")
def write_source(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    array = weights[op.array_name]
    stored = model.constant(array) if op.trainable else model.fixed(array)
    return model.add("Unsqueeze", stored, whole(model, 0))
