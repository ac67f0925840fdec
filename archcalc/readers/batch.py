"""Find the batch axis of every tensor of a model file.

Model files have shapes with a batch, graphs have shapes without. Where the batch is cannot be decided operator by
operator: with a batch of one, a reshape of 1×L×E to L×h×d is the reshape of one example, or makes the batch a part of
the heads, and only a later operator that treats an axis as features rules one of them out. So every tensor first gets
all possible places; then those that lead to a contradiction are removed, and the first one that remains is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple, Protocol, TypeAlias

from archcalc.spec.errors import fail

Sizes: TypeAlias = tuple[int, ...]


class BatchAxis(NamedTuple):
    """Where the examples of a batch are in a tensor: an axis of outer × batch × inner positions."""

    axis: int
    outer: int = 1
    inner: int = 1

    @property
    def is_pure(self) -> bool:
        """Whether the axis has one position per example."""
        return self.outer * self.inner == 1

    def index_without(self, axis: int) -> int:
        """Return the index that another axis of the tensor has when the batch is removed."""
        return axis - 1 if self.is_pure and axis > self.axis else axis


Place: TypeAlias = BatchAxis | None
"""The batch axis of a tensor; ``None`` for one that is the same for all examples."""

Places: TypeAlias = tuple[Place, ...]

MAX_CASES = 5_000
"""The number of combinations of places of a step's inputs that are tried."""


def without(sizes: Sizes, place: Place, batch: int) -> Sizes:
    """Return the sizes of a file's tensor without the batch."""
    if place is None:
        return sizes
    kept = () if place.is_pure else (sizes[place.axis] // batch,)
    return (*sizes[: place.axis], *kept, *sizes[place.axis + 1 :])


def require_axis(name: str, axis: int, rank: int) -> None:
    """Require that the batch axis that is given for an input is one of its axes."""
    if axis >= rank:
        reason = f"the input '{name[:100]}' has {rank} axes, so there is no axis {axis} (the first is 0)"
        fail("argument", reason, origin=f"--batch-axis {name[:40]}")


class BatchStep(Protocol):
    """A step of a model, as far as batch axes matter."""

    @property
    def inputs(self) -> Sequence[int]:
        """The indices of the tensors that it reads."""
        ...

    @property
    def outputs(self) -> Sequence[int]:
        """The indices of the tensors that it makes."""
        ...

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterable[Places]:
        """Return the places that the batch may have in the outputs, the likeliest first; none if that is impossible.

        Args:
            inputs: the places in the inputs.
            sizes: the sizes of the inputs, as the file has them.
            results: the sizes of the outputs.
            batch: the number of examples.
        """
        ...


class Undecided(Exception):
    """No place of the batch fits a step: ``step`` is its index."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def batch_axes(
    steps: Sequence[BatchStep], sizes: Sequence[Sizes], given: Mapping[int, Place], batch: int
) -> list[Place]:
    """Return the batch axis of every tensor.

    Args:
        steps: the steps, in an order in which tensors are made before they are read.
        sizes: the sizes of all tensors.
        given: the batch axes of the tensors that no step makes.
        batch: the number of examples.

    Raises:
        Undecided: a step has no possible place.
    """
    possible: list[list[Place]] = [[given[index]] if index in given else [] for index in range(len(sizes))]
    for number, step in enumerate(steps):
        for _, results in _cases(step, possible, sizes, batch):
            for index, place in zip(step.outputs, results, strict=True):
                if place not in possible[index]:
                    possible[index].append(place)
        if not all(possible[index] for index in step.outputs):
            raise Undecided(number)
    for step in reversed(steps):
        useful: list[set[Place]] = [set() for _ in step.inputs]
        for places, results in _cases(step, possible, sizes, batch):
            if all(place in possible[index] for index, place in zip(step.outputs, results, strict=True)):
                for found, place in zip(useful, places, strict=True):
                    found.add(place)
        for index, found in zip(step.inputs, useful, strict=True):
            possible[index] = [place for place in possible[index] if place in found] or possible[index]
    chosen: list[Place] = [places[0] if places else None for places in possible]
    for number, step in enumerate(steps):
        read = tuple([chosen[index] for index in step.inputs])
        candidates = [
            results
            for results in _results(step, read, sizes, batch)
            if all(place in possible[index] for index, place in zip(step.outputs, results, strict=True))
        ]
        if not candidates:
            raise Undecided(number)
        for index, place in zip(step.outputs, candidates[0], strict=True):
            chosen[index] = place
    return chosen


def _of(indices: Sequence[int], sizes: Sequence[Sizes]) -> list[Sizes]:
    return [sizes[index] for index in indices]


def _cases(
    step: BatchStep, possible: Sequence[Sequence[Place]], sizes: Sequence[Sizes], batch: int
) -> Iterator[tuple[Places, Places]]:
    """Return every combination of places of the inputs, with the places that the outputs then may have."""
    for places in islice(product(*[possible[index] for index in step.inputs]), MAX_CASES):
        for results in _results(step, places, sizes, batch):
            yield places, results


def _results(step: BatchStep, places: Places, sizes: Sequence[Sizes], batch: int) -> list[Places]:
    """Return the places that the outputs may have, given those of the inputs; none if the sizes do not fit together."""
    try:
        found = list(step.places(places, _of(step.inputs, sizes), _of(step.outputs, sizes), batch))
    except (LookupError, ValueError, ArithmeticError):
        return []
    return [results for results in found if len(results) == len(step.outputs)]
