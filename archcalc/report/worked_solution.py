"""One number worked out: the numbers that it was computed from, and the steps that lead to it.

A step is an intermediate result that has a name in textbooks (a mean, a score), or the number itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.arrays.texts import DIGITS, shape_text
from archcalc.executor.loops.record import RecordedNumber, in_order
from archcalc.report.expressions import LATEX, TEXT, Expressions
from archcalc.report.matrices import MAX_COLUMNS, matrix_lines, number_text
from archcalc.terminal import display_width

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_MATRICES = 8
"""The maximum number of matrices of one array that are shown."""

Index = tuple[int, ...]


class WorkedStep(NamedTuple):
    """A step of a computation."""

    name: str
    number: RecordedNumber


@dataclass(frozen=True)
class ReadNumbers:
    """The numbers of one array that a number was computed from."""

    name: str
    indices: tuple[Index, ...]
    """Their indices in order, without repetitions."""


@dataclass(frozen=True)
class WorkedSolution:
    """One or several numbers with what they were computed from."""

    name: str
    """What is worked out: a layer, and the index of a number."""
    steps: tuple[WorkedStep, ...]
    """The steps in order; the last ones are the numbers themselves."""
    reads: tuple[ReadNumbers, ...]


def solution_of(name: str, numbers: Mapping[str, RecordedNumber]) -> WorkedSolution:
    """Return the steps that lead to numbers, and what they were computed from.

    Args:
        name: what is worked out.
        numbers: the numbers by their names.
    """
    order = in_order(numbers.values())
    read: dict[str, dict[Index, None]] = {}
    for each in order:
        if each.operands and not each.operation:
            array, index = each.operands
            read.setdefault(array, {})[index] = None
    reads = tuple(ReadNumbers(array, tuple(sorted(indices))) for array, indices in read.items())
    asked = {id(number) for number in numbers.values()}
    between = _by_stages([each for each in order if each.operation and each.name and id(each) not in asked], order)
    often = Counter(each.name for each in between)
    counts: Counter[str] = Counter()
    steps = []
    for each in between:
        counts[each.name] += 1
        steps.append(WorkedStep(f"{each.name} {counts[each.name]}" if often[each.name] > 1 else each.name, each))
    return WorkedSolution(name, (*steps, *(WorkedStep(own, number) for own, number in numbers.items())), reads)


def _by_stages(steps: Sequence[RecordedNumber], order: Sequence[RecordedNumber]) -> list[RecordedNumber]:
    """Return steps stage by stage: those that need no other step, those that need only these, and so on.

    Within a stage, steps of one name follow each other.

    Args:
        steps: the steps.
        order: all numbers, every one after its operands.
    """
    named = {id(step) for step in steps}
    stages: dict[int, int] = {}
    for each in order:
        operands = each.operands if each.operation else ()
        before = [stages[id(operand)] for operand in operands if isinstance(operand, RecordedNumber)]
        stages[id(each)] = max(before, default=0) + (id(each) in named)
    first: dict[tuple[int, str], int] = {}
    for place, step in enumerate(steps):
        first.setdefault((stages[id(step)], step.name), place)
    return sorted(steps, key=lambda step: (stages[id(step)], first[stages[id(step)], step.name]))


# --- text, Markdown, LaTeX ---


def worked_lines(result: WorkedSolution, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out: the arrays with the numbers that were read, then the steps."""
    for name, array, read in _arrays(result, arrays):
        yield from read_lines(name, array, read, digits=digits)
        yield ""
    yield from _equations(result, Expressions(TEXT, digits))


def worked_markdown(result: WorkedSolution, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out as Markdown, with formulas in LaTeX."""
    for name, array, read in _arrays(result, arrays):
        yield from ("```text", *read_lines(name, array, read, digits=digits), "```", "")
    yield from ("$$", *_aligned(result, digits), "$$")


def worked_latex(result: WorkedSolution, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out as LaTeX (with the package ``amsmath``)."""
    for name, array, read in _arrays(result, arrays):
        for place in sorted({index[:-2] for index in read})[:MAX_MATRICES]:
            label = _typeset(f"{name}[{', '.join(map(str, place))}]" if prod(array.shape[:-2]) > 1 else name)
            matrix = array[place] if array.ndim > 1 else array[None]
            cells = _boxed(matrix, _marked(array, read, place), digits)
            rows = [" & ".join(row).replace("inf", r"\infty") for row in cells]
            yield from (
                r"\[",
                rf"{label} = \begin{{pmatrix}}",
                *(rf"  {row} \\" for row in rows),
                r"\end{pmatrix}",
                r"\]",
            )
    yield from (r"\[", *_aligned(result, digits), r"\]")


def _arrays(result: WorkedSolution, arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array, tuple[Index, ...]]]:
    """Yield the arrays that were read, in the order of the layer, with the indices of the numbers that were read."""
    reads = {read.name: read.indices for read in result.reads}
    for name, array in arrays.items():
        if name in reads:
            yield name, array, reads[name]


