"""The tables of biases and masks for the scores of attention: which number belongs to which query and key."""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

EXCLUDED = -100.0
"""What the mask of shifted windows adds to the scores of pairs that do not attend to each other."""


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


def axes_of(op: Any) -> list[tuple[int, int, int]]:
    """Return size, window and shift per axis."""
    windows, shifts = (each if len(each) > 1 else each * len(op.size) for each in (op.window, op.shift))
    return [*zip(op.size, windows, shifts, strict=True)]


def excluded(op: Any) -> Array:
    """Return the mask of a shift_mask: pairs in a window of the rolled map between which lies a border of the map."""
    axes = axes_of(op)
    beyond = np.stack(np.meshgrid(*(np.arange(n) + s >= n for n, _, s in axes), indexing="ij"), -1)
    windows = []
    for corner in product(*(range(0, n, m) for n, m, _ in axes)):
        cut = beyond[tuple(slice(c, c + m) for c, (_, m, _) in zip(corner, axes, strict=True))].reshape(-1, len(axes))
        alike = (cut[:, None] == cut[None, :]).all(-1)
        windows.append(np.where(alike, 0.0, EXCLUDED)[None])
    return np.stack(windows)
