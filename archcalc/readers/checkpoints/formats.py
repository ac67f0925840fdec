"""The number formats of the tensors in checkpoints: their bits, and what their numbers are for."""

from __future__ import annotations

from math import prod

BITS = {
    "float4_e2m1fn": 4,
    "float6_e2m3fn": 6,
    "float6_e3m2fn": 6,
    **dict.fromkeys(("bool", "int8", "uint8", "qint8", "quint8"), 8),
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 8),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 16),
    **dict.fromkeys(("int32", "uint32", "float32", "complex32", "qint32"), 32),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 64),
    "complex128": 128,
}
"""The bits of one number, by number format. Those of PyTorch with a scale begin with ``q``."""

NOT_PARAMETERS = frozenset(("bool", "int64", "uint64"))
"""Formats of counters, indices and masks. Narrower integers are those of quantised weights."""


def bytes_of(shape: tuple[int, ...], dtype: str) -> int:
    """Return the bytes that the numbers of a tensor take."""
    return -(-prod(shape) * BITS[dtype] // 8)
