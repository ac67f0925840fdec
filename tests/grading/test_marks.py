"""Figures that are computed from marks: of a submission, and of a class."""

from __future__ import annotations

from fractions import Fraction

from archcalc.claims import Verdict
from archcalc.grading.marks import GradedSubmission, Mark, NamedReason, common_mistakes, mean_points
from archcalc.spec.errors import Problem


def mark(id: str, verdict: Verdict, points: str, code: str = "") -> Mark:
    right = verdict is not Verdict.WRONG and not code
    worth = Fraction(points)
    reasons = (NamedReason(code, "For a reason."),) if code else ()
    return Mark(
        id=id, target=id, verdict=verdict, right=right, points=worth, of=Fraction(2), sentence="", reasons=reasons
    )


def graded(*marks: Mark) -> GradedSubmission:
    return GradedSubmission(name="Ada", file="ada.yaml", marks=marks, of=sum((mark.of for mark in marks), Fraction(0)))


UNREADABLE = GradedSubmission(
    name="Bob", file="bob.yaml", of=Fraction(2), problems=(Problem("yaml", "?", origin="bob.yaml"),)
)


def test_points_and_their_share() -> None:
    one = graded(mark("a", Verdict.EXACT, "2"), mark("b", Verdict.EXPLAINED, "1/2", "one-bias"))
    assert (one.points, one.share, one.right, one.status) == (Fraction(5, 2), Fraction(5, 8), 1, 1)
    assert [each.id for each in one.wrong] == ["b"]
    assert graded().share is None
    assert (UNREADABLE.points, UNREADABLE.status) == (0, 2)


def test_full_points_pass_even_where_the_answer_is_not_correct() -> None:
    assert mark("a", Verdict.FOLLOW_THROUGH, "2", "follow-through").passes
    assert not mark("a", Verdict.EXPLAINED, "1", "one-bias").passes


def test_the_mean_is_of_the_submissions_that_can_be_read() -> None:
    full, half = graded(mark("a", Verdict.EXACT, "2")), graded(mark("a", Verdict.EXPLAINED, "1", "one-bias"))
    assert mean_points([full, half, UNREADABLE]) == Fraction(3, 2)
    assert mean_points([UNREADABLE]) is None


def test_common_mistakes_happened_more_than_once_in_one_question() -> None:
    bias, wrong = mark("a", Verdict.EXPLAINED, "1", "one-bias"), mark("b", Verdict.WRONG, "0")
    submissions = [graded(bias, wrong), graded(bias, wrong), graded(bias, mark("b", Verdict.EXPLAINED, "1", "bytes"))]
    assert common_mistakes(submissions, 5) == [("a", "one-bias", 3), ("b", "wrong", 2)]
    assert common_mistakes(submissions, 1) == [("a", "one-bias", 3)]
