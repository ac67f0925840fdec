"""The operations of a model on the tensors of its file: where their batch axis goes, and their layers without it.

A step holds an operator of the language whose axes are those of the file, or what is needed to make one. It knows the
sizes of the file only as far as batch axes depend on them; the sizes of its layers are computed by the operators.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from archcalc.graph import Origin, Ref
from archcalc.numeric import Impossible, Number, exact_div, known_equal, minimum, require
from archcalc.ops.base import Operator, Shape, converted_operator, require_shape
from archcalc.ops.source import Constant, StoredSource
from archcalc.ops.structure import Flatten, Reshape, Slice, Transpose
from archcalc.readers.batch import BatchAxis, Place, Places, Sizes, without
from archcalc.readers.stored_arrays import LIFTED

OperatorType = TypeVar("OperatorType", bound=Operator)

StoredArrays: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""The stored tensors of a step's operator: the names in the file by the names of the operator's arrays. Several tensors
are one array, joined along the first axis."""


def same_shape(first: Shape, second: Shape) -> bool:
    """Return whether two shapes are equal in every configuration."""
    return len(first) == len(second) and all(map(known_equal, first, second))


class Layers(Protocol):
    """What a step needs in order to add layers to a graph."""

    batch: int
    """The number of examples in the file."""
    lifted: Collection[str]
    """The stored weights that some layer has with one axis more; see `Step.lifted_weights`."""

    def add(self, op: Operator, inputs: Sequence[Ref], stored: StoredArrays | None = None) -> Ref:
        """Add a layer, and return its (first) output."""
        ...

    def shape(self, tensor: Ref) -> Shape:
        """Return the shape of a tensor of the graph."""
        ...

    def size(self, value: Any) -> Number:
        """Return the value of a size: a number, or the name of one that the model computes."""
        ...

    def compute(self, name: str, value: Number) -> None:
        """Give a name to a size that the model computes."""
        ...


def size_at(layers: Layers, tensor: Ref, place: Place, axis: int) -> Number:
    """Return the size of an axis of a tensor, as the file has it."""
    shape = layers.shape(tensor)
    if place is None or axis != place.axis:
        return shape[index_without(place, axis)]
    return layers.batch if place.is_pure else shape[axis] * layers.batch


@dataclass(frozen=True, kw_only=True)
class Step:
    """An operation of a model."""

    inputs: tuple[int, ...]
    """The tensors that it reads."""
    outputs: tuple[int, ...]
    """The tensors that it makes."""
    origin: Origin | None = None
    """Where it comes from in the user's code."""
    stored: StoredArrays = field(default_factory=dict)

    needs_stored: ClassVar[bool] = False
    """Whether its weights cannot be computed tensors, or only by many layers."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        """Return the possible batch axes of the outputs; by default, that of the only input."""
        yield inputs

    def lifted_weights(self, places: Places, sizes: Sequence[Sizes]) -> tuple[str, ...]:
        """Return the stored weights that its layers have with one axis more than the file, given its inputs."""
        return ()

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        """Add the layers of the step to a graph, and return its outputs.

        Args:
            layers: the graph so far.
            tensors: the inputs in the graph.
            places: the batch axes of the inputs.
            results: the batch axes of the outputs.
        """
        raise NotImplementedError


class SizeName(NamedTuple):
    """A number that the model computes, such as a size."""

    name: str


class InputSize(NamedTuple):
    """The size of an axis of the tensor that a step reads."""

    axis: int


def sizes_of_axes(axes: Iterable[int]) -> tuple[InputSize, ...]:
    """Return the sizes of axes of the input."""
    return tuple([InputSize(axis) for axis in axes])


@dataclass(frozen=True, kw_only=True)
class AxisSizeStep(Step):
    """The size of an axis, which the model uses as a number."""

    name: str
    axis: int

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield ()

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        layers.compute(self.name, size_at(layers, tensors[0], places[0], self.axis))
        return []


@dataclass(frozen=True, kw_only=True)
class CalculationStep(Step):
    """A number that the model calculates from sizes."""

    name: str
    function: Callable[..., Number]
    arguments: tuple[Any, ...]

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        layers.compute(self.name, self.function(*map(layers.size, self.arguments)))
        return []


@dataclass(frozen=True, kw_only=True)
class RequiredSizes(Step):
    """The requirement that tensors have their sizes in the file, on which those of constants depend."""

    sizes: tuple[Sizes, ...]
    """The sizes in the file."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield ()

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        message = "a tensor without elements is known only for the sizes in the file, {expected}, got {given}"
        for tensor, place, sizes in zip(tensors, places, self.sizes, strict=True):
            require_shape(layers.shape(tensor), without(sizes, place, layers.batch) or (1,), message)
        return []


@dataclass(frozen=True, kw_only=True)
class ElementwiseStep(Step):
    """An operator of one tensor that treats all elements alike."""

    op: Operator

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        return [layers.add(self.op, tensors, self.stored)]


