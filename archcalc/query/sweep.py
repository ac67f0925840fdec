"""Every combination of settings of a network, evaluated together in blocks: numbers are arrays (`numeric.arrays`).

Combinations are never listed. A block is a part of the grid small enough for the processor's caches, each axis with its
own dimension of the arrays, so that what depends on few axes stays small. What the structure of the network depends on
(how often something repeats, which operator a name stands for) cannot be an array; such axes are found by trying, and
are stepped through outside of the blocks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from archcalc.graph import Graph
from archcalc.numeric import NeedsPlain
from archcalc.numeric.arrays import Numbers, Run, Truths
from archcalc.query.grid import Axis, Region, Values, halves, is_numeric, listed, parts, setting

Array: TypeAlias = Any
Settings: TypeAlias = Mapping[str, Any]
"""Axis to what it is set to: a number of any kind, or a text."""

LARGEST_BLOCK = 65_536
"""Configurations evaluated together."""
MOST_NUMBERS = 2**24
"""Shapes that a block may keep, in numbers: longer networks are evaluated in smaller blocks."""


class Refused(Exception):
    """No network exists with these settings; the text says why, ``requirement`` what does not hold of all such."""

    def __init__(self, message: str, requirement: str) -> None:
        super().__init__(message)
        self.requirement = requirement


@dataclass(frozen=True, eq=False)
class Subject:
    """What is swept over. Its functions may raise `Refused`, and `NeedsPlain` where a number must not be an array."""

    read: Callable[[Settings, Callable[[int], None]], Graph]
    """The network of settings; the second argument is told the index of each layer before its formulas are asked."""
    measure: Callable[[Graph, Settings], Sequence[Any]]
    """What is asked of it: numbers, texts, tuples of them, or whether something holds."""
    keep: Callable[[Graph, Settings], Any] | None = None
    """Which configurations are wanted: ``bool`` or what the comparisons of a kind of number return; ``None``: all."""


class Refusal(NamedTuple):
    """Why configurations are impossible: the layer, if it is one's, and a requirement of it."""

    layer: str
    message: str


class Example(NamedTuple):
    """One of several impossible configurations: what its axes are set to, and what is said of it."""

    settings: dict[str, Any]
    message: str


class Block(NamedTuple):
    """Some of the configurations: those that are possible and wanted, and how many are not."""

    columns: tuple[Array, ...] | None
    """What each axis is set to, then what was measured: one entry per configuration; ``None`` where none exists."""
    total: int
    """Configurations evaluated."""
    impossible: Counter[Refusal]
    examples: dict[Refusal, Example]
    unwanted: int


def sweep(subject: Subject, axes: Sequence[Axis]) -> Iterator[Block]:
    """Evaluate every combination, block by block.

    Combinations come in the order of the axes, the last one fastest, those of which the structure depends before all
    others.

    Args:
        subject: the network, and what is asked of it.
        axes: each with at least one value.
    """
    return _Sweep(subject, axes).blocks()


