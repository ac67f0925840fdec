"""Layers around other layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.source import Constant
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

OUTPUTS = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D"), "filters"),
    "Dense": "units",
    "Embedding": "output_dim",
}
"""The attribute that is the last axis of the weights of a layer."""


@converts("SpectralNormalization")
def spectral_normalization(n: LayerView) -> list[Ref]:
    """Convert the layer alone: its weights are divided by their norm in training only, where a vector estimates it."""
    inner = n.get("layer")
    described: Mapping[str, Any] = inner if isinstance(inner, Mapping) else {}
    name, config = str(described.get("class_name")), described.get("config")
    size = config.get(OUTPUTS.get(name)) if isinstance(config, Mapping) else None
    if type(size) is not int:
        raise Unconvertible(f"the norm of the weights of a layer '{name[:60]}'")
    vector = n.variable(1, lambda array: array.reshape(-1), trained=False)  # the first one is that of the layer inside
    n.add(make(Constant, shape=(size,)), stored={"value": vector})
    return n.inner(inner, [n.x], "layer")


@converts("Pipeline")
def pipeline(n: LayerView) -> Ref:
    """Convert layers that follow each other."""
    made = n.x
    for each in n.get("layers"):
        (made, *_) = n.inner(each, [made], "layers")
    return made
