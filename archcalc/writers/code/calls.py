"""How a layer is written: constructors with arguments, and a template of the expression that computes it.

In a template, ``$0``, ``$1`` … stand for the tensors that are read, ``$*`` for all of them, ``$self`` for the module
that is constructed, and ``$name`` for a value.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = Any
"""A value that is written as a literal: a number, a word, a tuple of these, or ``None``."""


class RequiredValue:
    """The default of an argument that has none."""


REQUIRED = RequiredValue()
ESCAPES = {"\\": "\\\\", '"': '\\"'}


class Slot(NamedTuple):
    """A place for a value in the code of a module."""

    name: str
    """What the value is called, such as ``out_channels``."""
    value: Value
    default: Value = REQUIRED
    kind: str = ""
    """Only values of the same kind are compared; ``width`` is that of numbers of channels and features."""


class CallArgument(NamedTuple):
    """An argument of a call."""

    name: str
    value: Value | CallExpression
    default: Value = REQUIRED
    kind: str = ""
    positional: bool = False

    @property
    def slot(self) -> Slot:
        return Slot(self.name, self.value, self.default, self.kind)


class CallExpression(NamedTuple):
    """A call of a class or function."""

    function: str
    args: tuple[CallArgument, ...] = ()

    @property
    def key(self) -> Hashable:
        """What is equal for calls that differ in values only."""
        parts = [
            (arg.name, arg.positional, arg.value.key if isinstance(arg.value, CallExpression) else None)
            for arg in self.args
        ]
        return (self.function, *parts)

    @property
    def slots(self) -> Iterator[Slot]:
        """The places for values, in the order in which they are written."""
        for arg in self.args:
            if isinstance(arg.value, CallExpression):
                yield from arg.value.slots
            else:
                yield arg.slot


class Helper(NamedTuple):
    """A class or function that layers use, which is written into the file."""

    name: str
    text: str
    """Its lines."""


class LayerCode(NamedTuple):
    """How a layer is written."""

    template: str
    """The expression that computes it."""
    attributes: tuple[tuple[str, CallExpression], ...] = ()
    """What a module with this expression constructs, by a label that is appended to the name of the layer."""
    steps: tuple[tuple[str, CallExpression], ...] = ()
    """The modules that compute it one after another, by label; none if it takes more than modules."""
    values: tuple[Slot, ...] = ()
    """The values that the template names."""
    helpers: tuple[Helper, ...] = ()
    """What it uses, those that others use first."""
    arrays: Mapping[str, tuple[Any, ...]] = MappingProxyType({})
    """Where stored arrays are that have no usual place. For PyTorch: the label of the module, and the names in it, in
    the order of the rows. For Keras: the variables, likewise."""

    @property
    def key(self) -> Hashable:
        """What is equal for layers that differ in values only."""
        made = tuple([(label, call.key) for label, call in (*self.attributes, *self.steps)])
        return self.template, made, tuple([value.name for value in self.values])


class NotInLibrary(Exception):
    """What a library cannot express."""


def width(name: str, value: Value) -> CallArgument:
    """Return a required positional argument: a number of channels or features."""
    return CallArgument(name, value, kind="width", positional=True)


def option(name: str, value: Value, default: Value, kind: str = "") -> CallArgument:
    """Return an optional argument."""
    return CallArgument(name, value, default, kind or name)


def helper(name: str, text: str) -> Helper:
    """Return a class or function that layers use; empty lines around its text are dropped."""
    return Helper(name, text.strip("\n"))


def literal(value: Value) -> str:
    """Return a value as Python writes it."""
    if isinstance(value, Fraction):
        value = value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, str):
        escaped = (ESCAPES.get(char) or (char if char.isprintable() else ascii(char)[1:-1]) for char in value)
        return f'"{"".join(escaped)}"'
    if isinstance(value, tuple):
        texts = [literal(each) for each in value]
        return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if isinstance(value, float):
        return re.sub(r"e([+-])0+(?=\d)", r"e\1", repr(value))
    return repr(value)


def per_axis(values: tuple[Value, ...]) -> Value:
    """Return one value per axis as libraries take it: a single one if all are equal."""
    return values[0] if len(set(values)) == 1 else tuple(values)
