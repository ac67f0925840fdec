"""Sources: layers without inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import numpy_helper

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import whole
from archcalc.writers.onnx.registry import writes


@writes("learned", "constant")
def write_source(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    array = weights[op.array_name]
    if op.trainable and array.size > 1:
        stored = model.constant(array)
    else:
        stored = model.marked(array, "parameter" if op.trainable else "constant")
    return model.add("Unsqueeze", stored, whole(model, 0))


@writes("random")
def write_random(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    kind = {"normal": "RandomNormalLike", "uniform": "RandomUniformLike"}[op.distribution]
    sizes = model.add("Concat", model.batch(), whole(model, *op.shape), axis=0)
    zero = numpy_helper.from_array(np.zeros(1, model.dtype))
    seed = {} if op.seed is None else {"seed": float(op.seed)}
    return model.add(kind, model.add("ConstantOfShape", sizes, value=zero), **seed)
