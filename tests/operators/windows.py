"""Padding in numbers, by PyTorch's and TensorFlow's definitions of the words, without archcalc's formulas."""

from __future__ import annotations

from typing import Any, TypeAlias

from tests.operators.entry import Sizes

Sides: TypeAlias = list[tuple[int, int]]
"""Zeros before and after each axis."""


def pads(op: Any, sizes: Sizes) -> Sides:
    """Return the padding of an operator on an input of these spatial sizes."""
    if not isinstance(op.pad, str):
        return list(op.pad)
    rows = []
    for n, k, s, d in zip(sizes, op.kernel, op.stride or op.kernel, op.dilation, strict=True):
        if op.pad == "same":  # TensorFlow, "Notes on padding"
            total = max(d * (k - 1) + 1 - (n % s or s), 0)
            rows.append((total // 2, total - total // 2))
        else:
            rows.append(({"valid": 0, "half": d * (k - 1) // 2, "full": d * (k - 1)}[op.pad],) * 2)
    return rows
