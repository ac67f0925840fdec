"""Numbers of an earlier state: what has changed since, layer by layer, and whether a total has grown too far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import SequenceMatcher
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis
from archcalc.graph import write_shape
from archcalc.query.quantities import QUANTITIES as TABLE
from archcalc.spec.errors import Problem, Span
from archcalc.spec.read import Spec
from archcalc.spec.write import write_layer

QUANTITIES = tuple(name for name, quantity in TABLE.items() if quantity.in_baseline)
"""Stored of a network; ``memory`` is here the parameters and the peak of live tensors, in bytes of float32."""
COUNTS = tuple(name for name in QUANTITIES if TABLE[name].is_count)
"""Stored of every layer as well."""
ALIGNED = 2_000
"""Differing layers that are aligned like lines of a text; more are matched by name alone."""


class Row(NamedTuple):
    """One layer of a network."""

    name: str
    op: str
    output: str
    counts: tuple[int, ...]
    """In the order of `COUNTS`."""


class Numbers(NamedTuple):
    """What is stored of a network."""

    totals: tuple[int, ...]
    """In the order of `QUANTITIES`."""
    layers: tuple[Row, ...]


class Change(NamedTuple):
    """A layer that is new (``before`` is ``None``), gone, or different."""

    before: Row | None
    after: Row | None


class BaselineComparison(NamedTuple):
    """A network against its baseline."""

    before: tuple[int, ...]
    """Totals, in the order of `QUANTITIES`."""
    after: tuple[int, ...]
    changes: tuple[Change, ...]

    @property
    def differs(self) -> bool:
        """Whether anything has changed."""
        return bool(self.changes) or self.before != self.after


class Tolerance(NamedTuple):
    """How far totals may grow, as a fraction of what they were."""

    every: Fraction = Fraction(0)
    own: Mapping[str, Fraction] = {}
    """Quantities with a tolerance of their own."""

    def of(self, quantity: str) -> Fraction:
        """The tolerance of a quantity."""
        return self.own.get(quantity, self.every)


def numbers_of(analysis: Analysis) -> Numbers:
    """What is stored of an analysis."""
    graph = analysis.graph
    memory = analysis.memory()
    layers = [
        Row(
            layer.name,
            write_layer(graph.nodes[layer.node].op),
            write_shape(layer.output),
            tuple([layer.of(quantity) for quantity in COUNTS]),
        )
        for layer in analysis.layers
    ]
    totals = [analysis.totals.of(name) if name in COUNTS else memory.params + memory.peak for name in QUANTITIES]
    return Numbers(tuple(totals), tuple(layers))


def compare(before: Numbers, after: Numbers) -> BaselineComparison:
    """What has changed."""
    return BaselineComparison(before.totals, after.totals, changes(before, after))


def growth(before: Numbers, after: Numbers, tolerance: Tolerance, spec: Spec) -> list[Problem]:
    """That totals have grown beyond their tolerance, at the layer that has grown most; nothing where none has."""
    totals = list(enumerate(zip(QUANTITIES, before.totals, after.totals, strict=True)))
    grown = [(index, each) for index, each in totals if each[2] > each[1] * (1 + tolerance.of(each[0]))]
    if not grown:
        return []
    listed = ", ".join(f"{quantity} {moved(old, new)}" for _, (quantity, old, new) in grown)
    allowed = {tolerance.of(quantity) for _, (quantity, _, _) in grown} - {0}
    within = f"the tolerance is {' and '.join(map(percent, sorted(allowed)))}; " if allowed else ""
    place = _place(before, after, min(grown[0][0], len(COUNTS) - 1), spec)
    return [Problem("growth", f"grown since the baseline: {listed}", place, f"{within}--update-baseline accepts it")]


def _place(before: Numbers, after: Numbers, index: int, spec: Spec) -> Span | None:
    """Where the layer stands that has grown most in a count."""
    grown = [
        (change.after.counts[index] - (change.before.counts[index] if change.before else 0), change.after.name)
        for change in changes(before, after)
        if change.after is not None
    ]
    name = max(grown, default=(0, ""))[1]
    places = zip(spec.graph.nodes, spec.outline.places, strict=True)
    return next((place for node, place in places if node.name == name), spec.outline.places[-1])


def percent(part: Fraction) -> str:
    """A fraction as people write it, with three digits: ``0.5 %``."""
    share = Decimal(part.numerator * 100) / Decimal(part.denominator)  # floats end at 10^308
    return f"{Decimal(f'{share:.3g}'):,f} %"


def moved(old: int, new: int) -> str:
    """A number before and after: ``152 → 157 (+3.29 %)``."""
    if old == new:
        return f"{old:,}"
    share = f"{'+' if new > old else ''}{percent(Fraction(new - old, old))}" if old else f"+{new:,}"
    return f"{old:,} → {new:,} ({share})"


def changes(before: Numbers, after: Numbers) -> tuple[Change, ...]:
    """The layers that differ, in their order: as in a diff of texts, what comes in the place of what is a change."""
    old, new = list(before.layers), list(after.layers)
    if old == new:
        return ()
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shorter = min(len(old), len(new)) - start
    end = next((i for i in range(shorter) if old[-1 - i] != new[-1 - i]), shorter)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) + len(new) > ALIGNED:
        return tuple(_by_name(old, new))
    return tuple(_aligned(old, new))


def _aligned(old: list[Row], new: list[Row]) -> Iterator[Change]:
    # a name may be a number in disguise (conv_7): what the layer is tells more than what it is called
    before, after = ([(_stage(row), *row[1:]) for row in rows] for rows in (old, new))
    for kind, i, i_end, j, j_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _paired(old[i:i_end], new[j:j_end])


def _stage(row: Row) -> str:
    """The stage a layer stands in; nothing for an unnamed one, whose name is a number."""
    stage = row.name.partition("/")[0]
    return "" if re.fullmatch(rf"{_kind(row)}_\d+", stage) else stage


def _paired(old: list[Row], new: list[Row]) -> Iterator[Change]:
    """What was replaced by what: by name where that is the same, else by kind of operator in order."""
    waiting, pairs = list(old), []
    for row in new:
        same = next((each for each in waiting if (each.name, _kind(each)) == (row.name, _kind(row))), None)
        if same is None:
            alike = (_stage(row), _kind(row))
            same = next((each for each in waiting if (_stage(each), _kind(each)) == alike), None)
        if same is not None:
            waiting.remove(same)
        pairs.append(Change(same, row))
    yield from (Change(row, None) for row in waiting)
    yield from (pair for pair in pairs if pair.before != pair.after)


def _kind(row: Row) -> str:
    return row.op.partition(" ")[0]


def _by_name(old: list[Row], new: list[Row]) -> Iterator[Change]:
    waiting = {row.name: row for row in old}
    for row in new:
        same = waiting.pop(row.name, None)
        if same != row:
            yield Change(same, row)
    yield from (Change(row, None) for row in waiting.values())


def read_tolerances(written: Iterable[str]) -> Tolerance:
    """Tolerances as written on a command line: ``1%``, ``macs=2%``.

    Raises:
        ValueError: one is not.
    """
    every, own = Fraction(0), {}
    for text in written:
        name, equals, value = text.rpartition("=")
        number = value.strip().removesuffix("%").strip()
        try:
            share = Fraction(number) / 100
        except (ValueError, ZeroDivisionError):
            share = Fraction(-1)
        if share < 0 or len(number) > 20 or not (value.strip().endswith("%") or share == 0):
            raise ValueError(f"a tolerance is a percentage such as 1% or macs=2%, got '{text[:40]}'")
        if equals and name not in QUANTITIES:
            raise ValueError(f"no quantity '{name[:40]}' in a baseline: there are {', '.join(QUANTITIES)}")
        if equals:
            own[name] = share
        else:
            every = share
    return Tolerance(every, own)
