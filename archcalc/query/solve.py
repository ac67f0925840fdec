"""The values of one setting, or of several together, for which a condition holds.

Every combination of their values is tried, many at once as arrays, so no assumption is made about how a quantity
depends on a setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from math import prod
from typing import Any, NamedTuple

from archcalc.graph import input_axes
from archcalc.numeric import PlainNumberRequired, is_plain
from archcalc.numeric.arrays import GridEvaluation
from archcalc.numeric.progressions import Progression, progression
from archcalc.query.conditions import holds, side_value
from archcalc.query.configurations import ConfigurationQuery
from archcalc.query.grid import GridAxis
from archcalc.query.sweep import Example, ImpossibleConfiguration, Refusal, SweepSubject, sweep
from archcalc.spec.calls import argument_words
from archcalc.spec.errors import fail
from archcalc.spec.numerals import FIELD_WORDS
from archcalc.spec.ranges import read_values
from archcalc.spec.syntax import Condition, Name, Relation, names_in

MAX_VALUES = 1_000_000
"""The maximum number of values of a setting, or of combinations of several, that are tried."""
MAX_BATCH = 4096
"""The largest batch that is tried if no values are given."""


class Sample(NamedTuple):
    """The value of each setting, and the values of the quantities there."""

    values: tuple[Any, ...]
    measured: tuple[Any, ...]


class SolutionInterval(NamedTuple):
    """Consecutive values of the last setting that are all solutions, for the same values of those before it."""

    first: Sample
    last: Sample
    number: int
    """How many values there are."""


@dataclass(frozen=True)
class Solution:
    """The values for which a condition holds."""

    intervals: tuple[SolutionInterval, ...]
    nearest: Sample | None
    """If there is no solution, the sample closest to satisfying the condition; ``None`` if no value is possible."""
    tried: int
    """How many values, or combinations of several, were tried."""
    impossible: Counter[Refusal]
    examples: dict[Refusal, Example]
    extremes: tuple[tuple[Any, Any] | None, ...]
    """The minimum and the maximum of each quantity over the range; ``None`` for one that is not a single number."""


def solve(query: ConfigurationQuery, axes: Sequence[GridAxis], condition: Condition) -> Solution:
    """Try every combination of the values of axes.

    Args:
        query: the spec and the names to evaluate (at least those in the condition).
        axes: the settings, each with its values.
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
    for block in sweep(subject, axes):
        impossible += block.impossible
        examples = block.examples | examples
        if block.columns is not None:
            columns = [column.tolist() for column in block.columns]
            values, held, measured = columns[: len(axes)], columns[len(axes)], columns[len(axes) + 1 :]
            rows = zip(*measured, strict=True) if measured else repeat(())
            points += [Sample(each, row) for each, row in zip(zip(*values, strict=True), rows, strict=False)]
            truths += held
    if not points and query.absent is not None:
        raise query.absent
    return Solution(
        intervals=tuple(_intervals(axes, points, truths)),
        nearest=None if any(truths) else _nearest(query, axes, points, condition),
        tried=prod(len(axis.values) for axis in axes),
        impossible=impossible,
        examples=examples,
        extremes=tuple(_extremes([point.measured[column] for point in points]) for column in range(len(query.names))),
    )


def _intervals(axes: Sequence[GridAxis], points: list[Sample], truths: list[bool]) -> list[SolutionInterval]:
    """Return maximal runs of consecutive solutions; impossible values separate them."""
    numbers = [{value: number for number, value in enumerate(axis.values)} for axis in axes]
    placed = sorted(
        (tuple(known[value] for known, value in zip(numbers, point.values, strict=True)), index)
        for index, (point, truth) in enumerate(zip(points, truths, strict=True))
        if truth
    )
    found: list[SolutionInterval] = []
    before: tuple[int, ...] | None = None
    for place, index in placed:
        point = points[index]
        if before is not None and place == (*before[:-1], before[-1] + 1):
            found[-1] = found[-1]._replace(last=point, number=found[-1].number + 1)
        else:
            found.append(SolutionInterval(point, point, 1))
        before = place
    return found


def _nearest(
    query: ConfigurationQuery, axes: Sequence[GridAxis], points: list[Sample], condition: Condition
) -> Sample | None:
    """Return the sample closest to satisfying the condition; of several, the last."""

    def distance(point: Sample) -> Fraction | float:
        settings = zip(axes, point.values, strict=True)
        known: Mapping[str, Any] = {part: value for axis, value in settings for part in axis.name.split("=")}
        measured = {name.name: each for name, each in zip(query.names, point.measured, strict=True)}
        return _violation(condition, lambda name: known.get(name.name, measured.get(name.name, name.name)))

    return min(reversed(points), key=distance, default=None)


