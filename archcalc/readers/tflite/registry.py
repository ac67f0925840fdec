"""The conversions of operators to nodes of ONNX, by their names in the schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from archcalc.readers.tflite.operation import OperationView

Conversion: TypeAlias = "Callable[[OperationView], None]"
"""Adds the nodes that compute what an operator does."""

CONVERSIONS: dict[str, Conversion] = {}
ON_MAPS: set[str] = set()
"""The operators that read maps, whose channels are the last axis in the file."""
FOLLOWING: set[str] = set()
"""The operators that keep the order of the axes of what they read first, whatever it is."""


def converts(*names: str, on_maps: bool = False, follows: bool = False) -> Callable[[Conversion], Conversion]:
    """Return a decorator that registers the conversion of operators.

    Args:
        names: the operators.
        on_maps: whether they read maps.
        follows: whether their result has its axes in the order in which the tensors have them that they read.
    """

    def register(conversion: Conversion) -> Conversion:
        CONVERSIONS.update(dict.fromkeys(names, conversion))
        ON_MAPS.update(names if on_maps else ())
        FOLLOWING.update(names if follows else ())
        return conversion

    return register
