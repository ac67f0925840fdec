"""The conversions of layers of Keras to operators, by the names of their classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from archcalc.graph import Ref

if TYPE_CHECKING:
    from archcalc.readers.keras.view import LayerView

Conversion: TypeAlias = "Callable[[LayerView], Ref | list[Ref]]"
"""Adds the operators of one call of a layer, and returns its outputs."""

CONVERSIONS: dict[str, Conversion] = {}
"""The conversions of layers by class."""

OPERATIONS: dict[str, Conversion] = {}
"""The conversions of functions of ``keras.ops`` by class."""


class Unconvertible(Exception):
    """A layer that is used in a way that has no conversion; the message says which."""


def converts(*names: str) -> Callable[[Conversion], Conversion]:
    """Return a decorator that registers the conversion of layers."""
    return _registering(CONVERSIONS, names)


def converts_operation(*names: str) -> Callable[[Conversion], Conversion]:
    """Return a decorator that registers the conversion of functions of ``keras.ops``."""
    return _registering(OPERATIONS, names)


def _registering(table: dict[str, Conversion], names: Iterable[str]) -> Callable[[Conversion], Conversion]:
    def register(conversion: Conversion) -> Conversion:
        table.update(dict.fromkeys(names, conversion))
        return conversion

    return register
