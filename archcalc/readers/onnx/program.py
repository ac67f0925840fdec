"""What is known about the tensors of a model while its nodes are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
}
"""The number formats by their codes in ``TensorProto.DataType``."""

TEXT = "string"
"""The format of tensors of text."""

CODES = {name: code for code, name in DTYPES.items()}

FLOATS = frozenset(("float32", "float16", "float64", "bfloat16"))
"""The formats of numbers that training changes."""


@dataclass(frozen=True, slots=True)
class DerivedArray:
    """A stored array that is computed from others, such as a transposed or quantised weight."""

    sources: tuple[str, ...]
    """The names of the arrays that it is computed from."""
    function: Callable[..., Any]
    """Computes it, given these arrays."""
    format: str = ""
    """The number format in which the file has it; ``""``: that of the first array."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a file, with what is known about their tensors."""

    graph: Any
    """The ``GraphProto``."""
    sizes: Callable[[str], tuple[int, ...] | None]
    """Returns the sizes of a tensor."""
    is_stored: Callable[[str], bool]
    """Returns whether a tensor is an initializer of the graph."""
    layer: Callable[[Any], str]
    """Returns the path of the layer that a node belongs to."""


Read = Callable[[Iterable[str]], Mapping[str, Any]]
