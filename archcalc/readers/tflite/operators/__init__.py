"""The conversions of operators, by what they do."""

from archcalc.readers.tflite.operators import (
    activation,
    arithmetic,
    control,
    convolution,
    linear,
    quantized,
    recurrent,
    reduction,
    resampling,
    selection,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "control",
    "convolution",
    "linear",
    "quantized",
    "recurrent",
    "reduction",
    "resampling",
    "selection",
    "shape",
]
