"""The number formats of tensors."""

from archcalc.ops.formats import FLOATS, FORMATS


def is_integer(dtype: str) -> bool:
    """Return whether the numbers of a format are integers or Booleans."""
    return dtype == "bool" or (dtype in FORMATS and FORMATS[dtype].is_integer)


NUMPY_DTYPES = {
    "uint8": "u1",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "float16": "f2",
    "float32": "f4",
    "float64": "f8",
    "bool": "?",
    "bfloat16": "u2",
}
"""The formats that NumPy can read. It has no bfloat16, whose bits are the upper half of a float32."""

HALF = ("float16", "bfloat16")
"""The formats narrower than float32 that networks compute in."""

NARROW = {each.name: each for each in FLOATS if each.name not in NUMPY_DTYPES or each.name == "bfloat16"}
"""The formats of floating-point numbers that NumPy does not have."""

SATURATED = frozenset(("float8_e4m3fn",))
"""The formats in which PyTorch replaces numbers beyond the largest one by it."""