def _equations(result: WorkedSolution, expressions: Expressions, equals: str = " = ") -> Iterator[str]:
    """Yield an equation for every step."""
    for name, number in result.steps:
        parts = [name, expressions.step(number), expressions.number(number)]
        yield equals.join(parts[:2] if parts[1] == parts[2] else parts)


def _aligned(result: WorkedSolution, digits: int) -> Iterator[str]:
    """Yield the lines of the steps as an aligned display of LaTeX."""
    named = replace(result, steps=tuple(WorkedStep(_typeset(name), number) for name, number in result.steps))
    yield r"\begin{aligned}"
    for equation in _equations(named, Expressions(LATEX, digits), " &= "):
        left, equals, right = equation.partition(" &= ")
        yield rf"  {left}{equals}{right.replace(' &= ', ' = ')} \\"
    yield r"\end{aligned}"


def _typeset(name: str) -> str:
    """Return a name as upright text in LaTeX."""
    escaped = re.sub(r"([_#$%&{}])", r"\\\1", name.replace("\\", r"\textbackslash "))
    return rf"\text{{{escaped}}}"


def read_lines(name: str, array: Array, read: Sequence[Index], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield an array as matrices, with the numbers that were read in brackets unless all of them were."""
    chosen = set(read)
    everything = len(chosen) == array.size
    yield f"{name}: {shape_text(array.shape)}" + (
        "" if everything else f", {len(chosen):,} of {array.size:,} numbers in brackets"
    )
    places = sorted({index[:-2] for index in chosen})
    for place in places[:MAX_MATRICES]:
        matrix = array[place] if array.ndim > 1 else array[None]
        marked = _marked(array, chosen, place)
        if prod(array.shape[:-2]) > 1:
            yield f"[{', '.join(map(str, place))}]:"
        yield from _marked_lines(matrix, marked, everything=everything, digits=digits)
    if len(places) > MAX_MATRICES:
        more = len(places) - MAX_MATRICES
        yield f"and {more:,} further {'matrix' if more == 1 else 'matrices'}"


def _marked(array: Array, read: Iterable[Index], place: Index) -> set[Index]:
    """Return the places, in one matrix of an array, of the numbers that were read; a vector is a matrix of one row."""
    return {index[len(place) :] if array.ndim > 1 else (0, *index) for index in read if index[:-2] == place}


def _boxed(matrix: Array, marked: set[Index], digits: int) -> Iterator[list[str]]:
    """Yield the rows of a matrix for LaTeX, with boxes around the marked numbers unless all of them are."""
    for y, row in enumerate(matrix):
        texts = [number_text(number, digits) for number in row]
        everything = len(marked) == matrix.size
        yield [rf"\boxed{{{text}}}" if (y, x) in marked and not everything else text for x, text in enumerate(texts)]


def _marked_lines(matrix: Array, marked: set[Index], *, everything: bool, digits: int) -> Iterator[str]:
    """Yield the rows of a matrix; of a large one, those around the marked numbers."""
    windows = []
    for axis, size in enumerate(matrix.shape):
        first, last = min(index[axis] for index in marked), max(index[axis] for index in marked)
        small = size <= MAX_COLUMNS
        windows.append(range(size) if small else range(max(first - 1, 0), min(last + 2, size, first + MAX_COLUMNS)))
    cells = []
    for y in windows[0]:
        texts = [number_text(matrix[y, x], digits) for x in windows[1]]
        if everything:
            cells.append(texts)
        else:
            pairs = zip(windows[1], texts, strict=True)
            cells.append([f"[{text}]" if (y, x) in marked else f"{text} " for x, text in pairs])
    width = max(display_width(text) for row in cells for text in row)
    if any(len(window) < size for window, size in zip(windows, matrix.shape, strict=True)):
        rows, columns = windows
        yield f"rows {rows[0]} to {rows[-1]}, columns {columns[0]} to {columns[-1]}:"
    yield from matrix_lines(cells, width)


def record(result: WorkedSolution) -> dict[str, Any]:
    """Return a number worked out as data, with numbers as texts."""
    expressions = Expressions()
    return {
        "number": result.name,
        "reads": [{"array": read.name, "indices": [list(index) for index in read.indices]} for read in result.reads],
        "steps": [
            {"name": name, "expression": expressions.step(number), "value": expressions.number(number)}
            for name, number in result.steps
        ],
    }
