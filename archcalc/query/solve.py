"""The inverse question: for which values of one setting does a condition hold?

Every value in a range is tried, all of them at once, so nothing is assumed of how a quantity depends on the setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.graph import input_axes
from archcalc.numeric import NeedsPlain, is_plain
from archcalc.numeric.arrays import Run
from archcalc.numeric.steps import Steps, steps
from archcalc.query.conditions import holds, value
from archcalc.query.configurations import Question
from archcalc.query.grid import Axis
from archcalc.query.sweep import Example, Refusal, Subject, sweep
from archcalc.spec.syntax import Condition, Name, Relation

MOST_VALUES = 1_000_000
"""Values of the setting that are tried."""


class Point(NamedTuple):
    """A value of the setting, and what the quantities of the condition are there."""

    value: Any
    measured: tuple[Any, ...]


class Interval(NamedTuple):
    """Values of the setting, next to each other in its range, that all are solutions."""

    first: Point
    last: Point
    values: int


@dataclass(frozen=True)
class Solution:
    """Where a condition holds."""

    intervals: tuple[Interval, ...]
    nearest: Point | None
    """Without any solution, the value that misses the condition by least; ``None`` if none is possible at all."""
    tried: int
    impossible: Counter[Refusal]
    examples: dict[Refusal, Example]
    extremes: tuple[tuple[Any, Any] | None, ...]
    """The least and the largest of each quantity over the range; ``None`` for what is not one number."""


def solve(question: Question, axis: Axis, condition: Condition) -> Solution:
    """Try every value of an axis.

    Args:
        question: the spec; its names are those that are measured (at least those of the condition).
        axis: the setting and its values.
        condition: what is to hold.

    Raises:
        SpecError: the spec is wrong, or knows none of the names.
    """
    plain = question.subject()
    subject = Subject(
        plain.read,
        lambda graph, settings: [holds(condition, question.lookup(graph, settings)), *plain.measure(graph, settings)],
    )
    points: list[Point] = []
    truths: list[bool] = []
    impossible: Counter[Refusal] = Counter()
    examples: dict[Refusal, Example] = {}
    for block in sweep(subject, [axis]):
        impossible += block.impossible
        examples = block.examples | examples
        if block.columns is not None:
            values, held, *measured = (column.tolist() for column in block.columns)
            points += [Point(each, tuple(row)) for each, *row in zip(values, *measured, strict=True)]
            truths += held
    if not points and question.absent is not None:
        raise question.absent
    return Solution(
        intervals=tuple(_intervals(axis, points, truths)),
        nearest=None if any(truths) else _nearest(question, axis, points, condition),
        tried=len(axis.values),
        impossible=impossible,
        examples=examples,
        extremes=tuple(
            _extremes([point.measured[column] for point in points]) for column in range(len(question.names))
        ),
    )


def _intervals(axis: Axis, points: list[Point], truths: list[bool]) -> list[Interval]:
    """Solutions next to each other; an impossible value separates them."""
    found: list[Interval] = []
    waiting = zip(points, truths, strict=True)
    point, truth = next(waiting, (None, False))
    run: list[Point] = []
    for each in axis.values:
        here = point is not None and point.value == each
        if here and truth:
            assert point is not None
            run.append(point)
        elif run:
            found.append(Interval(run[0], run[-1], len(run)))
            run = []
        if here:
            point, truth = next(waiting, (None, False))
    return [*found, Interval(run[0], run[-1], len(run))] if run else found


def _nearest(question: Question, axis: Axis, points: list[Point], condition: Condition) -> Point | None:
    """The point that misses the condition by least; of several, the last."""
    parts = axis.name.split("=")

    def distance(point: Point) -> Fraction | float:
        known: Mapping[str, Any] = dict.fromkeys(parts, point.value)
        measured = {name.name: each for name, each in zip(question.names, point.measured, strict=True)}
        return _miss(condition, lambda name: known.get(name.name, measured.get(name.name, name.name)))

    return min(reversed(points), key=distance, default=None)


def _miss(condition: Condition, lookup: Callable[[Name], Any]) -> Fraction | float:
    """By how much a condition is missed, relative to the values that are asked for; 0 where it holds."""
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


def default_values(question: Question, name: str) -> range | Steps | None:
    """The values to try of a setting where no range is given; ``None`` if it is not a number.

    A variable that the structure depends on (a repeat count) goes from 1 to 64. Any other (as the spec sets it) of at
    most 2 is taken for a multiplier and goes up to its double in hundredths of itself; a larger one, and the size of an
    input, from 1 to four times as much; the attribute of a layer from its least to 64.

    Raises:
        Refused: there is no network as it is.
        SpecError: the spec is wrong, or has no such setting.
    """
    graph = question.read({})
    first = name.split("=")[0]
    attribute = question.attribute(first)
    if attribute is not None:
        declared = next(p for p in graph.nodes[attribute.node].op.parameters() if p.name == attribute.name)
        least = declared.argument.at_least or 0
        return range(least, 65)
    axes = input_axes(graph.inputs)
    if first in graph.variables:
        current = graph.variables[first]
    elif first in axes:
        node, axis = axes[first]
        current = graph.inputs[node][axis]
        return range(1, 4 * current + 1)
    else:
        question.read({first: 1})  # says that there is none
        return None
    if not is_plain(current) or current <= 0:
        return None
    if _is_structural(question, name):
        return range(1, 65)
    hundredth = Fraction(current, 100)
    return steps(hundredth, hundredth, 200) if current <= 2 else range(1, 4 * int(current) + 1)


def _is_structural(question: Question, name: str) -> bool:
    """Whether the structure of the network depends on a setting: then it cannot be an array."""
    try:
        question.read({name: Run((2,)).numbers([1, 2], 0)})
    except NeedsPlain:
        return True
    return False
