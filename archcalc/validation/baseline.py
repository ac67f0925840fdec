"""Comparison with a baseline: the changes layer by layer, and the totals that have grown beyond the tolerance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import SequenceMatcher
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from archcalc.graph import write_shape
from archcalc.query.quantities import QUANTITIES
from archcalc.spec.errors import Problem, Span
from archcalc.spec.write import write_layer

if TYPE_CHECKING:
    from archcalc.analysis.propagate import Analysis
    from archcalc.spec.records import Spec

STORED_QUANTITIES = tuple(name for name, quantity in QUANTITIES.items() if quantity.in_baseline)
"""The quantities stored for a network; ``memory`` is parameters and peak of live tensors, in bytes of float32."""
STORED_COUNTS = tuple(name for name in STORED_QUANTITIES if QUANTITIES[name].is_count)
"""The quantities stored for every layer as well."""
STORED_FOR = {
    "active_params": "params",
    "trainable": "params",
    "memory": "params",
    "connections": "macs",
    "mults": "flops",
}
"""The stored counts whose changes stand for those of quantities that are not stored."""
MAX_CHANGES = 3
"""The maximum number of changed layers that are listed below an expectation that does not hold."""
MAX_ALIGNED = 2_000
"""The maximum number of differing layers that are aligned like the lines of a text; more are matched by name alone."""


class LayerFigures(NamedTuple):
    """The stored figures of a layer."""

    name: str
    op: str
    output: str
    counts: tuple[int, ...]
    """In the order of `STORED_COUNTS`."""


class NetworkFigures(NamedTuple):
    """The stored figures of a network."""

    totals: tuple[int, ...]
    """In the order of `STORED_QUANTITIES`."""
    layers: tuple[LayerFigures, ...]


class BaselineChange(NamedTuple):
    """A layer that is new (``before`` is ``None``), removed (``after`` is ``None``), or different."""

    before: LayerFigures | None
    after: LayerFigures | None


class BaselineComparison(NamedTuple):
    """The comparison of a network with its baseline."""

    before: tuple[int, ...]
    """Totals, in the order of `STORED_QUANTITIES`."""
    after: tuple[int, ...]
    changes: tuple[BaselineChange, ...]

    @property
    def differs(self) -> bool:
        """Whether anything has changed."""
        return bool(self.changes) or self.before != self.after


class Tolerance(NamedTuple):
    """How much totals may grow, as fractions of their previous values."""

    every: Fraction | None = None
    """The tolerance of all other quantities; ``None`` if it is not given, and so is 0."""
    own: Mapping[str, Fraction] = {}
    """The quantities with a tolerance of their own."""

    def of(self, quantity: str) -> Fraction:
        """Return the tolerance of a quantity."""
        return self.own.get(quantity, self.every or Fraction(0))

    def overridden(self, other: Tolerance) -> Tolerance:
        """Return this tolerance where another one gives none."""
        return other if other.every is not None else Tolerance(self.every, {**self.own, **other.own})


NO_TOLERANCE = Tolerance()


def figures_of(analysis: Analysis) -> NetworkFigures:
    """Return the figures of an analysis that are stored."""
    graph = analysis.graph
    memory = analysis.memory()
    layers = [
        LayerFigures(
            layer.name,
            write_layer(graph.nodes[layer.node].op),
            write_shape(layer.output),
            tuple([layer.of(quantity) for quantity in STORED_COUNTS]),
        )
        for layer in analysis.layers
    ]
    totals = [
        analysis.totals.of(name) if name in STORED_COUNTS else memory.params + memory.peak for name in STORED_QUANTITIES
    ]
    return NetworkFigures(tuple(totals), tuple(layers))


def compare(before: NetworkFigures, after: NetworkFigures) -> BaselineComparison:
    """Return the comparison of the figures of a network before and after a change."""
    return BaselineComparison(before.totals, after.totals, changes(before, after))


def growth_errors(before: NetworkFigures, after: NetworkFigures, tolerance: Tolerance, spec: Spec) -> list[Problem]:
    """Return the error that totals have grown beyond their tolerance, at the layer that has grown most, if any has."""
    totals = list(enumerate(zip(STORED_QUANTITIES, before.totals, after.totals, strict=True)))
    grown = [(index, each) for index, each in totals if each[2] > each[1] * (1 + tolerance.of(each[0]))]
    if not grown:
        return []
    listed = ", ".join(f"{quantity} {change_text(old, new)}" for _, (quantity, old, new) in grown)
    allowed = {tolerance.of(quantity) for _, (quantity, _, _) in grown} - {0}
    within = f"the tolerance is {' and '.join(map(percent_text, sorted(allowed)))}; " if allowed else ""
    place = _place(before, after, min(grown[0][0], len(STORED_COUNTS) - 1), spec)
    return [Problem("growth", f"grown since the baseline: {listed}", place, f"{within}--update-baseline accepts it")]


def _place(before: NetworkFigures, after: NetworkFigures, index: int, spec: Spec) -> Span | None:
    """Return the place of the layer that has grown most in a count."""
    grown = [
        (change.after.counts[index] - (change.before.counts[index] if change.before else 0), change.after.name)
        for change in changes(before, after)
        if change.after is not None
    ]
    name = max(grown, default=(0, ""))[1]
    places = zip(spec.graph.nodes, spec.outline.places, strict=True)
    return next((place for node, place in places if node.name == name), spec.outline.places[-1])


def percent_text(part: Fraction) -> str:
    """Return a fraction as a percentage with three significant digits: ``0.5 %``."""
    share = Decimal(part.numerator * 100) / Decimal(part.denominator)  # floats end at 10^308
    return f"{Decimal(f'{share:.3g}'):,f} %"


def change_text(old: int, new: int) -> str:
    """Return a figure before and after a change as text: ``152 → 157 (+3.29 %)``."""
    if old == new:
        return f"{old:,}"
    share = f"{'+' if new > old else ''}{percent_text(Fraction(new - old, old))}" if old else f"+{new:,}"
    return f"{old:,} → {new:,} ({share})"


def changes(before: NetworkFigures, after: NetworkFigures) -> tuple[BaselineChange, ...]:
    """Return the layers that differ, in their order; as in a diff of texts, a layer may replace another one."""
    old, new = list(before.layers), list(after.layers)
    if old == new:
        return ()
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shorter = min(len(old), len(new)) - start
    end = next((i for i in range(shorter) if old[-1 - i] != new[-1 - i]), shorter)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) + len(new) > MAX_ALIGNED:
        return tuple(_by_name(old, new))
    return tuple(_aligned(old, new))


def changes_text(changed: Iterable[BaselineChange], target: str) -> str:
    """Return the changes since the baseline that concern a target, in one line; an empty text if there are none.

    Figures are those of the quantity of the target (or of the stored one that it derives from), if layers have it; a
    change of the operator or output of a layer is named as well.
    """
    place, _, quantity = target.rpartition(".")
    quantity = STORED_FOR.get(quantity, quantity)
    index = STORED_COUNTS.index(quantity) if quantity in STORED_COUNTS else None
    texts = [text for change in changed if _is_inside(change, place) and (text := _change_text(change, index))]
    more = f"; and {len(texts) - MAX_CHANGES:,} more" if len(texts) > MAX_CHANGES else ""
    return f"changed since the baseline: {'; '.join(texts[:MAX_CHANGES])}{more}" if texts else ""


def _is_inside(change: BaselineChange, place: str) -> bool:
    """Return whether a changed layer belongs to a place: a layer, a stage, or the network (an empty name)."""
    names = [row.name for row in change if row is not None]
    return not place or any(name == place or name.startswith(f"{place}/") for name in names)


def _change_text(change: BaselineChange, index: int | None) -> str:
    """Return a changed layer with what it adds to a count (by its index); an empty text if it adds nothing."""
    before, after = change
    row = after or before
    assert row is not None
    figures = ""
    if index is not None:
        old, new = (0 if each is None else each.counts[index] for each in change)
        if old == new:
            return ""
        figures = f" {STORED_COUNTS[index]} {old:,} → {new:,}"
    if before is None:
        return f"{row.name} is new ({row.op}){figures}"
    if after is None:
        return f"{row.name} is removed ({row.op}){figures}"
    if before.op != after.op:
        return f"{row.name} {before.op} → {after.op}{figures and ','}{figures}"
    return f"{row.name}{figures}" if figures else f"{row.name} {before.output} → {after.output}"


def _aligned(old: list[LayerFigures], new: list[LayerFigures]) -> Iterator[BaselineChange]:
    # names may be numbered (conv_7), so a layer is recognised by its operator and figures rather than by its name
    before, after = ([(_stage(row), *row[1:]) for row in rows] for rows in (old, new))
    for kind, i, i_end, j, j_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _paired(old[i:i_end], new[j:j_end])


def _stage(row: LayerFigures) -> str:
    """Return the stage of a layer; an empty text for an unnamed one, whose name is numbered."""
    stage = row.name.partition("/")[0]
    return "" if re.fullmatch(rf"{operator_of(row)}_\d+", stage) else stage


def _paired(old: list[LayerFigures], new: list[LayerFigures]) -> Iterator[BaselineChange]:
    """Yield the replaced layers, paired by name if the operators agree, else by operator in their order."""
    waiting, pairs = list(old), []
    for row in new:
        same = next((each for each in waiting if (each.name, operator_of(each)) == (row.name, operator_of(row))), None)
        if same is None:
            kind = (_stage(row), operator_of(row))
            same = next((each for each in waiting if (_stage(each), operator_of(each)) == kind), None)
        if same is not None:
            waiting.remove(same)
        pairs.append(BaselineChange(same, row))
    yield from (BaselineChange(row, None) for row in waiting)
    yield from (pair for pair in pairs if pair.before != pair.after)


def operator_of(row: LayerFigures) -> str:
    """Return the name of the operator of a layer."""
    return row.op.partition(" ")[0]


def _by_name(old: list[LayerFigures], new: list[LayerFigures]) -> Iterator[BaselineChange]:
    waiting = {row.name: row for row in old}
    for row in new:
        same = waiting.pop(row.name, None)
        if same != row:
            yield BaselineChange(same, row)
    yield from (BaselineChange(row, None) for row in waiting.values())


def read_tolerances(written: Iterable[str]) -> Tolerance:
    """Read tolerances as written on a command line: ``1%``, ``macs=2%``.

    Raises:
        ValueError: a tolerance is not a percentage, or its quantity is not stored in baselines.
    """
    every, own = None, {}
    for text in (part for option in written for part in option.split(",")):
        name, equals, value = (part.strip() for part in text.rpartition("="))
        number = value.strip().removesuffix("%").strip()
        try:
            share = Fraction(number) / 100
        except (ValueError, ZeroDivisionError):
            share = Fraction(-1)
        if share < 0 or len(number) > 20 or not (value.strip().endswith("%") or share == 0):
            raise ValueError(f"a tolerance must be a percentage such as 1% or macs=2%, got '{text[:40]}'")
        if equals and name not in STORED_QUANTITIES:
            known = ", ".join(STORED_QUANTITIES)
            raise ValueError(f"a baseline has no quantity '{name[:40]}'; it has {known}")
        if equals:
            own[name] = share
        else:
            every = share
    return Tolerance(every, own)
