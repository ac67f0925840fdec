"""Answers that are correct for wrong answers to earlier questions about the numbers of the same network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from archcalc.arrays.written_arrays import WrittenArray, WrittenArrayError, fits
from archcalc.claims.claim import Verdict
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.arrays.explain import explain_array
from archcalc.diagnosis.arrays.outcomes import MAX_OPERATIONS, ArrayOutcome, operations_of
from archcalc.diagnosis.mistake import Prior
from archcalc.diagnosis.registry import FOLLOW_THROUGH
from archcalc.grading.kinds.arrays import KnownArray
from archcalc.grading.kinds.base import AnswerResult, PreparedQuestion
from archcalc.grading.kinds.written_arrays import read_elements

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.elements import Element, FlatArray
    from archcalc.diagnosis.arrays.steps import RequestedArray


class WrongAnswer(NamedTuple):
    """A wrong answer to an earlier question, from which later ones may start."""

    question: str
    step: RequestedArray
    given: WrittenArray[Element]

    def before(self, later: RequestedArray) -> RequestedArray | None:
        """Return a later step as it starts from the answer; see `RequestedArray.after`."""
        return later.after(self.step, [float(number.value) for number in self.given.numbers])


def as_start(question: str, prepared: PreparedQuestion, answer: str) -> WrongAnswer | None:
    """Return a wrong answer as one that later ones may start from; ``None`` if it has not the shape of the array."""
    if not isinstance(prepared, KnownArray) or prepared.step is None:
        return None
    try:
        given = read_elements(answer)
    except WrittenArrayError:
        return None
    return WrongAnswer(question, prepared.step, given) if fits(given.shape, prepared.elements.shape) else None


def with_follow_through(
    prepared: PreparedQuestion, answer: str, outcome: AnswerResult, earlier: Sequence[WrongAnswer]
) -> AnswerResult:
    """Return the outcome of a wrong answer, which may be correct for one earlier answer, or for all of them.

    Args:
        prepared: the question.
        answer: the answer.
        outcome: the outcome without regard to earlier answers.
        earlier: the earlier wrong answers, in the order of their questions.
    """
    if not earlier or not isinstance(prepared, KnownArray) or prepared.step is None:
        return outcome
    given = read_elements(answer)
    runs = MAX_OPERATIONS // operations_of(prepared.step.computation.graph)
    for found in islice(_outcomes(prepared, prepared.step, earlier), runs):
        explanations = explain_array(given, prepared.elements, [found], prepared.tolerance)
        if explanations:
            return outcome._replace(
                verdict=Verdict.FOLLOW_THROUGH, explanations=explanations, reasons=(), hints=(), code=""
            )
    return outcome


def _outcomes(prepared: KnownArray, step: RequestedArray, earlier: Sequence[WrongAnswer]) -> Iterator[ArrayOutcome]:
    """Yield the array for each earlier answer that changes it, the last one first, and for all of these together."""
    starts = list[WrongAnswer]()
    for each in reversed(earlier):
        after = each.before(step)
        elements = None if after is None else after.elements
        if elements is not None and elements != prepared.elements:
            starts.insert(0, each)
            yield _outcome([each], elements)
    if len(starts) > 1:
        together = step
        for each in starts:
            together = each.before(together) or together
        if (elements := together.elements) is not None:
            yield _outcome(starts, elements)


def _outcome(starts: Sequence[WrongAnswer], elements: FlatArray) -> ArrayOutcome:
    names = ", ".join(each.question for each in starts)
    return ArrayOutcome(Reason(FOLLOW_THROUGH, (("start", names),)), elements, Prior.COMMON)
