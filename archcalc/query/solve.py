"""The values of one setting for which a condition holds.

Every value of a range is tried, all of them at once as arrays, so no assumption is made about how a quantity depends on
the setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.graph import input_axes
from archcalc.numeric import NeedsPlain, is_plain
from archcalc.numeric.arrays import GridEvaluation
from archcalc.numeric.steps import Steps, steps
from archcalc.query.conditions import holds, value
from archcalc.query.configurations import ConfigurationQuery
from archcalc.query.grid import GridAxis
from archcalc.query.sweep import Example, Refusal, SweepSubject, sweep
from archcalc.spec.syntax import Condition, Name, Relation

MAX_VALUES = 1_000_000
"""At most so many values of the setting are tried."""


class Sample(NamedTuple):
    """A value of the setting, and the values of the quantities there."""

    value: Any
    measured: tuple[Any, ...]


class SolutionInterval(NamedTuple):
    """Consecutive values of the setting that are all solutions."""

    first: Sample
    last: Sample
    values: int
    """How many values there are."""


@dataclass(frozen=True)
class Solution:
    """The values for which a condition holds."""

    intervals: tuple[SolutionInterval, ...]
    nearest: Sample | None
    """If there is no solution, the value closest to satisfying the condition; ``None`` if no value is possible."""
    tried: int
    """How many values were tried."""
    impossible: Counter[Refusal]
    examples: dict[Refusal, Example]
    extremes: tuple[tuple[Any, Any] | None, ...]
    """The minimum and the maximum of each quantity over the range; ``None`` for one that is not a single number."""


def solve(query: ConfigurationQuery, axis: GridAxis, condition: Condition) -> Solution:
    """Try every value of an axis.

    Args:
        question: the spec and the names to evaluate (at least those in the condition).
        axis: the setting and its values.
        condition: the condition to satisfy.

    Raises:
        SpecError: the spec has an error, or does not have the names.
    """
    plain = query.subject()
    subject = SweepSubject(
        plain.read,
        lambda graph, settings: [holds(condition, query.lookup(graph, settings)), *plain.measure(graph, settings)],
    )
    points: list[Sample] = []
    truths: list[bool] = []
    impossible: Counter[Refusal] = Counter()
    examples: dict[Refusal, Example] = {}
    for block in sweep(subject, [axis]):
        impossible += block.impossible
        examples = block.examples | examples
        if block.columns is not None:
            values, held, *measured = (column.tolist() for column in block.columns)
            points += [Sample(each, tuple(row)) for each, *row in zip(values, *measured, strict=True)]
            truths += held
    if not points and query.absent is not None:
        raise query.absent
    return Solution(
        intervals=tuple(_intervals(axis, points, truths)),
        nearest=None if any(truths) else _nearest(query, axis, points, condition),
        tried=len(axis.values),
        impossible=impossible,
        examples=examples,
        extremes=tuple(_extremes([point.measured[column] for point in points]) for column in range(len(query.names))),
    )


def _intervals(axis: GridAxis, points: list[Sample], truths: list[bool]) -> list[SolutionInterval]:
    """Return maximal runs of consecutive solutions; impossible values separate them."""
    found: list[SolutionInterval] = []
    waiting = zip(points, truths, strict=True)
    point, truth = next(waiting, (None, False))
    run: list[Sample] = []
    for each in axis.values:
        here = point is not None and point.value == each
        if here and truth:
            assert point is not None
            run.append(point)
        elif run:
            found.append(SolutionInterval(run[0], run[-1], len(run)))
            run = []
        if here:
            point, truth = next(waiting, (None, False))
    return [*found, SolutionInterval(run[0], run[-1], len(run))] if run else found


def _nearest(query: ConfigurationQuery, axis: GridAxis, points: list[Sample], condition: Condition) -> Sample | None:
    """Return the sample closest to satisfying the condition; of several, the last."""
    parts = axis.name.split("=")

    def distance(point: Sample) -> Fraction | float:
        known: Mapping[str, Any] = dict.fromkeys(parts, point.value)
        measured = {name.name: each for name, each in zip(query.names, point.measured, strict=True)}
        return _miss(condition, lambda name: known.get(name.name, measured.get(name.name, name.name)))

    return min(reversed(points), key=distance, default=None)


def _miss(condition: Condition, lookup: Callable[[Name], Any]) -> Fraction | float:
    """Return the distance from satisfying a condition, relative to the required values; 0 if it holds."""
    if holds(condition, lookup):
        return 0
    if isinstance(condition, Relation):
        sides = value(condition.left, lookup), value(condition.right, lookup)
        left, right = (side if isinstance(side, tuple) else (side,) for side in sides)
        if len(left) != len(right) or not all(map(is_plain, (*left, *right))):
            return float("inf")
        return sum(Fraction(abs(a - b), max(abs(b), 1)) for a, b in zip(left, right, strict=True))
    misses = [_miss(operand, lookup) for operand in condition.operands]
    return min(misses) if condition.word == "or" else sum(misses) if condition.word == "and" else 1


def _extremes(values: list[Any]) -> tuple[Any, Any] | None:
    return (min(values), max(values)) if values and all(map(is_plain, values)) else None


def default_values(query: ConfigurationQuery, name: str) -> range | Steps | None:
    """Return the values of a setting to try if no range is given; ``None`` if the setting is not a number.

    A variable that determines the structure (a repeat count) ranges from 1 to 64. Any other variable of at most 2 in
    the spec is considered a multiplier: it ranges up to twice its value in steps of a hundredth of its value. A larger
    variable, or an input size, ranges from 1 to four times its value, and an attribute of a layer from its minimum to
    64.

    Raises:
        Refused: the network does not exist as written.
        SpecError: the spec has an error, or has no such setting.
    """
    graph = query.read({})
    first = name.split("=")[0]
    attribute = query.attribute(first)
    if attribute is not None:
        declared = next(p for p in graph.nodes[attribute.node].op.parameters() if p.name == attribute.name)
        minimum = declared.argument.at_least or 0
        return range(minimum, 65)
    axes = input_axes(graph.inputs)
    if first in graph.variables:
        current = graph.variables[first]
    elif first in axes:
        node, axis = axes[first]
        current = graph.inputs[node][axis]
        return range(1, 4 * current + 1)
    else:
        query.read({first: 1})  # raises an error: there is no such setting
        return None
    if not is_plain(current) or current <= 0:
        return None
    if _is_structural(query, name):
        return range(1, 65)
    hundredth = Fraction(current, 100)
    return steps(hundredth, hundredth, 200) if current <= 2 else range(1, 4 * int(current) + 1)


def _is_structural(query: ConfigurationQuery, name: str) -> bool:
    """Return whether the structure of the network depends on a setting, which then cannot be an array."""
    try:
        query.read({name: GridEvaluation((2,)).numbers([1, 2], 0)})
    except NeedsPlain:
        return True
    return False
