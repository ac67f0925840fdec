"""The conversions of operators, a file per family. Importing this package registers them."""

from archcalc.readers.onnx.operators import (
    activation,
    arithmetic,
    attention,
    convolution,
    formats,
    linear,
    logic,
    normalisation,
    pooling,
    quantized,
    recurrent,
    reduction,
    resampling,
    sampling,
    selection,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "attention",
    "convolution",
    "formats",
    "linear",
    "logic",
    "normalisation",
    "pooling",
    "quantized",
    "recurrent",
    "reduction",
    "resampling",
    "sampling",
    "selection",
    "shape",
]
