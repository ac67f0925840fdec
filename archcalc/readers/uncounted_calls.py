"""Calls of operators that cannot be counted, as layers without a cost: what is known about them is in the file."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import ClassVar

from archcalc.graph import Ref
from archcalc.numeric import require
from archcalc.ops.base import Operator, Shapes, Weight
from archcalc.ops.fields import word
from archcalc.ops.window import UNKNOWN, Reach
from archcalc.readers.batch import MAX_CASES, BatchAxis, Place, Places, Sizes, without
from archcalc.readers.steps import Layers, Step, same_shape


class UncountedOperator(Operator):
    """An operator whose operations are not known. It is not an operator of the language."""

    name = "uncounted"
    is_counted = False
    arity: ClassVar[int | None] = None

    call: str = word()
    """The name of the operator in the file: ``aten.lstm``."""
    shapes: Shapes
    """The shapes of its outputs."""
    stored: tuple[Weight, ...]

    def outputs(self, inputs: Shapes) -> Shapes:
        return self.shapes

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return self.stored

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return tuple([(UNKNOWN,) * len(shape) for shape in inputs])


@dataclass(frozen=True, kw_only=True)
class UncountedCall(Step):
    """A call of an operator that cannot be counted, on the sizes in the file only."""

    call: str
    """The name of the operator in the file."""
    read: tuple[Sizes, ...]
    """The sizes of the inputs, as the file has them."""
    made: tuple[Sizes, ...]
    """The sizes of the outputs."""
    trained: Mapping[str, Sizes]
    """The sizes of the parameters among its arguments, by their names in the file."""

    def without(self, names: Container[str]) -> UncountedCall:
        """Return the same step without some of its parameters, which belong to other layers."""
        return replace(self, trained={name: sizes for name, sizes in self.trained.items() if name not in names})

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        """Return every axis of the outputs that may be the batch, that of the inputs first."""
        place = next((each for each in inputs if each is not None), None)
        yield from islice(product(*[_axes(place, each, batch) for each in results]), MAX_CASES)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        for tensor, place, sizes in zip(tensors, places, self.read, strict=True):
            require(
                same_shape(layers.shape(tensor), without(sizes, place, layers.batch) or (1,)),
                "the output of {call} is known only for the sizes in the file",
                call=self.call,
            )
        made = [without(sizes, place, layers.batch) for sizes, place in zip(self.made, results, strict=True)]
        shapes = tuple([shape or (1,) for shape in made]) or ((1,),)  # a layer has an output, which nothing reads here
        weights = tuple([Weight(name, sizes) for name, sizes in self.trained.items()])
        op = UncountedOperator(call=self.call, shapes=shapes, stored=weights)
        first = layers.add(op, tensors, {name: name for name in self.trained})
        return [first._replace(output=number) for number in range(len(made))]


def _axes(place: Place, sizes: Sizes, batch: int) -> list[Place]:
    """Return the axes of a tensor that may be the batch, given a place that it has in the inputs."""
    if place is None:
        return [None]
    possible = [axis for axis, size in enumerate(sizes) if size == batch]
    possible.sort(key=lambda axis: axis != place.axis)
    return [*map(BatchAxis, possible), None]
