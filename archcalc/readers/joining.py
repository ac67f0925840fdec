"""Steps that join tensors: element by element, as matrices, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archcalc.graph import Ref
from archcalc.ops.base import Operator
from archcalc.ops.joins import Concat
from archcalc.ops.product import MatMul
from archcalc.ops.structure import Flatten, Reshape
from archcalc.readers.batch import Place, Places, Sizes
from archcalc.readers.steps import Layers, Step, index_without, make, same_shape


@dataclass(frozen=True, kw_only=True)
class JoinStep(Step):
    """A join of corresponding elements. The shapes broadcast, aligned at the last axis."""

    op: Operator

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        rank = len(results[0])
        aligned = {
            place._replace(axis=place.axis + rank - len(each))
            for place, each in zip(inputs, sizes, strict=True)
            if place is not None
        }
        if not aligned:
            yield (None,)
        elif len(aligned) == 1:
            (place,) = aligned
            if all(
                given is not None or _size_at(each, place.axis - rank) in (1, batch * place.outer * place.inner)
                for given, each in zip(inputs, sizes, strict=True)
            ):
                yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        result = results[0]
        rank = max(
            len(layers.shape(tensor)) + (place is not None and place.is_pure)
            for tensor, place in zip(tensors, places, strict=True)
        )
        pairs = zip(tensors, places, strict=True)
        aligned = [self._aligned(layers, tensor, place, result, rank) for tensor, place in pairs]
        return [layers.add(self.op, aligned)]

    def _aligned(self, layers: Layers, tensor: Ref, place: Place, result: Place, rank: int) -> Ref:
        """Return a tensor with all axes of the result, with its indices on the same axes; one number fits all."""
        shape = layers.shape(tensor)
        if same_shape(shape, (1,)):
            return tensor
        sizes = list(shape)
        if place is not None and place.is_pure:
            sizes.insert(place.axis, 1)
        sizes = [1] * (rank - len(sizes)) + sizes
        if result is not None and result.is_pure:
            del sizes[result.axis]
        return tensor if same_shape(tuple(sizes), shape) else layers.add(Reshape(shape=tuple(sizes)), [tensor])


@dataclass(frozen=True, kw_only=True)
class MatrixJoinStep(JoinStep):
    """An operator of matrices, the last two axes, which must not be that of the batch."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        for (place,) in super().places(inputs, sizes, results, batch):
            if place is None or place.axis < len(results[0]) - 2:
                yield (place,)


@dataclass(frozen=True, kw_only=True)
class MatrixProductStep(MatrixJoinStep):
    """Products of matrices. If one is the same for all examples, the batch may be rows or columns of the other."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield from super().places(inputs, sizes, results, batch)
        rank = len(results[0])
        for number, from_end in ((0, 2), (1, 1)):  # the rows of the first, the columns of the second
            place = inputs[number]
            if place is not None and inputs[1 - number] is None and place.axis == len(sizes[number]) - from_end:
                yield (place._replace(axis=rank - from_end),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        number = 0 if places[0] is not None else 1
        place, result, shape = places[number], results[0], layers.shape(tensors[number])
        if place is None or result is None or place.axis < len(shape) + place.is_pure - 2:
            return super().layers(layers, tensors, places, results)
        read = list(tensors)
        if place.is_pure:
            whole = (*shape[: place.axis], 1, *shape[place.axis :])
            read[number] = layers.add(Reshape(shape=whole), [read[number]])
        made = layers.add(self.op, read)
        if not result.is_pure:
            return [made]
        shape = layers.shape(made)
        return [layers.add(Reshape(shape=(*shape[: result.axis], *shape[result.axis + 1 :])), [made])]


@dataclass(frozen=True, kw_only=True)
class MatrixMultiplicationStep(MatrixProductStep):
    """The products of all vectors along the last axis of a tensor with a matrix, usually the same for all examples."""

    op: Operator = field(default_factory=MatMul)

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, of_matrix = inputs
        if of_matrix is not None:
            yield from super().places(inputs, sizes, results, batch)
        elif place is None or place.axis < len(sizes[0]) - 1:
            yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        if places[1] is not None:
            return super().layers(layers, tensors, places, results)
        shape = layers.shape(tensors[0])
        if len(shape) > 1:
            return [layers.add(self.op, tensors)]
        row = layers.add(Reshape(shape=(1, *shape)), tensors[:1])
        made = layers.add(self.op, [row, tensors[1]])
        return [layers.add(Flatten(), [made])]


def _size_at(sizes: Sizes, axis: int) -> int:
    """Return the size of an axis counted from the end; 1 if there is none."""
    return sizes[axis] if -axis <= len(sizes) else 1


@dataclass(frozen=True, kw_only=True)
class ConcatenationStep(Step):
    """A concatenation along an axis, which must not be that of the batch."""

    axis: int

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        known = {place for place in inputs if place is not None}
        if not known:
            yield (None,)
        elif len(known) == 1:
            (place,) = known
            fits = all(
                given is not None or each[place.axis] == batch * place.outer * place.inner or each[place.axis] == 1
                for given, each in zip(inputs, sizes, strict=True)
            )
            if place.axis != self.axis and fits:
                yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        result = results[0]
        same = [self._same(layers, tensor, place, result) for tensor, place in zip(tensors, places, strict=True)]
        return [layers.add(make(Concat, axis=index_without(result, self.axis)), same)]

    def _same(self, layers: Layers, tensor: Ref, place: Place, result: Place) -> Ref:
        """Return a tensor that is the same for all examples without the axis that the batch has in the others."""
        if place is not None or result is None or not result.is_pure:
            return tensor
        sizes = list(layers.shape(tensor))
        del sizes[result.axis]
        return layers.add(Reshape(shape=tuple(sizes)), [tensor])
