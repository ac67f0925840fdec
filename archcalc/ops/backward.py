"""What the backward pass computes of a layer, and what the forward pass keeps for it.

The macs of a layer are those of multiplications of two tensors. For each of these, the gradient of a factor is another
multiplication of the same size: of the gradient of the result with the other factor, which is kept for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple, TypeAlias

from archcalc.numeric import Number

Sources: TypeAlias = tuple[int | str, ...]
"""What a tensor depends on: inputs by their index, stored arrays by name."""


class Needs(NamedTuple):
    """The gradients that the backward pass computes of a layer."""

    inputs: tuple[bool, ...]
    """Whether that of each input is needed."""
    arrays: frozenset[str] = frozenset()
    """The stored arrays whose gradients are needed: those that are trained."""

    def of(self, sources: Sources) -> bool:
        """Return whether the gradient of something that depends on these is needed."""
        return any(self.inputs[each] if isinstance(each, int) else each in self.arrays for each in sources)

    @property
    def some(self) -> bool:
        """Whether any gradient is needed."""
        return any(self.inputs) or bool(self.arrays)


class Factor(NamedTuple):
    """A factor of a multiplication: an input, a stored array, or a tensor that the layer makes."""

    sources: Sources
    made: str = ""
    """The name of a tensor that the layer makes; empty for an input or a stored array."""
    elements: Number = 0
    """The number of elements of a tensor that the layer makes."""
    in_derivative: bool = False
    """Whether the derivative of a tensor that the layer makes is computed from it, as that of a softmax is."""


class Multiplication(NamedTuple):
    """A multiplication of two tensors within a layer, such as that of an input with weights."""

    macs: Number
    left: Factor
    right: Factor
    makes: str = ""
    """The name of what it makes, where a layer has several that do not multiply with a stored array."""

    @property
    def name(self) -> str:
        """Its name among those of a layer: the stored array that it multiplies with, or else what it makes."""
        first = self.right.sources[0]
        return first if isinstance(first, str) and not self.right.made else self.makes

    def gradients(self, needs: Needs) -> int:
        """Return how many multiplications of this size the backward pass has: one per factor that needs a gradient."""
        return needs.of(self.left.sources) + needs.of(self.right.sources)

    def kept(self, needs: Needs) -> Iterator[Kept]:
        """Yield the factors that are kept, for the gradient of the other one or because of their own derivatives.

        Stored arrays exist in any case.
        """
        for factor, other in ((self.left, self.right), (self.right, self.left)):
            if not (needs.of(other.sources) or (factor.in_derivative and needs.of(factor.sources))):
                continue
            if factor.made:
                yield Kept("made", name=factor.made, elements=factor.elements)
            elif isinstance(factor.sources[0], int):
                yield Kept("input", factor.sources[0])


class Kept(NamedTuple):
    """A tensor that a layer keeps for the backward pass."""

    kind: Literal["input", "output", "mask", "made", "statistics", "indices"]
    """An input or output of the layer, a mask of one byte per element, or another tensor that the layer makes. Only
    frameworks keep statistics, one set for the batch unless their elements are those of an example, and indices of
    eight bytes."""
    place: int = 0
    """The index of the input or output."""
    name: str = ""
    """The name of a mask or of another tensor that the layer makes."""
    elements: Number = 0
    """The number of elements of those, for one example."""
    per_example: bool = True
    """Whether there are as many for every example of a batch."""


def inputs_kept(places: Collection[int]) -> tuple[Kept, ...]:
    """Return inputs at these places as tensors that are kept."""
    return tuple([Kept("input", place) for place in places])


WIDTHS = {"mask": 1, "indices": 8}
"""The bytes per element of tensors whose number format is fixed."""

INPUT, OUTPUT = Kept("input"), Kept("output")
