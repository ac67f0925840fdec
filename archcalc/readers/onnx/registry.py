"""The conversions of nodes to calls, by their operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from archcalc.readers.onnx.nodes import NodeView

Conversion: TypeAlias = Callable[[NodeView], None]
"""Adds the calls that compute what a node does."""

CONVERSIONS: dict[str, Conversion] = {}
"""The conversions by the names of operators; those of other domains than ONNX's have the domain before the name:
``com.microsoft.Gelu``."""

MICROSOFT = "com.microsoft"


def converts(*names: str) -> Callable[[Conversion], Conversion]:
    """Return a decorator that registers the conversion of operators of ONNX."""

    def register(conversion: Conversion) -> Conversion:
        CONVERSIONS.update(dict.fromkeys(names, conversion))
        return conversion

    return register


def converts_microsoft(*names: str) -> Callable[[Conversion], Conversion]:
    """Return a decorator that registers the conversion of operators that ONNX Runtime adds to ONNX."""
    return converts(*(f"{MICROSOFT}.{name}" for name in names))