class _Sweep:
    def __init__(self, subject: Subject, axes: Sequence[Axis]) -> None:
        self.subject = subject
        self.axes = axes
        self.layers = 100
        """Of the network, as far as is known."""
        self.plain = {index for index, axis in enumerate(axes) if not is_numeric(axis.values)}
        """Axes that are stepped through."""
        self.listed: dict[int, tuple[Values, Array]] = {}
        """Values of an axis as an array, as they were in the last block: mostly they are the same in the next."""

    def blocks(self) -> Iterator[Block]:
        self.find_plain(tuple(axis.values[:2] for axis in self.axes))
        for region in self.regions():
            yield from self.evaluate(region)

    def find_plain(self, region: Region) -> None:
        """Find the axes that cannot be arrays, by trying."""
        while True:
            tried = tuple(values[:1] if index in self.plain else values for index, values in enumerate(region))
            varied = [index for index, values in enumerate(tried) if len(values) > 1]
            if not varied or not self.fails(tried):
                return
            alone = [tuple(values if i == index else values[:1] for i, values in enumerate(tried)) for index in varied]
            self.plain |= {index for index, only in zip(varied, alone, strict=True) if self.fails(only)} or {varied[0]}

    def fails(self, region: Region) -> bool:
        """Whether some number of a region has to be a plain one."""
        try:
            self.run(region)
        except NeedsPlain:
            return True
        except Refused:
            return False
        return False

    def regions(self) -> Iterator[Region]:
        """The grid in blocks."""
        most = max(256, min(LARGEST_BLOCK, MOST_NUMBERS // (4 * self.layers)))
        order = sorted(range(len(self.axes)), key=lambda index: index not in self.plain)
        pieces: dict[int, int] = {}
        size = 1
        for index in reversed(order):
            length = len(self.axes[index].values)
            count = 1 if index in self.plain else max(1, min(length, most // size))
            pieces[index] = math.ceil(length / math.ceil(length / count))  # of about equal size
            size *= pieces[index]
        for chosen in parts([(self.axes[index].values, pieces[index]) for index in order]):
            by_axis = dict(zip(order, chosen, strict=True))
            yield tuple(by_axis[index] for index in range(len(order)))

    def evaluate(self, region: Region) -> Iterator[Block]:
        """A region in as few blocks as possible."""
        try:
            yield self.run(region)
            return
        except NeedsPlain:
            self.find_plain(region)
            smaller = self.stepped(region)
        except Refused as refusal:
            first = tuple(values[:1] for values in region)
            if all(len(values) == 1 for values in region) or self.refused(first):
                yield self.nothing(region, refusal)
                return
            smaller = halves(region)  # it is the array that is refused: not every one of its numbers is
        for part in smaller:
            yield from self.evaluate(part)

    def refused(self, region: Region) -> bool:
        """Whether there is no network in a region."""
        try:
            self.run(region)
        except Refused:
            return True
        return False

    def stepped(self, region: Region) -> Iterator[Region]:
        """A region, the axes stepped through that need it (if they are found: else the first that varies)."""
        varied = [index for index, values in enumerate(region) if len(values) > 1]
        step = self.plain.intersection(varied) or {varied[0]}
        return parts([(values, 1 if index in step else len(values)) for index, values in enumerate(region)])

    def nothing(self, region: Region, refused: Refused) -> Block:
        """The block of a region without any network."""
        total = math.prod(map(len, region))
        refusal = Refusal("", refused.requirement)
        settings = {axis.name: values[0] for axis, values in zip(self.axes, region, strict=True)}
        return Block(None, total, Counter({refusal: total}), {refusal: Example(settings, str(refused))}, 0)

    def values(self, axis: int, values: Values) -> Array:
        """Values of an axis as an array."""
        if axis not in self.listed or self.listed[axis][0] != values:
            self.listed[axis] = (values, listed(values))
        return self.listed[axis][1]

    def run(self, region: Region) -> Block:
        """Evaluate a region in one pass.

        Raises:
            NeedsPlain: one of its numbers has to be a plain one.
        """
        shape = tuple(map(len, region))
        run = Run(shape)
        settings = {
            axis.name: setting(run, values, index)
            for index, (axis, values) in enumerate(zip(self.axes, region, strict=True))
        }

        def observe(node: int) -> None:
            run.node = node

        graph = self.subject.read(settings, observe)
        self.layers = len(graph.nodes)
        run.node = None
        wanted = True if self.subject.keep is None else self.subject.keep(graph, settings)
        measured = [_flat(value, shape) for value in self.subject.measure(graph, settings)]
        why = np.broadcast_to(run.why, shape).reshape(-1)
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
        return Block(tuple(columns), total, impossible, examples, possible - len(rows))

    def refusals(
        self, run: Run, why: Array, graph: Graph, region: Region
    ) -> tuple[Counter[Refusal], dict[Refusal, Example]]:
        """How many configurations of a region are impossible for which reason, and an example of each."""
        impossible: Counter[Refusal] = Counter()
        examples: dict[Refusal, Example] = {}
        if not run.reasons:
            return impossible, examples
        for reason, count in zip(run.reasons, np.bincount(why, minlength=len(run.reasons) + 1)[1:], strict=True):
            refusal = Refusal("" if reason.node is None else graph.nodes[reason.node].name, reason.message)
            impossible[refusal] += int(count)
            at = zip(self.axes, region, reason.where, strict=True)
            settings = {axis.name: values[min(place, len(values) - 1)] for axis, values, place in at}
            examples.setdefault(refusal, Example(settings, reason.example))
        return impossible, examples


def _flat(value: Any, shape: tuple[int, ...]) -> Array:
    """What was measured, one entry per configuration."""
    if isinstance(value, tuple):
        array = np.empty(math.prod(shape), object)
        array[:] = list(zip(*(_flat(part, shape).tolist() for part in value), strict=True))
        return array
    if isinstance(value, Truths):
        return np.broadcast_to(value.values, shape).reshape(-1)
    if isinstance(value, Numbers):
        return np.broadcast_to(value.plain(), shape).reshape(-1)
    return np.broadcast_to(listed([value]), math.prod(shape))
