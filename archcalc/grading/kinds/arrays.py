"""Questions whose correct answer is an array that is known: its numbers are compared one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from archcalc.arrays.texts import DIGITS, float_text, shape_text
from archcalc.arrays.written_arrays import Shape, WrittenArray, WrittenArrayError, fits
from archcalc.claims.claim import Verdict
from archcalc.diagnosis.arrays.elements import Element, FlatArray, Real, is_finite, is_within
from archcalc.diagnosis.arrays.explain import explain_array
from archcalc.diagnosis.arrays.outcomes import ArrayOutcome, rearrangement_outcomes
from archcalc.grading.kinds.base import (
    CORRECT,
    AnswerResult,
    WorkedEntry,
    WrongEntry,
    reason_for,
    unreadable_result,
    wrong_result,
)
from archcalc.grading.kinds.written_arrays import read_elements
from archcalc.spec.errors import Text, fail, whole_text
from archcalc.spec.numerals import WrittenNumber, read_number

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.steps import RequestedArray
    from archcalc.diagnosis.arrays.worked_numbers import WorkedNumber

MAX_NAMED = 4
"""The maximum number of wrong entries that the feedback names; it counts the others."""
MAX_WORKED = 3
"""The maximum number of wrong entries that are worked out."""
MAX_INTEGER = 10**15
"""The size from which integers are rounded."""
MAX_SHOWN = 100
"""The maximum number of elements of an array that are written out."""


@dataclass(frozen=True, eq=False)
class KnownArray:
    """An array that is known, and what it would be under known mistakes."""

    elements: FlatArray
    tolerance: WrittenNumber | None
    """The distance that an entry may have from the correct one; ``None`` for that of its last digit."""
    outcomes: Callable[[], Sequence[ArrayOutcome]]
    """Returns the arrays under mistakes, which are not computed before an answer is wrong."""
    rounding: tuple[Fraction, ...] = ()
    """The distance that each correct entry may have from the true one, if the key rounds it."""
    working: Callable[[Shape], WorkedNumber | None] | None = None
    """Returns how the entry with an index is worked out; ``None`` if that takes too long."""
    step: RequestedArray | None = None
    """What the array is computed from, if a later question may start from it."""

    @property
    def correct(self) -> str:
        return array_text(self.elements)

    def judge(self, answer: str) -> AnswerResult:
        """Judge an array, entry by entry."""
        try:
            given = read_elements(answer)
        except WrittenArrayError as error:
            return unreadable_result(str(error))
        fitting = fits(given.shape, self.elements.shape)
        off = self._wrong_entries(given) if fitting else ()
        if fitting and not off:
            return CORRECT
        worked = tuple(self._worked(each) for each in off[:MAX_WORKED]) if self.working is not None else ()
        explanations = explain_array(given, self.elements, self.outcomes(), self.tolerance)
        if explanations:
            return AnswerResult(Verdict.EXPLAINED, explanations=explanations, entries=off, worked=worked)
        if not fitting:
            return wrong_result(
                reason_for(
                    "matrix-size",
                    right="x".join(map(str, _shown(self.elements.shape))) or "1",
                    given=given.description(),
                )
            )
        named = [
            reason_for("entry", place=each.place, given=each.given, right=each.correct) for each in off[:MAX_NAMED]
        ]
        hints = [reason_for("entry-wrong", place=each.place, given=each.given) for each in off[:MAX_NAMED]]
        more = [reason_for("entries-differ", count=str(len(off)))] if len(off) > 1 else []
        return wrong_result(*named, *more, hints=(*hints, *more))._replace(entries=off, worked=worked)

    def _worked(self, entry: WrongEntry) -> WorkedEntry:
        assert self.working is not None
        return WorkedEntry(entry.place, partial(self.working, entry.at))

    def _wrong_entries(self, given: WrittenArray[Element]) -> tuple[WrongEntry, ...]:
        rounding = self.rounding or (Fraction(0),) * len(self.elements.numbers)
        found = []
        for place, (one, other, rounded) in enumerate(zip(given.numbers, self.elements.numbers, rounding, strict=True)):
            if is_within(one, other, self.tolerance) or (rounded and is_within(Element(other, rounded), one.value)):
                continue
            index = self.elements.index_of(place)
            counted = ", ".join(str(at + 1) for at in _shown_index(index, self.elements.shape))
            found.append(WrongEntry(counted or "1", number_text(one.value), number_text(other), index))
        return tuple(found)


def known_array(text: Text, tolerance: WrittenNumber | None) -> KnownArray:
    """Return an array that the key gives.

    Raises:
        SpecError: the text is not an array.
    """
    try:
        found = read_elements(text.value)
    except WrittenArrayError as error:
        fail("key", str(error), whole_text(text))
    elements = FlatArray(found.shape, tuple(each.value for each in found.numbers))
    rounding = tuple(each.tolerance for each in found.numbers)
    return KnownArray(elements, tolerance, lambda: rearrangement_outcomes(elements), rounding)


def read_tolerance(text: Text | None) -> WrittenNumber | None:
    """Return the tolerance of a question.

    Raises:
        SpecError: it is not a number.
    """
    if text is None:
        return None
    try:
        return read_number(text.value)
    except ValueError as error:
        fail("key", str(error), whole_text(text))


def array_text(elements: FlatArray) -> str:
    """Return an array as nested lists, or its shape if it is large."""
    if len(elements.numbers) > MAX_SHOWN:
        return f"an array of {shape_text(elements.shape)}"
    return _nested(_shown(elements.shape), [number_text(number) for number in elements.numbers])


def number_text(number: Real) -> str:
    """Return a number as text."""
    if not is_finite(number):
        return float_text(number)
    value = Fraction(number)
    if abs(value) >= MAX_INTEGER:
        return f"{Decimal(int(value)):.{DIGITS}g}"  # which may be larger than floats are
    return str(int(value)) if value.denominator == 1 else float_text(value)


def _nested(shape: Shape, texts: Sequence[str]) -> str:
    if not shape:
        return texts[0]
    size, step = shape[0], len(texts) // shape[0]
    return "[" + ", ".join(_nested(shape[1:], texts[at * step : (at + 1) * step]) for at in range(size)) + "]"


def _shown(shape: Shape) -> Shape:
    """Return a shape without the leading axes of size 1 before a vector or a matrix of rows."""
    leading = next((axis for axis, size in enumerate(shape) if size != 1), max(len(shape) - 1, 0))
    return shape[leading:]


def _shown_index(index: Shape, shape: Shape) -> Shape:
    return index[len(shape) - len(_shown(shape)) :]
