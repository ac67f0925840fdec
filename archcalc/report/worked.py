"""One number worked out: the numbers that it was computed from, and the steps that lead to it.

A step is an intermediate result that has a name in textbooks (a mean, a score), or the number itself; within an
expression, earlier steps stand with their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.arrays.texts import DIGITS, shape_text
from archcalc.executor.loops.record import Recorded
from archcalc.report.matrices import MAX_COLUMNS, matrix_lines, number_text
from archcalc.terminal import display_width

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_TERMS = 64
"""The most terms of a sum, or operands of a maximum, that are written in full."""
ENDS = (6, 2)
"""How many terms of a longer one are written at its start and at its end."""
MAX_MATRICES = 8
"""The most matrices of one array that are shown."""

Index = tuple[int, ...]


class Step(NamedTuple):
    """A step of a computation."""

    name: str
    number: Recorded


@dataclass(frozen=True)
class Read:
    """The numbers of one array that a number was computed from."""

    name: str
    indices: tuple[Index, ...]
    """Their indices in order, without repetitions."""


@dataclass(frozen=True)
class Worked:
    """One number with what it was computed from."""

    name: str
    """The number: the layer and the index."""
    steps: tuple[Step, ...]
    """The steps in order; the last one is the number itself."""
    reads: tuple[Read, ...]


def worked(name: str, number: Recorded) -> Worked:
    """Return the steps that lead to a number, and the numbers that it was computed from."""
    order = _in_order(number)
    read: dict[str, dict[Index, None]] = {}
    for each in order:
        if not each.operation and each.operands:  # a number without operands is a constant
            array, index = each.operands
            read.setdefault(array, {})[index] = None
    reads = tuple(Read(array, tuple(sorted(indices))) for array, indices in read.items())
    found = [each for each in order if each.operation and each.name and each is not number]
    often = Counter(each.name for each in found)
    numbers: Counter[str] = Counter()
    steps = []
    for each in found:
        numbers[each.name] += 1
        steps.append(Step(f"{each.name} {numbers[each.name]}" if often[each.name] > 1 else each.name, each))
    return Worked(name, (*steps, Step(name, number)), reads)


def _in_order(number: Recorded) -> list[Recorded]:
    """Return a number and all that it was computed from, every one after its operands."""
    found: list[Recorded] = []
    seen: set[int] = set()
    waiting = [(number, False)]
    while waiting:  # records may be deeper than Python's stack
        each, done = waiting.pop()
        if done:
            found.append(each)
        elif id(each) not in seen:
            seen.add(id(each))
            waiting.append((each, True))
            operands = each.operands if each.operation else ()
            waiting += [(operand, False) for operand in reversed(operands) if isinstance(operand, Recorded)]
    return found


# --- expressions ---


class Notation(NamedTuple):
    """How formulas are written."""

    times: str
    minus: str
    dots: str
    fraction: Callable[[str, str], str] | None
    """A fraction of two expressions; ``None`` if it is written with a stroke."""
    root: Callable[[str], str]
    raised: Callable[[str, str], str]
    function: Callable[[str, str], str]
    brackets: tuple[str, str]


TEXT = Notation(
    times="·",
    minus="−",
    dots="…",
    fraction=None,
    root=lambda x: f"√({x})",
    raised=lambda base, exponent: f"{base}²" if exponent == "2" else f"{base}^{exponent}",
    function=lambda name, x: f"{name}({x})",
    brackets=("(", ")"),
)
LATEX = Notation(
    times=r" \cdot ",
    minus="-",
    dots=r"\dots",
    fraction=lambda a, b: rf"\frac{{{a}}}{{{b}}}",
    root=lambda x: rf"\sqrt{{{x}}}",
    raised=lambda base, exponent: f"{base}^{{{exponent}}}",
    function=lambda name, x: rf"\operatorname{{{name}}}\left({x}\right)",
    brackets=(r"\left(", r"\right)"),
)
SUM, PRODUCT, POWER, ATOM = range(4)
"""How strongly the outermost operation of an expression binds; a sign binds as a sum does."""
FUNCTIONS = {
    "exp": "exp",
    "log": "ln",
    "tanh": "tanh",
    "erf": "erf",
    "floor": "floor",
    "sin": "sin",
    "cos": "cos",
    "max": "max",
    "min": "min",
    "abs": "abs",
}


class Written(NamedTuple):
    """An expression as text."""

    text: str
    strength: int


class Expressions:
    """Expressions of recorded numbers as text."""

    def __init__(self, notation: Notation = TEXT, digits: int = DIGITS) -> None:
        self.notation, self.digits = notation, digits

    def number(self, value: Any) -> str:
        """Return a number as text."""
        text = number_text(value.value if isinstance(value, Recorded) else value, self.digits)
        return text.replace("-", self.notation.minus)

    def step(self, number: Recorded) -> str:
        """Return the expression that gave a number; only its value if it was given or passed on."""
        return self.expression(number).text if number.operation else self.number(number)

    def operand(self, number: Any) -> Written:
        """Return an operand: an earlier step or a given number as its value, anything else as its expression."""
        if isinstance(number, Recorded) and number.operation and not number.name:
            return self.expression(number)
        text = self.number(number)
        if " " in text or text.startswith(self.notation.minus):
            return Written(text, SUM)
        return Written(text, PRODUCT if "/" in text or "·" in text else ATOM)

    def expression(self, number: Recorded) -> Written:
        """Return the operation that gave a number."""
        notation, operation = self.notation, number.operation
        if operation in ("+", "-"):
            return self.sum(number)
        if operation == "*":
            return self.product(number)
        if operation == "/":
            return self.quotient(*map(self.operand, number.operands))
        if operation == "^":
            base, exponent = map(self.operand, number.operands)
            return Written(notation.raised(self.within(base, ATOM), self.within(exponent, ATOM)), POWER)
        if operation == "neg":
            (only,) = map(self.operand, number.operands)
            return Written(f"{notation.minus}{self.within(only, PRODUCT)}", SUM)
        if operation == "sqrt":
            return Written(notation.root(self.operand(number.operands[0]).text), ATOM)
        operands = _chain(number, (operation,)) if operation in ("max", "min") else number.operands
        texts = [self.operand(each).text for each in operands]
        return Written(notation.function(FUNCTIONS[operation], ", ".join(self.shortened(texts))), ATOM)

    def sum(self, number: Recorded) -> Written:
        """Return a sum or a difference."""
        terms = [self.term(sign, each) for sign, each in _terms(number)]
        if len(terms) > MAX_TERMS:
            terms = [*terms[: ENDS[0]], f" + {self.notation.dots}", *terms[-ENDS[1] :]]
        text = "".join(terms)
        first = text.removeprefix(" + ")
        if text.startswith(" - "):
            first = self.notation.minus + text[3:]
        return Written(first.replace(" - ", f" {self.notation.minus} "), SUM)

    def term(self, sign: str, number: Any) -> str:
        """Return a term with the sign before it."""
        written = self.operand(number)
        return f" {sign} {self.within(written, PRODUCT)}"

    def product(self, number: Recorded) -> Written:
        """Return a product; that of a number with itself is a square."""
        one, other = number.operands
        if one is other:
            return Written(self.notation.raised(self.within(self.operand(one), ATOM), "2"), POWER)
        factors = [self.within(self.operand(each), POWER) for each in _chain(number, ("*",))]
        return Written(self.notation.times.join(factors), PRODUCT)

    def quotient(self, one: Written, other: Written) -> Written:
        """Return a fraction."""
        if self.notation.fraction is not None:
            return Written(self.notation.fraction(one.text, other.text), ATOM)
        return Written(f"{self.within(one, PRODUCT)}/{self.within(other, POWER)}", PRODUCT)

    def within(self, written: Written, strength: int) -> str:
        """Return an operand, in brackets if it binds less strongly."""
        if written.strength >= strength:
            return written.text
        opening, closing = self.notation.brackets
        return f"{opening}{written.text}{closing}"

    def shortened(self, texts: Sequence[str]) -> list[str]:
        """Return the texts of operands, without those in the middle if there are many."""
        if len(texts) <= MAX_TERMS:
            return [*texts]
        return [*texts[: ENDS[0]], self.notation.dots, *texts[-ENDS[1] :]]


def _terms(number: Recorded) -> list[tuple[str, Any]]:
    """Return the terms of a sum with their signs, in order."""
    found: list[tuple[str, Any]] = []
    each: Any = number
    while isinstance(each, Recorded) and each.operation in ("+", "-") and (each is number or not each.name):
        before, last = each.operands
        found.append((each.operation, last))
        each = before
    return [("+", each), *reversed(found)]


def _chain(number: Recorded, operations: Sequence[str]) -> list[Any]:
    """Return the operands of operations of one kind that follow each other, in order."""
    found: list[Any] = []
    each: Any = number
    while isinstance(each, Recorded) and each.operation in operations and (each is number or not each.name):
        if len(each.operands) == 2 and each.operands[0] is each.operands[1] and each is not number:
            break  # a square stays one
        before, last = each.operands
        found.append(last)
        each = before
    return [each, *reversed(found)]


# --- text, Markdown, LaTeX ---


def worked_lines(result: Worked, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out: the arrays with the numbers that were read, then the steps."""
    for name, array, read in _arrays(result, arrays):
        yield from read_lines(name, array, read, digits=digits)
        yield ""
    yield from _equations(result, Expressions(TEXT, digits))


