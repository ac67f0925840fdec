"""The step of an operator of channels and positions, which the batch precedes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from archcalc.graph import Ref
from archcalc.numeric import Number, PlainNumberRequired, known_equal
from archcalc.ops.base import Operator, Shape
from archcalc.ops.joins import Concat
from archcalc.ops.structure import Reshape, Slice, Transpose
from archcalc.readers.batch import Place, Places, Sizes
from archcalc.readers.steps import ElementwiseStep, Layers, make
from archcalc.readers.stored_arrays import LIFTED

MAX_EXAMPLES = 64
"""The number of examples in a tensor without a batch that are treated one after another."""


def as_plain(n: Number) -> int:
    """Return the number of examples as a plain integer.

    Raises:
        PlainNumberRequired: it is a number of another kind.
    """
    if type(n) is not int:
        raise PlainNumberRequired("the number of examples")
    return n


def lifted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of windows that have one position along one axis more, the first."""
    pad = attributes["pad"]
    return {
        **attributes,
        **{name: (1, *attributes[name]) for name in ("kernel", "stride", "dilation")},
        "pad": pad if isinstance(pad, str) else ((0, 0), *pad),
    }


@dataclass(frozen=True, kw_only=True)
class PerExampleStep(ElementwiseStep):
    """An operator of channels and positions, which the batch precedes."""

    axes: int
    """The number of axes of one example; 0: any."""
    needs_stored: ClassVar[bool] = True
    lifted: Operator | None = None
    """The operator that does the same at every position of one axis more; ``None`` if there is none."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, rank = inputs[0], len(sizes[0])
        if place is None:
            alone = rank == self.axes or self.axes == 0
            fits = alone or (rank == self.axes + 1 and (sizes[0][0] <= MAX_EXAMPLES or self.lifted is not None))
        else:
            fits = place.axis == 0 and (place.is_pure or self.lifted is not None) and self.axes in (0, rank - 1)
        if fits:
            yield (place,) * len(self.outputs)

    def lifted_weights(self, places: Places, sizes: Sequence[Sizes]) -> tuple[str, ...]:
        is_lifted = self.lifted is not None and "weight" in self.stored and self._is_several(places[0], sizes[0])
        return (str(self.stored["weight"]),) if is_lifted else ()

    def _is_several(self, place: Place, shape: Shape) -> bool:
        """Return whether an example has several tensors that are treated alike, along the first axis."""
        if place is None:
            return self.axes not in (0, len(shape)) and not known_equal(shape[0], 1)
        return not place.is_pure

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        place, shape = places[0], layers.shape(tensors[0])
        if self._is_several(place, shape):
            if self.lifted is None:
                return [self._one_by_one(layers, tensors[0])]
            return [self._several(layers, tensors)]
        if self.lifted is not None and self.stored.get("weight") in layers.lifted:
            return [self._alone(layers, tensors[0], has_axis=place is None and len(shape) > self.axes > 0)]
        if place is not None or len(shape) == self.axes or self.axes == 0:
            return super().layers(layers, tensors, places, results)
        made = layers.add(self.op, [layers.add(Reshape(shape=shape[1:]), tensors)], self.stored)
        return [layers.add(Reshape(shape=(1, *layers.shape(made))), [made])]

    def _one_by_one(self, layers: Layers, tensor: Ref) -> Ref:
        """Treat the examples of a tensor that has no batch, which are its first axis, one after another."""
        shape = layers.shape(tensor)
        made = []
        for at in range(as_plain(shape[0])):
            one = layers.add(make(Slice, range=(at, at + 1), axis=0), [tensor])
            done = layers.add(self.op, [layers.add(Reshape(shape=shape[1:]), [one])], self.stored)
            made.append(layers.add(Reshape(shape=(1, *layers.shape(done))), [done]))
        return layers.add(make(Concat, axis=0), made)

    def _several(self, layers: Layers, tensors: Sequence[Ref]) -> Ref:
        """Treat the parts of an example, which are the first axis, like positions along an axis that is not mixed."""
        rest = range(2, len(layers.shape(tensors[0])))
        made = self._lifted(layers, layers.add(Transpose(order=(1, 0, *rest)), tensors))
        return layers.add(Transpose(order=(1, 0, *range(2, len(layers.shape(made))))), [made])

    def _alone(self, layers: Layers, tensor: Ref, *, has_axis: bool) -> Ref:
        """Treat one tensor by weights that another layer has for several: along an axis with one position.

        The tensor may have this axis in front of its channels.
        """
        shape = layers.shape(tensor)[has_axis:]
        there = layers.add(Reshape(shape=(shape[0], 1, *shape[1:])), [tensor])
        channels, _, *sizes = layers.shape(made := self._lifted(layers, there))
        return layers.add(Reshape(shape=(*(1,) * has_axis, channels, *sizes)), [made])

    def _lifted(self, layers: Layers, tensor: Ref) -> Ref:
        """Add the operator of one axis more, with its weights."""
        assert self.lifted is not None
        stored = {array: f"{LIFTED}{name}" if array == "weight" else name for array, name in self.stored.items()}
        return layers.add(self.lifted, [tensor], stored)


@dataclass(frozen=True, kw_only=True)
class SeveralTensorsStep(ElementwiseStep):
    """An operator of several tensors that the batch precedes; without a batch, they have one example."""

    axes: int
    """The number of axes of one example of the first tensor."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place = inputs[0]
        alone = place is None and all(each[0] == 1 for each in sizes)
        pure = place is not None and place.axis == 0 and place.is_pure
        if (alone or pure) and all(each == place for each in inputs) and len(sizes[0]) == self.axes + 1:
            yield (place,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        if places[0] is not None:
            return super().layers(layers, tensors, places, results)
        alone = [layers.add(Reshape(shape=layers.shape(each)[1:]), [each]) for each in tensors]
        made = layers.add(self.op, alone, self.stored)
        return [layers.add(Reshape(shape=(1, *layers.shape(made))), [made])]
