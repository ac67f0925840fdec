"""Biases and masks for the scores of attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import permuted, reshaped, whole
from archcalc.writers.onnx.registry import writes
from archcalc.writers.score_tables import excluded, pairs


@writes("relative_bias")
def write_relative_bias(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    tokens = math.prod(op.size)
    order = model.constant(pairs(op).ravel(), np.int64)
    if names:
        found = permuted(model, model.add("Gather", names[0], order, axis=1), 0, 2, 1)
    else:
        found = permuted(model, model.add("Gather", model.constant(weights["table"]), order, axis=0), 1, 0)
        return model.add("Reshape", found, whole(model, 1, op.heads, tokens, tokens))
    return reshaped(model, found, op.heads, tokens, tokens)


@writes("shift_mask")
def write_shift_mask(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Mask pairs in a window of the rolled map between which lies a border of the map."""
    return model.table(excluded(op)[None])
