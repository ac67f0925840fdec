"""One call of a layer as its conversion sees it: checked configuration, tensors, and operators to be added.

Graphs have the features first (``hwc``, where the file has the channels last) or the axes in the order of the file.
Conversions name the axes as Keras does, with the batch as axis 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.graph import Origin, Ref
from archcalc.numeric import known_equal
from archcalc.ops.base import Operator, Shape
from archcalc.ops.structure import Reshape, Transpose
from archcalc.readers.keras.flat_model import CallOutput, FlatCall
from archcalc.readers.keras.registry import Unconvertible
from archcalc.readers.steps import StoredArrays, same_shape

if TYPE_CHECKING:
    from archcalc.readers.keras.graph import KerasGraph

Transform = Callable[[Any], Any]
"""Makes the array of an operator of one of Keras."""

MAX_DENOMINATOR = 1000
"""Floats that are the nearest ones of fractions with at most this denominator are these fractions."""

REQUIRED = object()


class LayerView:
    """One call of a layer."""

    def __init__(
        self, graph: KerasGraph, call: FlatCall, config: Mapping[str, Any] | None = None, part: str = ""
    ) -> None:
        """Prepare the view.

        Args:
            graph: the graph so far.
            call: the call.
            config: the configuration of a layer inside the layer; by default, that of the layer.
            part: the part of the layer that this inner layer is.
        """
        self.graph, self.call, self.part = graph, call, part
        self.config = call.layer.config if config is None else config
        self.origin = Origin("/".join(call.key), "", call.layer.class_name, "")

    # the configuration

    def get(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an entry of the configuration, or of the arguments of the call; ``None`` counts as missing."""
        found = self.config.get(name)
        if found is None:
            found = self.call.kwargs.get(name)
        if found is None and default is REQUIRED:
            raise Unconvertible(f"'{name}' is missing")
        return default if found is None else found

    def integer(self, name: str, default: Any = REQUIRED, *, at_least: int | None = 1) -> int:
        """Return an integer."""
        value = self.get(name, default)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise Unconvertible(f"'{name}' must be an integer")
        if at_least is not None and value < at_least:
            raise Unconvertible(f"'{name}' must be at least {at_least}, got {value}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return a Boolean."""
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise Unconvertible(f"'{name}' must be true or false")
        return value

    def word(self, name: str, default: str) -> str:
        """Return a text."""
        value = self.get(name, default)
        if not isinstance(value, str):
            raise Unconvertible(f"'{name}' must be text")
        return value

    def number(self, name: str, default: Any = REQUIRED) -> Fraction:
        """Return a number as the decimal fraction that is written, not its nearest binary one."""
        return exact(self.get(name, default), name)

    def sizes(self, name: str, count: int, default: Any = REQUIRED, *, at_least: int = 1) -> tuple[int, ...]:
        """Return an integer per axis; one is repeated."""
        value = self.get(name, default)
        values = [value] * count if type(value) is int else value
        if not isinstance(values, list | tuple) or not all(type(each) is int for each in values):
            raise Unconvertible(f"'{name}' must be integers")
        values = list(values) * (count if len(values) == 1 else 1)
        if len(values) != count:
            raise Unconvertible(f"'{name}' must have {count} integers, got {len(values)}")
        if min(values) < at_least:
            raise Unconvertible(f"'{name}' must be at least {at_least}, got {min(values)}")
        return tuple(values)

    def axis(self, name: str, rank: int, default: int = -1) -> int:
        """Return an axis with the batch as axis 0, which it must not be."""
        value = self.get(name, default)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        if type(value) is not int:
            raise Unconvertible(f"'{name}' must be one axis")
        return checked_axis(value, rank)

    def axes(self, name: str, rank: int, default: Any) -> tuple[int, ...]:
        """Return axes with the batch as axis 0, which none of them may be."""
        value = self.get(name, default)
        values = [value] if type(value) is int else value
        if not isinstance(values, list | tuple) or not all(type(each) is int for each in values):
            raise Unconvertible(f"'{name}' must be axes")
        return tuple(sorted({checked_axis(each, rank) for each in values}))

    @property
    def channels_last(self) -> bool:
        """Whether the layer has the channels last."""
        form = self.word("data_format", "channels_last")
        if form not in ("channels_last", "channels_first"):
            raise Unconvertible(f"the data format '{form[:40]}'")
        return form == "channels_last"

    # tensors

    @property
    def tensors(self) -> list[Ref]:
        """The tensors among the arguments that are given by position."""
        return [self.graph.tensor(each) for each in _made_in(list(self.call.args))]

    @property
    def x(self) -> Ref:
        """The first tensor."""
        found = self.tensors or [self.graph.tensor(each) for each in _made_in(list(self.call.kwargs.values()))]
        if not found:
            raise Unconvertible("it reads no tensor")
        return found[0]

    def argument(self, place: int, name: str) -> Ref | None:
        """Return the tensor that is an argument by its place or its name; ``None`` if there is none."""
        value = self.call.args[place] if place < len(self.call.args) else self.call.kwargs.get(name)
        return self.graph.tensor(value) if isinstance(value, CallOutput) else None

    def shape(self, tensor: Ref) -> Shape:
        """Return the shape of a tensor of the graph."""
        return self.graph.shape(tensor)

    def rank(self, tensor: Ref) -> int:
        """Return the number of axes of a tensor, without the batch."""
        return len(self.shape(tensor))

    def file_shape(self, tensor: Ref) -> Shape:
        """Return the shape of a tensor as Keras has it, without the batch."""
        return self.graph.as_in_file(self.shape(tensor))

    def add(self, op: Operator, *tensors: Ref, stored: StoredArrays | None = None) -> Ref:
        """Add an operator, and return its (first) output."""
        return self.graph.add_layer(op, tensors, self.call.path, self.origin, stored)

    def apply(self, tensor: Ref, *ops: Operator) -> Ref:
        """Add operators that follow each other, and return the last output."""
        for op in ops:
            tensor = self.add(op, tensor)
        return tensor

    def inner(self, description: Any, tensors: Sequence[Ref], part: str) -> list[Ref]:
        """Convert a layer that is described inside this one, and return its outputs.

        Args:
            description: the description.
            tensors: what it reads.
            part: the part of this layer that it is, which has its arrays.
        """
        return self.graph.convert_inner(
            self, description, tensors, "/".join(each for each in (self.part, part) if each)
        )

    # axes

    @property
    def features(self) -> str:
        """The word for the last axis of Keras in operators with an axis."""
        return "channels" if self.graph.features_first else "last"

    def at(self, axis: int, rank: int) -> int:
        """Return the axis of the graph of one of Keras, with the batch as axis 0."""
        return self.graph.standard(rank).index(axis)

    def arranged(self, tensor: Ref, axes: Sequence[int]) -> Ref:
        """Return a tensor with these axes of Keras in order."""
        standard = self.graph.standard(len(axes))
        return self._transposed(tensor, [standard.index(axis) for axis in axes])

    def restored(self, tensor: Ref, axes: Sequence[int]) -> Ref:
        """Return a tensor, which has these axes of Keras in order, with the axes as they are in the graph."""
        return self._transposed(tensor, [list(axes).index(axis) for axis in self.graph.standard(len(axes))])

    def _transposed(self, tensor: Ref, order: Sequence[int]) -> Ref:
        if list(order) == list(range(len(order))):
            return tensor
        shape = self.shape(tensor)
        moved = [axis for axis in order if not known_equal(shape[axis], 1)]
        if moved == sorted(moved):  # only axes of size 1 move
            return self.add(Reshape(shape=tuple([shape[axis] for axis in order])), tensor)
        return self.add(Transpose(order=tuple(order)), tensor)

    def in_file(self, tensor: Ref) -> Ref:
        """Return a tensor with its axes in the order of Keras."""
        return self.arranged(tensor, range(1, self.rank(tensor) + 1))

    def from_file(self, tensor: Ref) -> Ref:
        """Return a tensor, which has its axes in the order of Keras, with the axes as they are in the graph."""
        return self.restored(tensor, range(1, self.rank(tensor) + 1))

    def with_features_first(self, tensor: Ref, axis: int | None = None) -> Ref:
        """Return a tensor with an axis of Keras, by default that of the channels, before all others."""
        return self.arranged(tensor, self._features_first(self.rank(tensor), axis))

    def from_features_first(self, tensor: Ref, axis: int | None = None) -> Ref:
        """Return a tensor, which has an axis before all others, with the axes as they are in the graph."""
        return self.restored(tensor, self._features_first(self.rank(tensor), axis))

    def _features_first(self, rank: int, axis: int | None) -> list[int]:
        first = (rank if self.channels_last else 1) if axis is None else axis
        return [first, *(each for each in range(1, rank + 1) if each != first)]

    def reshaped(self, tensor: Ref, shape: Shape) -> Ref:
        """Return the elements of a tensor, which has its axes in the order of Keras, in another shape."""
        return tensor if same_shape(self.shape(tensor), shape) else self.add(Reshape(shape=shape), tensor)

    # stored arrays

    def variable(
        self,
        index: int,
        transform: Transform | None = None,
        within: str = "",
        *,
        trained: bool = True,
        role: str = "",
    ) -> str:
        """Return the name of a stored array of the file.

        Conversions name the variables of a layer in the order in which Keras lists them.

        Args:
            index: its index among the variables of the layer, or of a part of it.
            transform: what makes the array of the operator of it.
            within: the part of the layer: ``cell``.
            trained: whether Keras trains it.
            role: which part of the array it is, if there are several.
        """
        return self.graph.variable(self.call, self._within(within), index, transform, trained=trained, role=role)

    def _within(self, part: str) -> str:
        """Return a part of the layer, which may be within another layer itself."""
        return "/".join(each for each in (self.part, part) if each)


def _made_in(value: Any) -> list[CallOutput]:
    if isinstance(value, CallOutput):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [each for part in value for each in _made_in(part)] if isinstance(value, list) else []


def exact(value: Any, what: str) -> Fraction:
    """Return a number as the simple fraction that it is nearest to, such as 1/255, or the decimal one."""
    if isinstance(value, Fraction):
        return value
    if type(value) not in (int, float):
        raise Unconvertible(f"'{what}' must be a number")
    try:
        simple = Fraction(value).limit_denominator(MAX_DENOMINATOR)
        return simple if float(simple) == value else Fraction(repr(value))
    except (ValueError, OverflowError):
        raise Unconvertible(f"'{what}' must be finite") from None


def checked_axis(axis: int, rank: int) -> int:
    """Return an axis that counts from the batch, as 1 … rank."""
    found = axis + rank + 1 if axis < 0 else axis
    if found == 0:
        raise Unconvertible("an operation along the axis of the batch")
    if not 1 <= found <= rank:
        raise Unconvertible(f"the axis {axis} does not exist")
    return found
