"""The conversions of Keras's layers, by families."""

from __future__ import annotations

from archcalc.readers.keras.config import Layer
from archcalc.readers.keras.layers import (
    activation,
    attention,
    convolution,
    dense,
    joins,
    normalisation,
    operations,
    pooling,
    recurrent,
    shape,
    steps,
)
from archcalc.readers.keras.registry import CONVERSIONS, OPERATIONS, Conversion

__all__ = [
    "activation",
    "attention",
    "convolution",
    "dense",
    "joins",
    "normalisation",
    "operations",
    "pooling",
    "recurrent",
    "shape",
    "steps",
]


def conversion_of(layer: Layer) -> Conversion | None:
    """Return the conversion of a layer; ``None`` if its class has none."""
    if not layer.is_own:
        return None
    return (OPERATIONS if layer.is_operation else CONVERSIONS).get(layer.class_name)
