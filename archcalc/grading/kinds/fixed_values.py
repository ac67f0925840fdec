"""Questions whose correct answer the key gives: a number, a shape, a matrix, or words."""

from __future__ import annotations

from dataclasses import dataclass

from archcalc.claims.claim import PASSING
from archcalc.claims.claimed_value import ClaimedValue, read_claimed_value, without_hedge
from archcalc.claims.compare import compare, interpret
from archcalc.diagnosis.arrays.elements import is_within
from archcalc.grading.kinds.arrays import known_array, read_tolerance
from archcalc.grading.kinds.base import CORRECT, AnswerResult, PreparedQuestion, unreadable_result, wrong_result
from archcalc.grading.subjects import Subject
from archcalc.query.targets import Actual
from archcalc.spec.errors import Text, fail, whole_text
from archcalc.spec.numerals import WrittenNumber


@dataclass(frozen=True)
class FixedValue:
    """A value that the key gives, with the distance that an answer may have from it."""

    expected: Text
    tolerance: Text | None = None
    is_array: bool = False

    needs_network = False

    def prepare(self, subject: Subject) -> PreparedQuestion:
        """Read the value."""
        margin = read_tolerance(self.tolerance)
        if self.is_array:
            return known_array(self.expected, margin)
        written = self.expected.value.strip()
        try:
            value = read_claimed_value(written)
        except ValueError:
            return KnownWords(written)
        if value.relation != "=" or value.other:
            fail("key", "the value must be a number, a shape, a matrix or words", whole_text(self.expected))
        return KnownValue(written, value, margin)


@dataclass(frozen=True)
class KnownValue:
    """A number or shape that the key gives."""

    correct: str
    value: ClaimedValue
    margin: WrittenNumber | None

    def judge(self, answer: str) -> AnswerResult:
        """Judge a number or shape."""
        numbers = self.value.numbers
        actual = Actual(
            tuple(number.value for number in numbers), self.correct, "shape" if len(numbers) > 1 else "count"
        )
        try:
            found = interpret(without_hedge(answer), actual)
        except ValueError as error:
            return unreadable_result(str(error))
        if found[0].relation != "=" or found[0].other:
            return unreadable_result(f"an answer must be a value, got '{answer[:40]}'")
        if self.margin is not None:
            given = [each for each in found if len(each.numbers) == len(numbers)]
            for each in given:
                if all(
                    is_within(one, other.value, self.margin) for one, other in zip(each.numbers, numbers, strict=True)
                ):
                    return CORRECT
        verdict = compare(found, actual)
        if verdict in PASSING:
            return AnswerResult(verdict)
        return wrong_result()


@dataclass(frozen=True)
class KnownWords:
    """Words that the key gives, which an answer must repeat."""

    correct: str

    def judge(self, answer: str) -> AnswerResult:
        """Judge words, regardless of case and blanks."""
        return CORRECT if _plain(answer) == _plain(self.correct) else wrong_result()


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" .'\"").split())
