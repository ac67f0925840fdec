"""How layers are written: a function by operator, in the file of its family.

The template of a layer has a line for each statement. Besides the places of all templates, ``$_`` stands for what the
line before computes, and ``$self_LABEL`` for the layer with that label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archcalc.writers.code.calls import CallArgument, CallExpression, Helper, LayerCode, NotInLibrary
from archcalc.writers.code.registry import LayerContext, LayerWriters, Sizes
from archcalc.writers.keras.layout import AxisOrder

VALUES = "="
"""The function of a call that has the values of an expression as its arguments, and is not written itself."""


@dataclass(frozen=True, kw_only=True)
class KerasContext(LayerContext):
    """A layer with what its code for Keras depends on."""

    layouts: tuple[AxisOrder, ...]
    """The orders in which it reads its tensors."""
    layout: AxisOrder
    """The order in which it makes its output."""
    activation: str | None = None
    """The activation that follows, if it is an argument of the layer."""
    is_positive: bool = False
    """Whether it reads no negative numbers, so that the maximum of a window does not change with zeros in it."""
    is_reversed: bool = False
    """Whether a matrix of an embedding is used again, from features to scores of all entries."""
    is_padded: bool = False
    """Whether similar layers pad their inputs in a layer of their own, so that this one does, too."""

    def axis(self, axis: int, place: int = 0) -> int:
        """Return the number in Keras of an axis of a tensor that is read; −1 for the last one."""
        rank = len(self.shapes[place])
        order = self.layouts[place].order(rank)
        found = order.index(axis % rank) + 1
        return -1 if found == len(order) else found


class ArrayLocation(NamedTuple):
    """Where a stored array is, or rows of it."""

    label: str
    """The label of the layer of Keras."""
    variable: str
    """The end of the path of the variable in it."""
    transform: Callable[[Any], Any]
    """Returns the array that the executor has in place of that of Keras."""


def at(
    variable: str, transform: Callable[[Any], Any] = lambda array: array, *, label: str = ""
) -> tuple[ArrayLocation, ...]:
    """Return where an array is that is a variable of a layer."""
    return (ArrayLocation(label, variable, transform),)


_WRITERS = LayerWriters[KerasContext]("Keras")
writes, code_of = _WRITERS.writes, _WRITERS.code_of
LAYERS: Mapping[str, object] = _WRITERS.by_operator
"""By the name of the operator."""


def layer(call: CallExpression, inputs: str = "$0", **more: Any) -> LayerCode:
    """Return the code of a layer that a layer of Keras computes."""
    return LayerCode(f"$self({inputs})", (("", call),), (("", call),), **more)


def layers(*parts: tuple[str, CallExpression], **more: Any) -> LayerCode:
    """Return the code of a layer that several layers of Keras compute one after another."""
    lines = [
        f"$self{'_' + label if label else ''}({'$_' if number else '$0'})" for number, (label, _) in enumerate(parts)
    ]
    return LayerCode("\n".join(lines), parts, parts, **more)


def statements(template: str, *parts: tuple[str, CallExpression], **more: Any) -> LayerCode:
    """Return the code of a layer by its statements, with the layers of Keras in them."""
    return LayerCode(template, parts, parts, **more)


def expression(template: str, *values: CallArgument, helpers: tuple[Helper, ...] = ()) -> LayerCode:
    """Return the code of a layer that no layer of Keras computes."""
    parts = ((VALUES, CallExpression(VALUES, values)),)
    return LayerCode(template, parts, parts, helpers=helpers)


def by_rank(kind: str, rank: int, end: str = "", most: int = 3) -> str:
    """Return the class of Keras for a number of spatial axes: ``Conv`` is ``layers.Conv2D`` for two."""
    if not 1 <= rank <= most:
        raise NotInLibrary(f"Keras's {kind} has 1 to {most} spatial axes, got {rank}")
    return f"layers.{kind}{rank}D{end}"


def transposed(text: str, read: AxisOrder, wanted: AxisOrder, rank: int) -> str:
    """Return an expression for a tensor in another order."""
    if read is AxisOrder.VECTOR:
        raise NotInLibrary("a vector in place of maps is not written")
    places = [read.order(rank).index(axis) + 1 for axis in wanted.order(rank)]
    return f"ops.transpose({text}, (0, {', '.join(map(str, places))}))"


def is_same_order(shape: Sizes, one: AxisOrder, other: AxisOrder) -> bool:
    """Return whether elements have the same order in two layouts; axes of size 1 do not matter."""

    def long(layout: AxisOrder) -> list[int]:
        return [axis for axis in layout.order(len(shape)) if shape[axis] != 1]

    return one is AxisOrder.VECTOR or other is AxisOrder.VECTOR or long(one) == long(other)
