"""The conversions of operators, a file per family. Importing this package registers them."""

from archcalc.readers.onnx.operators import (
    activation,
    arithmetic,
    convolution,
    linear,
    logic,
    normalisation,
    pooling,
    reduction,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "convolution",
    "linear",
    "logic",
    "normalisation",
    "pooling",
    "reduction",
    "shape",
]
