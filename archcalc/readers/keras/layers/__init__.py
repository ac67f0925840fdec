"""The conversions of Keras's layers, by families."""

from __future__ import annotations

from archcalc.readers.keras.config import LayerDescription
from archcalc.readers.keras.layers import (
    activation,
    attention,
    axes,
    convolution,
    dense,
    joins,
    normalisation,
    operations,
    parts,
    pooling,
    products,
    recurrent,
    reductions,
    shape,
    steps,
    wrappers,
)
from archcalc.readers.keras.layers.unsupported import DECLINED
from archcalc.readers.keras.registry import CONVERSIONS, OPERATIONS, Conversion

__all__ = [
    "activation",
    "attention",
    "axes",
    "convolution",
    "dense",
    "joins",
    "normalisation",
    "operations",
    "parts",
    "pooling",
    "products",
    "recurrent",
    "reductions",
    "shape",
    "steps",
    "wrappers",
]


def conversion_of(layer: LayerDescription) -> Conversion | None:
    """Return the conversion of a layer; ``None`` if its class has none."""
    if not layer.is_own:
        return None
    tables = (OPERATIONS, CONVERSIONS) if layer.is_operation else (CONVERSIONS,)
    return next((table[layer.class_name] for table in tables if layer.class_name in table), None)


def reason_of(layer: LayerDescription) -> str:
    """Return why a layer has no conversion; empty if it is not one of Keras's own, or unknown."""
    return DECLINED.get(layer.class_name, "") if layer.is_own else ""
