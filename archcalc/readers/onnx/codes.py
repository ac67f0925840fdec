"""The real numbers that quantised tensors encode: (code − offset) · scale."""

from __future__ import annotations

import re
from typing import Any

from archcalc.readers.onnx.nodes import NodeView, decimal

INTEGERS = re.compile(r"(u?)int(\d+)")


def integer_range(dtype: str) -> tuple[int, int] | None:
    """Return the smallest and the largest number of an integer format; ``None`` for other formats."""
    found = INTEGERS.fullmatch(dtype)
    if found is None:
        return None
    bits = int(found[2])
    return (0, 2**bits - 1) if found[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def limits(n: NodeView, scale: int, zero: int, dtype: str) -> tuple[float, float] | None:
    """Return the smallest and the largest real number that codes stand for; ``None`` where they are not single ones.

    Args:
        n: the node.
        scale: the index of the input that is the scale.
        zero: the index of the input that is the offset, if it is given.
        dtype: the format of the codes.
    """
    codes, factor, offset = integer_range(dtype), n.value(scale), n.value(zero)
    if codes is None or factor is None or factor.size != 1 or (n.has(zero) and (offset is None or offset.size != 1)):
        return None
    base = 0 if offset is None else int(offset.flat[0])
    low, high = ((code - base) * float(factor.flat[0]) for code in codes)
    return decimal(low), decimal(high)


def along(values: Any, axis: int, rank: int) -> Any:
    """Return scales or offsets with the axis that they belong to in its place."""
    if values.ndim == 0 or values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if at == axis else 1 for at in range(rank)])