def worked_markdown(result: Worked, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out as Markdown, with formulas in LaTeX."""
    for name, array, read in _arrays(result, arrays):
        yield from ("```text", *read_lines(name, array, read, digits=digits), "```", "")
    yield from ("$$", *_aligned(result, digits), "$$")


def worked_latex(result: Worked, arrays: Mapping[str, Array], *, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of a number worked out as LaTeX (with the package ``amsmath``)."""
    for name, array, read in _arrays(result, arrays):
        for place in sorted({index[:-2] for index in read})[:MAX_MATRICES]:
            label = _typeset(f"{name}[{', '.join(map(str, place))}]" if prod(array.shape[:-2]) > 1 else name)
            matrix = array[place] if array.ndim > 1 else array[None]
            rows = [" & ".join(number_text(number, digits) for number in row) for row in matrix]
            yield from (
                r"\[",
                rf"{label} = \begin{{pmatrix}}",
                *(rf"  {row} \\" for row in rows),
                r"\end{pmatrix}",
                r"\]",
            )
    yield from (r"\[", *_aligned(result, digits), r"\]")


def _arrays(result: Worked, arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array, tuple[Index, ...]]]:
    """Yield the arrays that were read, in the order of the layer, with the indices of the numbers that were read."""
    reads = {read.name: read.indices for read in result.reads}
    for name, array in arrays.items():
        if name in reads:
            yield name, array, reads[name]


