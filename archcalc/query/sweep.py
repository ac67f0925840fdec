"""Evaluation of all combinations of settings of a network, in blocks: numbers are arrays (`archcalc.numeric.arrays`).

Combinations are never listed. A block is a part of the grid that fits into the caches of the processor. Every axis is a
dimension of its own of the arrays, so numbers that depend on few axes stay small. A setting that determines the
structure of the network (a repeat count, the operator that a name refers to) cannot be an array; such axes are found by
trying, and iterated over outside of the blocks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from archcalc.graph import Graph
from archcalc.numeric import PlainNumberRequired
from archcalc.numeric.arrays import GridEvaluation, Numbers, Truths
from archcalc.query.grid import GridAxis, GridRegion, Values, axis_value, halves, is_numeric, regions_of, value_array

Array: TypeAlias = Any
Settings: TypeAlias = Mapping[str, Any]
"""The values of the axes by name: numbers of any kind, or texts."""

MAX_BLOCK = 65_536
"""The maximum number of configurations that are evaluated together."""
MAX_NUMBERS = 2**24
"""The maximum number of elements in the shapes of a block; networks with more layers have smaller blocks."""


class ImpossibleConfiguration(Exception):
    """No network exists with given settings.

    The message gives the reason; ``requirement`` is the same without numbers, common to all such configurations.
    """

    def __init__(self, message: str, requirement: str) -> None:
        super().__init__(message)
        self.requirement = requirement


@dataclass(frozen=True, eq=False)
class SweepSubject:
    """What a sweep evaluates.

    The functions may raise `ImpossibleConfiguration`, and `PlainNumberRequired` if a number must not be an array.
    """

    read: Callable[[Settings, Callable[[int], None]], Graph]
    """Returns the network for settings; calls the second argument with the index of each layer before evaluating it."""
    measure: Callable[[Graph, Settings], Sequence[Any]]
    """Returns the values to report: numbers, texts, tuples of them, or Booleans."""
    keep: Callable[[Graph, Settings], Any] | None = None
    """Returns which configurations to keep: a ``bool``, or the result of comparisons of arrays; ``None`` keeps all."""


class Refusal(NamedTuple):
    """Why configurations are impossible: the layer (empty if it is no particular one) and its requirement."""

    layer: str
    message: str


class Example(NamedTuple):
    """An impossible configuration: the values of its axes, and the message."""

    settings: dict[str, Any]
    message: str


class SweepBlock(NamedTuple):
    """The results of some configurations: those that are possible and kept, and how many are not."""

    columns: tuple[Array, ...] | None
    """The value of each axis, then the results, one entry per configuration; ``None`` if all are impossible."""
    total: int
    """How many configurations were evaluated."""
    impossible: Counter[Refusal]
    examples: dict[Refusal, Example]
    unwanted: int
    """How many possible configurations were not kept."""


def sweep(subject: SweepSubject, axes: Sequence[GridAxis]) -> Iterator[SweepBlock]:
    """Evaluate every combination, block by block.

    Combinations come in the order of the axes, the last one fastest; axes that determine the structure come before all
    others.

    Args:
        subject: the network and the values to report.
        axes: the axes, each with at least one value.
    """
    return _Sweep(subject, axes).blocks()


class _Sweep:
    def __init__(self, subject: SweepSubject, axes: Sequence[GridAxis]) -> None:
        self.subject = subject
        self.axes = axes
        self.layers = 100
        """The number of layers; an estimate until the network has been read."""
        self.plain = {index for index, axis in enumerate(axes) if not is_numeric(axis.values)}
        """The axes that are iterated over because their values cannot be arrays."""
        self.listed: dict[int, tuple[Values, Array]] = {}
        """The values of each axis in the last block, with their array: they are often the same in the next block."""

    def blocks(self) -> Iterator[SweepBlock]:
        self.find_plain(tuple(axis.values[:2] for axis in self.axes))
        for region in self.regions():
            yield from self.evaluate(region)

    def find_plain(self, region: GridRegion) -> None:
        """Find the axes whose values cannot be arrays, by trying."""
        while True:
            tried = tuple(values[:1] if index in self.plain else values for index, values in enumerate(region))
            varied = [index for index, values in enumerate(tried) if len(values) > 1]
            if not varied or not self.fails(tried):
                return
            alone = [tuple(values if i == index else values[:1] for i, values in enumerate(tried)) for index in varied]
            self.plain |= {index for index, only in zip(varied, alone, strict=True) if self.fails(only)} or {varied[0]}

    def fails(self, region: GridRegion) -> bool:
        """Return whether some number of a region must be plain."""
        try:
            self.run(region)
        except PlainNumberRequired:
            return True
        except ImpossibleConfiguration:
            return False
        return False

    def regions(self) -> Iterator[GridRegion]:
        """Yield the grid in regions of the size of a block."""
        most = max(256, min(MAX_BLOCK, MAX_NUMBERS // (4 * self.layers)))
        order = sorted(range(len(self.axes)), key=lambda index: index not in self.plain)
        pieces: dict[int, int] = {}
        size = 1
        for index in reversed(order):
            length = len(self.axes[index].values)
            count = 1 if index in self.plain else max(1, min(length, most // size))
            pieces[index] = math.ceil(length / math.ceil(length / count))  # of about equal size
            size *= pieces[index]
        for chosen in regions_of([(self.axes[index].values, pieces[index]) for index in order]):
            by_axis = dict(zip(order, chosen, strict=True))
            yield tuple(by_axis[index] for index in range(len(order)))

    def evaluate(self, region: GridRegion) -> Iterator[SweepBlock]:
        """Evaluate a region in as few blocks as possible."""
        try:
            yield self.run(region)
            return
        except PlainNumberRequired:
            self.find_plain(region)
            smaller = self.stepped(region)
        except ImpossibleConfiguration as refusal:
            first = tuple(values[:1] for values in region)
            if all(len(values) == 1 for values in region) or self.refused(first):
                yield self.nothing(region, refusal)
                return
            smaller = halves(region)  # the array is refused as a whole, although some of its numbers may be possible
        for part in smaller:
            yield from self.evaluate(part)

    def refused(self, region: GridRegion) -> bool:
        """Return whether no network exists in a region."""
        try:
            self.run(region)
        except ImpossibleConfiguration:
            return True
        return False

    def stepped(self, region: GridRegion) -> Iterator[GridRegion]:
        """Yield a region cut along the axes whose values cannot be arrays (or along the first, if they are not
        known)."""
        varied = [index for index, values in enumerate(region) if len(values) > 1]
        step = self.plain.intersection(varied) or {varied[0]}
        return regions_of([(values, 1 if index in step else len(values)) for index, values in enumerate(region)])

    def nothing(self, region: GridRegion, refused: ImpossibleConfiguration) -> SweepBlock:
        """Return the block for a region in which no network exists."""
        total = math.prod(map(len, region))
        refusal = Refusal("", refused.requirement)
        settings = {axis.name: values[0] for axis, values in zip(self.axes, region, strict=True)}
        return SweepBlock(None, total, Counter({refusal: total}), {refusal: Example(settings, str(refused))}, 0)

    def values(self, axis: int, values: Values) -> Array:
        """Return the values of an axis as an array."""
        if axis not in self.listed or self.listed[axis][0] != values:
            self.listed[axis] = (values, value_array(values))
        return self.listed[axis][1]

    def run(self, region: GridRegion) -> SweepBlock:
        """Evaluate a region in one pass.

        Raises:
            PlainNumberRequired: one of its numbers must be plain.
        """
        shape = tuple(map(len, region))
        run = GridEvaluation(shape)
        settings = {
            axis.name: axis_value(run, values, index)
            for index, (axis, values) in enumerate(zip(self.axes, region, strict=True))
        }

        def observe(node: int) -> None:
            run.node = node

        graph = self.subject.read(settings, observe)
        self.layers = len(graph.nodes)
        run.node = None
        wanted = True if self.subject.keep is None else self.subject.keep(graph, settings)
        measured = [_flat(value, shape) for value in self.subject.measure(graph, settings)]
        why = np.broadcast_to(run.first_violation, shape).reshape(-1)
        impossible, examples = self.refusals(run, why, graph, region)
        chosen = why == 0
        if wanted is not True:
            chosen &= np.broadcast_to(wanted.values if isinstance(wanted, Truths) else wanted, shape).reshape(-1)
        total, possible = math.prod(shape), math.prod(shape) - impossible.total()
        rows = np.flatnonzero(chosen)
        places = np.unravel_index(rows, shape) if shape else ()
        columns = [
            self.values(index, values)[place] for index, (values, place) in enumerate(zip(region, places, strict=True))
        ]
        columns += [column[rows] for column in measured]
        return SweepBlock(tuple(columns), total, impossible, examples, possible - len(rows))

    def refusals(
        self, run: GridEvaluation, why: Array, graph: Graph, region: GridRegion
    ) -> tuple[Counter[Refusal], dict[Refusal, Example]]:
        """Return the number of impossible configurations of a region by reason, and an example of each."""
        impossible: Counter[Refusal] = Counter()
        examples: dict[Refusal, Example] = {}
        if not run.violations:
            return impossible, examples
        for violation, count in zip(
            run.violations, np.bincount(why, minlength=len(run.violations) + 1)[1:], strict=True
        ):
            refusal = Refusal("" if violation.node is None else graph.nodes[violation.node].name, violation.message)
            impossible[refusal] += int(count)
            at = zip(self.axes, region, violation.where, strict=True)
            settings = {axis.name: values[min(place, len(values) - 1)] for axis, values, place in at}
            examples.setdefault(refusal, Example(settings, violation.example))
        return impossible, examples


def _flat(value: Any, shape: tuple[int, ...]) -> Array:
    """Return a result as an array with one entry per configuration."""
    if isinstance(value, tuple):
        array = np.empty(math.prod(shape), object)
        array[:] = list(zip(*(_flat(part, shape).tolist() for part in value), strict=True))
        return array
    if isinstance(value, Truths):
        return np.broadcast_to(value.values, shape).reshape(-1)
    if isinstance(value, Numbers):
        return np.broadcast_to(value.plain(), shape).reshape(-1)
    return np.broadcast_to(value_array([value]), math.prod(shape))
