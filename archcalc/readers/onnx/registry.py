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

COUNT_OPEN = "how many results there are depends on the numbers in tensors"
TEXT = "its tensors are text"
IMPOSSIBLE = {
    **dict.fromkeys(("NonMaxSuppression", "NonZero", "Unique"), COUNT_OPEN),
    **dict.fromkeys(("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"), TEXT),
}
"""Why operators have no conversion, where it is not only that nobody wrote one."""

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
