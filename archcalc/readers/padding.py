"""The step of padding and cropping along any axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archcalc.graph import Ref
from archcalc.ops.base import Operator
from archcalc.ops.resample import Crop, Pad
from archcalc.ops.structure import Reshape, Transpose
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.steps import Layers, Step, index_without, make


@dataclass(frozen=True, kw_only=True)
class PaddingStep(Step):
    """Padding before and after the elements along some axes, not that of the batch; with negative numbers, a part."""

    margins: tuple[tuple[int, int], ...]
    """How many elements come before and after, for every axis of the file."""
    border: str = "zeros"
    """Their values; see `Pad`."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs[0] is None or self.margins[inputs[0].axis] == (0, 0):
            yield inputs

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        rank = len(layers.shape(tensors[0]))
        margins = [(0, 0)] * rank
        for axis, margin in enumerate(self.margins):
            if margin != (0, 0):
                margins[index_without(places[0], axis)] = margin
        free = next((axis for axis, margin in enumerate(margins) if margin == (0, 0)), None)
        made = tensors[0]
        if free is None:  # no axis can be the channels
            made = layers.add(Reshape(shape=(1, *layers.shape(made))), [made])
            made = self._padded(layers, made, margins)
            return [layers.add(Reshape(shape=layers.shape(made)[1:]), [made])]
        order = (free, *(axis for axis in range(rank) if axis != free))
        if free:
            made = layers.add(Transpose(order=order), [made])
        made = self._padded(layers, made, [margins[axis] for axis in order[1:]])
        back = tuple([order.index(axis) for axis in range(rank)])
        return [layers.add(Transpose(order=back), [made]) if free else made]

    def _padded(self, layers: Layers, tensor: Ref, margins: Sequence[tuple[int, int]]) -> Ref:
        """Pad and crop a tensor of channels and positions."""
        added = tuple([(max(before, 0), max(after, 0)) for before, after in margins])
        removed = tuple([(max(-before, 0), max(-after, 0)) for before, after in margins])
        ops: tuple[Operator, ...] = (make(Pad, margin=added, border=self.border), make(Crop, margin=removed))
        for op, each in zip(ops, (added, removed), strict=True):
            if any(map(any, each)):
                tensor = layers.add(op, [tensor])
        return tensor
