"""The conversions of operators, a file per family. Importing this package registers them."""

from archcalc.readers.onnx.operators import (
    activation,
    arithmetic,
    convolution,
    fused,
    linear,
    logic,
    normalisation,
    pooling,
    quantized,
    recurrent,
    reduction,
    selection,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "convolution",
    "fused",
    "linear",
    "logic",
    "normalisation",
    "pooling",
    "quantized",
    "recurrent",
    "reduction",
    "selection",
    "shape",
]
