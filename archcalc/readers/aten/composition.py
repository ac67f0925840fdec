"""Calls that are several steps: each step makes a tensor that has no name in the file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from archcalc.ops.base import Operator
from archcalc.readers.aten.registry import Arguments
from archcalc.readers.batch import Sizes
from archcalc.readers.joining import JoinStep
from archcalc.readers.selection import LookupStep
from archcalc.readers.steps import ElementwiseStep, OperatorReductionStep, ReshapeStep, Step, make


class Composition:
    """The steps of one call so far. Tensors are numbers, as in steps."""

    def __init__(self, a: Arguments) -> None:
        self.a = a
        self.steps: list[Step] = []
        self._constants = 0

    def sizes(self, tensor: int) -> Sizes:
        """Return the sizes of a tensor, as the file has them."""
        return self.a.reading.numbered(tensor)

    def new(self, sizes: Sequence[int]) -> int:
        """Return the number of a new tensor."""
        return self.a.reading.intermediate(tuple(sizes))

    def add(self, step: Step) -> int:
        """Add a step, and return what it makes."""
        self.steps.append(step)
        return step.outputs[0]

    def apply(self, tensor: int, *ops: Operator) -> int:
        """Return what operators, one after another, make of all elements alike."""
        for op in ops:
            tensor = self.add(ElementwiseStep(op=op, inputs=(tensor,), outputs=(self.new(self.sizes(tensor)),)))
        return tensor

    def join(self, op: Operator, *tensors: int) -> int:
        """Return a join of corresponding elements."""
        columns = zip_longest(*(reversed(self.sizes(each)) for each in tensors), fillvalue=1)
        sizes = [next((n for n in column if n != 1), 1) for column in columns][::-1]
        return self.add(JoinStep(op=op, inputs=tensors, outputs=(self.new(sizes),)))

    def reduce(self, kind: type[Operator], tensor: int, axes: Sequence[int], *, keep: bool = True) -> int:
        """Return a combination over axes."""
        rank = len(self.sizes(tensor))
        at = tuple(sorted({axis % rank for axis in axes}))
        sizes = [1 if axis in at else n for axis, n in enumerate(self.sizes(tensor)) if keep or axis not in at]
        return self.add(
            OperatorReductionStep(
                axes=at,
                keep=keep,
                make=lambda axis: make(kind, axis=axis, keep=keep),
                inputs=(tensor,),
                outputs=(self.new(sizes),),
            )
        )

    def reshape(self, tensor: int, target: Sequence[Any], sizes: Sequence[int]) -> int:
        """Return the same elements in another shape; see `ReshapeStep` for the target."""
        return self.add(ReshapeStep(target=tuple(target), inputs=(tensor,), outputs=(self.new(sizes),)))

    def take(self, tensor: int, indices: int, axis: int, *, size: int | None = None) -> int:
        """Return the elements at indices along an axis; see `LookupStep`."""
        sizes = self.sizes(tensor)
        made = self.new((*sizes[:axis], *self.sizes(indices), *sizes[axis + 1 :]))
        rank = len(self.sizes(indices))
        return self.add(LookupStep(axis=axis, rank=rank, size=size, inputs=(tensor, indices), outputs=(made,)))

    def constant(self, function: str, sizes: Sequence[int], **arguments: Any) -> int:
        """Return a constant that the program does not have."""
        self._constants += 1
        name = self.a.constant(f"constant_{self._constants}", function, tuple(sizes), **arguments)
        return self.a.reading.tensor(name)

    def number(self, value: float) -> int:
        """Return one number as a constant."""
        return self.constant("full", (1,), size=[1], fill_value=float(value))

    def done(self, tensor: int) -> list[Step]:
        """Return the steps, whose result a tensor is."""
        self.a.reading.give(self.a.result_name, tensor)
        return self.steps
