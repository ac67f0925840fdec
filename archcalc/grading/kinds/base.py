"""What all kinds of questions have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from archcalc.claims.claim import Explanation, Verdict
from archcalc.claims.feedback import Reason
from archcalc.grading.subjects import Subject

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.worked_numbers import WorkedNumber


class WrongEntry(NamedTuple):
    """An entry of an array that is not correct."""

    place: str
    """Its place, counted from 1: ``2, 3`` for the third number of the second row."""
    given: str
    correct: str
    at: tuple[int, ...]
    """Its index, counted from 0."""


class WorkedEntry(NamedTuple):
    """An entry of an array, with how it is worked out, which is computed where it is shown."""

    place: str
    """As in `WrongEntry`."""
    number: Callable[[], WorkedNumber | None]
    """Returns the number with its record; ``None`` if it takes too long."""


class AnswerResult(NamedTuple):
    """The result of judging one answer."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    """Why the answer is wrong."""
    hints: tuple[Reason, ...] = ()
    """The same without the correct answer, for students who may try again."""
    code: str = ""
    """The code of the mistake that explains it, if there is one."""
    error: str = ""
    """Why the answer cannot be read, with what is expected."""
    explanations: tuple[Explanation, ...] = ()
    """The mistakes that explain the answer, the likeliest first."""
    entries: tuple[WrongEntry, ...] = ()
    """The entries of an array that are not correct."""
    worked: tuple[WorkedEntry, ...] = ()
    """How some of them are worked out."""


class PreparedQuestion(Protocol):
    """A question whose correct answer is known."""

    @property
    def correct(self) -> str:
        """The correct answer, in words."""

    def judge(self, answer: str) -> AnswerResult:
        """Judge an answer."""


class QuestionKind(Protocol):
    """A question as the key states it."""

    @property
    def needs_network(self) -> bool:
        """Whether the question is about the networks of the key."""

    def prepare(self, subject: Subject) -> PreparedQuestion:
        """Find the correct answer.

        Raises:
            SpecError: the question cannot be asked; the error has its place in the key.
        """


CORRECT = AnswerResult(Verdict.EXACT)


def wrong_result(*reasons: Reason, hints: tuple[Reason, ...] | None = None, code: str = "") -> AnswerResult:
    """Return the outcome of a wrong answer; the hints are the reasons unless these reveal too much."""
    return AnswerResult(Verdict.WRONG, reasons, reasons if hints is None else hints, code)


def reason_for(code: str, **names: str) -> Reason:
    """Return a reason with the values for the words in braces of its sentence."""
    return Reason(code, tuple(names.items()))


def unreadable_result(error: str) -> AnswerResult:
    """Return the outcome of an answer that cannot be read, with what is expected."""
    return AnswerResult(Verdict.UNREADABLE, error=error)
