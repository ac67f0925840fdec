"""Layers that treat every step of a sequence alike."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.graph import Ref
from archcalc.readers.keras.registry import CONVERSIONS, Unconvertible, converts
from archcalc.readers.keras.view import LayerView

OF_FEATURES = frozenset(("Activation", "Dense", "Dropout", "LayerNormalization"))
"""The layers that treat the positions of a tensor alike, so that steps are positions like others."""


@converts("TimeDistributed")
def every_step(n: LayerView) -> Ref | list[Ref]:
    inner = n.get("layer")
    name = inner.get("class_name") if isinstance(inner, Mapping) else None
    if name not in OF_FEATURES or not isinstance(inner.get("config"), Mapping):
        raise Unconvertible(f"the layer '{str(name)[:60]}' at every step")
    return CONVERSIONS[name](LayerView(n.graph, n.call, inner["config"], "layer"))