def _violation(condition: Condition, lookup: Callable[[Name], Any]) -> Fraction | float:
    """Return by how much a condition is violated, relative to the required values; 0 if it holds."""
    if holds(condition, lookup):
        return 0
    if isinstance(condition, Relation):
        sides = side_value(condition.left, lookup), side_value(condition.right, lookup)
        left, right = (side if isinstance(side, tuple) else (side,) for side in sides)
        if len(left) != len(right) or not all(map(is_plain, (*left, *right))):
            return float("inf")
        return sum(Fraction(abs(a - b), max(abs(b), 1)) for a, b in zip(left, right, strict=True))
    violations = [_violation(operand, lookup) for operand in condition.operands]
    return min(violations) if condition.word == "or" else sum(violations) if condition.word == "and" else 1


def _extremes(values: list[Any]) -> tuple[Any, Any] | None:
    return (min(values), max(values)) if values and all(map(is_plain, values)) else None


def read_axes(query: ConfigurationQuery, written: Sequence[str]) -> list[GridAxis]:
    """Return the settings that vary, with their values; each is written ``NAME`` or ``NAME=VALUES``.

    Raises:
        SpecError: they cannot be read, or have too many values.
    """
    axes = [_read_axis(query, each) for each in written]
    parts = [part for axis in axes for part in axis.name.split("=")]
    for part in parts:
        if parts.count(part) > 1:
            fail("duplicate", f"'{part[:40]}' varies twice", origin="--vary")
    query.require_batches(axes)
    if prod(len(axis.values) for axis in axes) > MAX_VALUES:
        hint = "give the values to try: --vary NAME=START:STOP:STEP"
        fail("limit", f"more than {MAX_VALUES:,} combinations", hint=hint, origin="--vary")
    return axes


def split_names(written: str) -> tuple[list[str], str]:
    """Return the names of ``NAME`` or ``NAME=VALUES``, and the values as written; ``H=W`` are two names."""
    *names, last = [part.strip() for part in written.split("=")]
    if names and (not last[:1].isalpha() or "," in last):
        return names, last
    return [*names, last], ""


def _read_axis(query: ConfigurationQuery, written: str) -> GridAxis:
    names, values_written = split_names(written)
    origin = f"--vary {written[:40]}"
    name = "=".join(names)
    if not all(names) or written.strip().endswith("="):
        fail("argument", f"a setting must be written NAME or NAME=VALUES, got '{written[:60]}'", origin=origin)
    if values_written:
        given = read_values(f"--vary {name}", values_written, query.limits)
        if len(given) > MAX_VALUES:
            fail("limit", f"more than {MAX_VALUES:,} values", origin=origin)
        return GridAxis(name, given)
    hint = f"give the values to try: --vary {name}=1:100"
    try:
        values = default_values(query, name)
    except ImpossibleConfiguration as refused:
        fail("shape", str(refused), hint=hint, origin=origin)
    if values is None:
        fail("argument", f"'{name}' is not a number", hint=hint, origin=origin)
    return GridAxis(name, values)


def names_to_measure(axes: Sequence[GridAxis], condition: Condition, further: Sequence[Name] = ()) -> list[Name]:
    """Return the quantities and settings in a condition, and further ones, without those that vary."""
    varied = {part for axis in axes for part in axis.name.split("=")}
    wanted = {name.name: name for name in (*names_in(condition), *further)}
    words = (*FIELD_WORDS, *argument_words())
    return [name for text, name in wanted.items() if text not in varied and ("." in text or text not in words)]


def default_values(query: ConfigurationQuery, name: str) -> range | Progression | None:
    """Return the values of a setting to try if no range is given; ``None`` if the setting is not a number.

    A variable that determines the structure (a repeat count) ranges from 1 to 64. Any other variable of at most 2 in
    the spec is considered a multiplier: it ranges up to twice its value in steps of a hundredth of its value. A larger
    variable, or an input size, ranges from 1 to four times its value, an attribute of a layer from its minimum to 64,
    and the size of the batch from 1 to `MAX_BATCH`.

    Raises:
        ImpossibleConfiguration: the network does not exist as written.
        SpecError: the spec has an error, or has no such setting.
    """
    graph = query.read({})
    first = name.split("=")[0]
    if query.is_batch(first):
        return range(1, MAX_BATCH + 1)
    attribute = query.attribute(first)
    if attribute is not None:
        declared = next(p for p in graph.nodes[attribute.node].op.parameters() if p.name == attribute.name)
        minimum = declared.argument.at_least or 0
        return range(minimum, 65)
    axes = input_axes(graph.inputs, graph.axis_names)
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
    return progression(hundredth, hundredth, 200) if current <= 2 else range(1, 4 * int(current) + 1)


def _is_structural(query: ConfigurationQuery, name: str) -> bool:
    """Return whether the structure of the network depends on a setting, which then cannot be an array."""
    try:
        query.read({name: GridEvaluation((2,)).numbers([1, 2], 0)})
    except PlainNumberRequired:
        return True
    return False
