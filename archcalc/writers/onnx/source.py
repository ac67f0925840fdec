"""Sources: layers without inputs."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import for_one_example
from archcalc.writers.onnx.registry import writes


@writes("learned", "constant")
def write_source(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    return for_one_example(model, weights[op.array_name])
