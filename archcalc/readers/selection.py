"""Steps that choose elements by their indices, or by their size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from archcalc.graph import Ref
from archcalc.ops.selection import Gather, Scatter, Take, TopK
from archcalc.ops.structure import Reshape
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.joining import JoinStep
from archcalc.readers.steps import Layers, Step, index_without, make, require_size


@dataclass(frozen=True, kw_only=True)
class LookupStep(Step):
    """The elements of a tensor at indices along an axis; the axes of the indices take the place of this one."""

    axis: int
    rank: int
    """The number of axes of the indices."""
    size: int | None = None
    """The only size of the axis for which the indices are right; ``None``: any."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, of_indices = inputs
        if place is not None and of_indices is None and place.axis != self.axis:
            moved = self.rank - 1 if place.axis > self.axis else 0
            yield (place._replace(axis=place.axis + moved),)
        elif place is None:
            yield (None if of_indices is None else of_indices._replace(axis=of_indices.axis + self.axis),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axis = index_without(places[0], self.axis)
        require_size(layers.shape(tensors[0])[axis], self.size)
        found = layers.add(make(Take, axis=axis), tensors)
        if self.rank > (places[1] is not None and places[1].is_pure):
            return [found]
        shape = layers.shape(found)  # of one index, whose axis is left out
        rest = (*shape[:axis], *shape[axis + 1 :])
        return [layers.add(Reshape(shape=rest), [found]) if rest else found]


@dataclass(frozen=True, kw_only=True)
class PerExampleLookupStep(LookupStep):
    """The elements of every example at indices of its own; the batch is the first axis of both."""

    axis: int = 1

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, of_indices = inputs
        if place is not None and place == of_indices and place.axis == 0 and place.is_pure:
            yield (place,)


@dataclass(frozen=True, kw_only=True)
class GatherStep(JoinStep):
    """The elements of a tensor at indices along an axis, with separate indices at every position of the other axes."""

    axis: int

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        for (place,) in super().places(inputs, sizes, results, batch):
            if place is None or place.axis != self.axis:
                yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        joined = JoinStep(op=make(Gather, axis=index_without(results[0], self.axis)), inputs=self.inputs, outputs=())
        return joined.layers(layers, tensors, places, results)


@dataclass(frozen=True, kw_only=True)
class ScatterStep(JoinStep):
    """A tensor with values at indices along an axis; the indices and values have all of its axes."""

    op: Scatter

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        for (place,) in super().places(inputs, sizes, results, batch):
            if place is None or place.axis != self.op.axis:
                yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        op = replace(self.op, axis=index_without(results[0], self.op.axis))
        return JoinStep(op=op, inputs=self.inputs, outputs=()).layers(layers, tensors, places, results)


@dataclass(frozen=True, kw_only=True)
class LargestElementsStep(Step):
    """The largest or smallest elements along an axis, or their indices, or both."""

    axis: int
    count: int
    smallest: bool
    kept: tuple[int, ...]
    """What is made: 0 for the elements, 1 for their indices."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs[0] is None or inputs[0].axis != self.axis:
            yield (inputs[0],) * len(self.kept)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axis = index_without(places[0], self.axis)
        found = layers.add(make(TopK, count=self.count, axis=axis, smallest=self.smallest), tensors)
        return [found._replace(output=number) for number in self.kept]
