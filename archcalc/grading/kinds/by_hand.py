"""Questions that a person grades: texts, proofs, drawings."""

from __future__ import annotations

from dataclasses import dataclass

from archcalc.claims.claim import Verdict
from archcalc.grading.kinds.base import AnswerResult
from archcalc.grading.subjects import Subject


@dataclass(frozen=True)
class ByHand:
    """A question whose answers are kept for a person."""

    needs_network = False
    correct = ""

    def prepare(self, subject: Subject) -> ByHand:
        """Return the question itself: there is nothing to compute."""
        return self

    def judge(self, answer: str) -> AnswerResult:
        """Keep an answer."""
        return AnswerResult(Verdict.BY_HAND)
