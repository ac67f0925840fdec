"""Biases and masks for the scores of attention."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from archcalc.writers.onnx.model import Array, Model, Sizes, Weights
from archcalc.writers.onnx.parts import for_one_example, permuted, reshaped
from archcalc.writers.onnx.registry import writes


def pairs(op: Any) -> Array:
    """Return the row of the table for every query and key."""
    tokens = [*np.ndindex(*op.size)]
    rows = np.zeros((len(tokens), len(tokens)), np.int64)
    for i, j in product(range(len(tokens)), repeat=2):
        if op.buckets is None:
            apart = [a - b + n - 1 for a, b, n in zip(tokens[i], tokens[j], op.size, strict=True)]
            rows[i, j] = np.ravel_multi_index(apart, [2 * n - 1 for n in op.size])
        else:
            rows[i, j] = bucket(op, j - i)
    return rows


def bucket(op: Any, after: int) -> int:
    """Return a bucket, exactly: range k begins where (d/s)ᵐ reaches (D/s)ᵏ, for s single distances and m ranges."""
    count = op.buckets if op.causal else op.buckets // 2
    distance = max(0, -after) if op.causal else abs(after)
    s, longest = count // 2, op.max_distance or 128
    m = count - s
    k = sum(distance**m * s**k >= longest**k * s**m for k in range(1, m)) if distance >= s else 0
    return (0 if op.causal or after <= 0 else count) + (distance if distance < s else s + k)


@writes("relative_bias")
def write_relative_bias(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    tokens = math.prod(op.size)
    order = model.constant(pairs(op).ravel(), np.int64)
    table = names[0] if names else for_one_example(model, weights["table"])
    found = permuted(model, model.add("Gather", table, order, axis=1), 0, 2, 1)
    return reshaped(model, found, op.heads, tokens, tokens)


def axes_of(op: Any) -> list[tuple[int, int, int]]:
    """Return size, window and shift per axis."""
    windows, shifts = (each if len(each) > 1 else each * len(op.size) for each in (op.window, op.shift))
    return [*zip(op.size, windows, shifts, strict=True)]


@writes("shift_mask")
def write_shift_mask(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Mask pairs in a window of the rolled map between which lies a border of the map."""
    axes = axes_of(op)
    beyond = np.stack(np.meshgrid(*(np.arange(n) + s >= n for n, _, s in axes), indexing="ij"), -1)
    windows = []
    for corner in product(*(range(0, n, m) for n, m, _ in axes)):
        cut = beyond[tuple(slice(c, c + m) for c, (_, m, _) in zip(corner, axes, strict=True))].reshape(-1, len(axes))
        alike = (cut[:, None] == cut[None, :]).all(-1)
        windows.append(np.where(alike, 0.0, -100.0)[None])
    return model.table(np.stack(windows)[None])