@dataclass(frozen=True, kw_only=True)
class StoredStep(ElementwiseStep):
    """A tensor that the model stores or computes from constants only."""

    op: StoredSource

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield (None,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        ((array, name),) = self.stored.items()
        if name not in layers.lifted:
            return super().layers(layers, tensors, places, results)
        shape = self.op.shape
        shared = converted_operator(type(self.op), self.op, shape=(*shape[:2], 1, *shape[2:]))
        return [layers.add(Reshape(shape=shape), [layers.add(shared, (), {array: f"{LIFTED}{name}"})])]


@dataclass(frozen=True, kw_only=True)
class EmptySource(Step):
    """A tensor without elements, which is the same for all examples: any axis of their number may be that of the batch.

    What it is without such an axis is stored by another name.
    """

    sizes: Sizes
    arrays: Mapping[int | None, str]
    """The names of the stored tensors by the axis that they lack; ``None``: no axis."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        for axis in self.arrays:
            yield (None if axis is None else BatchAxis(axis),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        place = results[0]
        shape = without(self.sizes, place, layers.batch)
        return [layers.add(Constant(shape=shape), (), {"value": self.arrays[None if place is None else place.axis]})]


@dataclass(frozen=True, kw_only=True)
class LastAxisStep(ElementwiseStep):
    """An operator of the features, the last axis, at every position of the others."""

    axes: int = 1
    """The number of last axes that it treats together."""
    of_vector: Operator | None = None
    """The operator that means the same for a vector; ``None``: the same one."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place = inputs[0]
        whole = self.axes == 1 or len(sizes[0]) == self.axes  # several axes are all of them, or all but the batch
        if (place is None and whole) or (place is not None and place.axis < len(sizes[0]) - self.axes):
            yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        op = self.op if self.of_vector is None or len(layers.shape(tensors[0])) > 1 else self.of_vector
        return [layers.add(op, tensors, self.stored)]


@dataclass(frozen=True, kw_only=True)
class AlongAxisStep(Step):
    """An operator along one axis, which must not be that of the batch."""

    axis: int
    """The axis in the file, at least 0."""
    make: Callable[[int], Operator]
    """Returns the operator along an axis of the graph's tensor."""
    size: int | None = None
    """The only size of the axis for which the numbers of the operator are correct; ``None``: any."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs[0] is None or inputs[0].axis != self.axis:
            yield inputs

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axis = index_without(places[0], self.axis)
        require_size(layers.shape(tensors[0])[axis], self.size)
        return [layers.add(self.make(axis), tensors, self.stored)]


def require_size(n: Number, size: int | None) -> None:
    """Require that an axis has the only size for which numbers in the file are correct, if there is one."""
    if size is not None:
        require(n == size, "the size of an axis must be {size}, as in the file, got {n}", n=n, size=size)


def along_axis(axis: int, op: Operator, read: int, made: int, *, size: int | None = None) -> Step:
    """Return the step of an operator along an axis, whatever the axis that it has; see `AlongAxisStep`."""
    return AlongAxisStep(
        axis=axis, make=lambda at: converted_operator(type(op), op, axis=at), size=size, inputs=(read,), outputs=(made,)
    )


@dataclass(frozen=True, kw_only=True)
class AxesReductionStep(Step):
    """A combination of all elements along some axes, which must not include that of the batch."""

    axes: tuple[int, ...]
    keep: bool
    """Whether the axes remain, with size 1."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place = inputs[0]
        if place is None:
            yield inputs
        elif place.axis not in self.axes:
            removed = 0 if self.keep else sum(axis < place.axis for axis in self.axes)
            yield (place._replace(axis=place.axis - removed),)


@dataclass(frozen=True, kw_only=True)
class OperatorReductionStep(AxesReductionStep):
    """A combination by an operator with axes."""

    make: Callable[[tuple[int, ...]], Operator]
    """Returns the operator over axes of the graph's tensor."""

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axes = tuple([index_without(places[0], axis) for axis in self.axes])
        op = self.make(axes)
        if self.keep or len(axes) < len(layers.shape(tensors[0])):
            return [layers.add(op, tensors)]
        one = layers.add(converted_operator(type(op), op, keep=True), tensors)
        return [one if len(axes) == 1 else layers.add(Reshape(shape=(1,)), [one])]


def index_without(place: Place, axis: int) -> int:
    """Return the index that an axis of a file's tensor has in the graph."""
    return axis if place is None else place.index_without(axis)


@dataclass(frozen=True, kw_only=True)
class PermutationStep(Step):
    """A permutation of the axes."""

    order: tuple[int, ...]

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place = inputs[0]
        yield (place if place is None else place._replace(axis=self.order.index(place.axis)),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        place = places[0]
        kept = [axis for axis in self.order if place is None or not place.is_pure or axis != place.axis]
        order = tuple([index_without(place, axis) for axis in kept])
        return [tensors[0] if order == tuple(range(len(order))) else layers.add(Transpose(order=order), tensors)]


def _places_in_shape(place: Place, sizes: Sizes, shape: Sizes, batch: int) -> Iterator[Places]:
    """Return the axes of another shape in which the batch is as far from the outermost elements as in a tensor."""
    if place is None:
        yield (None,)
        return
    upper = place.outer
    for size in sizes[: place.axis]:
        upper *= size
    found: list[BatchAxis] = []
    before = 1
    for axis, size in enumerate(shape):
        outer, rest = divmod(upper, before)
        if rest == 0 and size % (outer * batch) == 0:
            found.append(BatchAxis(axis, outer, size // (outer * batch)))
        before *= size
    for each in sorted(found, key=lambda each: (not each.is_pure, each.outer > 1)):
        yield (each,)


@dataclass(frozen=True, kw_only=True)
class ReshapeStep(Step):
    """The same elements in the same order, in another shape."""

    target: tuple[Any, ...]
    """The sizes in the file; one may be −1, and others may be sizes of the input or sizes that the model computes."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield from _places_in_shape(inputs[0], sizes[0], results[0], batch)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        result = results[0]
        sizes: list[Number] = [
            size_at(layers, tensors[0], places[0], size.axis) if isinstance(size, InputSize) else layers.size(size)
            for size in self.target
        ]
        if result is not None:
            if result.is_pure:
                del sizes[result.axis]
            elif sizes[result.axis] != -1:
                sizes[result.axis] = exact_div(sizes[result.axis], layers.batch)
        sizes = sizes or [1]
        shape = layers.shape(tensors[0])
        if same_shape(tuple(sizes), shape):
            return [tensors[0]]
        if len(sizes) == 1:
            Reshape(shape=tuple(sizes)).output((shape,))  # a number in the file may fit only the shapes in the file
            return [layers.add(Flatten(), tensors)]
        return [layers.add(Reshape(shape=tuple(sizes)), tensors)]


@dataclass(frozen=True, kw_only=True)
class ReshapeLikeStep(Step):
    """The elements of the first tensor in the shape that the second has in the file."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, example = inputs
        for (made,) in _places_in_shape(place, sizes[0], results[0], batch):
            if example is None or made is None or made == example:
                yield (made,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        rank = len(layers.shape(tensors[1])) + (places[1] is not None and places[1].is_pure)
        sizes = [size_at(layers, tensors[1], places[1], axis) for axis in range(rank)]
        result = results[0]
        if result is not None and result.is_pure:
            del sizes[result.axis]
        elif result is not None:
            sizes[result.axis] = exact_div(sizes[result.axis], layers.batch)
        shape = layers.shape(tensors[0])
        return [tensors[0] if same_shape(shape, tuple(sizes)) else layers.add(Reshape(shape=tuple(sizes)), tensors[:1])]


@dataclass(frozen=True, kw_only=True)
class PrefixStep(Step):
    """The positions of an axis before a fixed one: all of them at the size in the file."""

    axis: int
    stop: int
    is_beyond: bool = False
    """Whether the fixed position is past the end of the axis in the file, so that a shorter axis is not cut."""

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        place = places[0]
        if place is not None and place.axis == self.axis:
            return [tensors[0]]
        axis = index_without(place, self.axis)
        n = layers.shape(tensors[0])[axis]
        stop = minimum(n, self.stop) if self.is_beyond else self.stop
        if known_equal(n, stop):
            return [tensors[0]]
        return [layers.add(make(Slice, range=(0, stop), axis=axis), tensors)]


@dataclass(frozen=True, kw_only=True)
class PositionStep(Step):
    """One position of an axis, which is removed."""

    axis: int
    position: Any
    size: int | None = None
    """The only size of the axis for which the model uses all positions; ``None``: any."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place = inputs[0]
        if place is None:
            yield (None,)
        elif place.axis != self.axis:
            yield (place._replace(axis=place.axis - (self.axis < place.axis)),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axis = index_without(places[0], self.axis)
        shape = layers.shape(tensors[0])
        require_size(shape[axis], self.size)
        at = layers.size(self.position)
        start = shape[axis] + at if at < 0 else at
        chosen = tensors[0]
        if not known_equal(shape[axis], 1):
            chosen = layers.add(make(Slice, range=(start, start + 1), axis=axis), tensors)
        rest = (*shape[:axis], *shape[axis + 1 :])
        return [layers.add(Reshape(shape=rest), [chosen]) if rest else chosen]


def make(cls: type[OperatorType], **attributes: Any) -> OperatorType:
    """Return an operator with these attributes, and defaults for all others.

    Raises:
        Impossible: an attribute is one that a spec cannot have: an unknown word, or a size below the smallest one.
    """
    for each in cls.parameters():
        value, form, least = attributes.get(each.name), each.argument.form, each.argument.at_least
        if form == "word" and isinstance(value, str) and value not in each.argument.choices:
            raise Impossible("{what} has no {name} '{value}'", what=cls.name, name=each.name, value=value)
        if form in ("integer", "axes", "lengths") and least is not None:
            numbers = value if isinstance(value, tuple | list) else (value,)
            numbers = [number for _, number in numbers] if form == "lengths" and value else numbers
            message = "the {name} of {what} must be at least {least}, got {value}"
            if any(isinstance(number, int) and number < least for number in numbers):
                raise Impossible(message, what=cls.name, name=each.name, least=least, value=value)
    return cls(**attributes)


def with_origin(step: Step, origin: Origin) -> Step:
    """Return a step with where it comes from."""
    return replace(step, origin=origin)