def _equations(result: Worked, expressions: Expressions, equals: str = " = ") -> Iterator[str]:
    """Yield an equation for every step."""
    for name, number in result.steps:
        parts = [name, expressions.step(number), expressions.number(number)]
        yield equals.join(parts[:2] if parts[1] == parts[2] else parts)


def _aligned(result: Worked, digits: int) -> Iterator[str]:
    """Yield the lines of the steps as an aligned display of LaTeX."""
    named = replace(result, steps=tuple(Step(_typeset(name), number) for name, number in result.steps))
    yield r"\begin{aligned}"
    for equation in _equations(named, Expressions(LATEX, digits), " &= "):
        left, equals, right = equation.partition(" &= ")
        yield rf"  {left}{equals}{right.replace(' &= ', ' = ')} \\"
    yield r"\end{aligned}"


def _typeset(name: str) -> str:
    """Return a name as upright text in LaTeX."""
    escaped = name.replace("_", r"\_")
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
        marked = {index[len(place) :] if array.ndim > 1 else (0, *index) for index in chosen if index[:-2] == place}
        if prod(array.shape[:-2]) > 1:
            yield f"[{', '.join(map(str, place))}]:"
        yield from _marked_lines(matrix, marked, everything=everything, digits=digits)
    if len(places) > MAX_MATRICES:
        yield f"and {len(places) - MAX_MATRICES:,} further matrices"


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


def record(result: Worked) -> dict[str, Any]:
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
