"""Marks of the answers of a submission, and statistics over the submissions of a class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.explain import Derivation
from archcalc.claims.claim import Verdict
from archcalc.claims.feedback import ENGLISH, Feedback
from archcalc.grading.kinds.base import WorkedEntry, WrongEntry
from archcalc.spec.errors import Problem


class NamedReason(NamedTuple):
    """A mistake or convention that explains a value: its code and its sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The result of one question or claim."""

    id: str
    """The id of the question, or the target of the claim."""
    target: str
    text: str = ""
    """The question in words, if the key gives them."""
    value: str = ""
    """The answer as written; empty if there is none."""
    verdict: Verdict
    right: bool
    points: Fraction
    """The points earned."""
    of: Fraction
    """The points that can be earned."""
    actual: str = ""
    """The correct value."""
    sentence: str
    """The judgement in one line."""
    reasons: tuple[NamedReason, ...] = ()
    """The mistakes or conventions that explain the value, the likeliest first."""
    reason: str = ""
    """The same in words, without the correct value."""
    derivation: tuple[Derivation, ...] = ()
    """The derivation of the correct value, if the answer is not correct."""
    entries: tuple[WrongEntry, ...] = ()
    """The entries of an array that are not correct."""
    worked: tuple[WorkedEntry, ...] = ()
    """How some of them are worked out."""
    file: str = ""
    line: int | None = None

    @property
    def code(self) -> str:
        """The code of the likeliest mistake or convention; empty if there is none."""
        return self.reasons[0].code if self.reasons else ""

    @property
    def passes(self) -> bool:
        """Whether the answer is correct, or earns all points anyway."""
        return self.right or self.points == self.of

    @property
    def is_open(self) -> bool:
        """Whether a person grades the answer."""
        return self.verdict is Verdict.BY_HAND

    @property
    def reason_code(self) -> str:
        """The code of the explanation; the verdict if there is none."""
        return self.code or self.verdict

    def hidden(self, feedback: Feedback = ENGLISH) -> Mark:
        """Return the mark without the correct value, for students who may try again."""
        if self.is_open:
            return self
        state = "right" if self.right else "wrong" if self.value else "no-answer"
        reveals = self.actual and re.search(rf"(?<![\w.,]){re.escape(self.actual)}(?![\w,])", self.reason)
        sentence = feedback.say(f"hidden-{state}", target=self.target or self.id)
        if self.reason and self.code != "formula" and not reveals:
            sentence = feedback.say("hidden", result=sentence, reason=self.reason)
        entries = tuple(entry._replace(correct="") for entry in self.entries)
        return replace(self, actual="", derivation=(), worked=(), entries=entries, sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class GradedSubmission:
    """A submission with its marks, or with the errors that make it unreadable."""

    name: str
    """The name of the person."""
    file: str
    marks: tuple[Mark, ...] = ()
    of: Fraction = Fraction(0)
    """The points that can be earned."""
    problems: tuple[Problem, ...] = ()
    """The errors of a submission that cannot be read, which has no marks."""
    notes: tuple[str, ...] = ()
    scored: bool = True
    """Whether a key assigns points to the answers."""
    audit: bool = False
    """Whether it is an audit, where a claim is correct if it is accounted for."""

    def hidden(self, feedback: Feedback = ENGLISH) -> GradedSubmission:
        """Return the submission without the correct values."""
        return replace(self, marks=tuple(mark.hidden(feedback) for mark in self.marks))

    @property
    def points(self) -> Fraction:
        """The points earned."""
        return sum((mark.points for mark in self.marks), Fraction(0))

    @property
    def share(self) -> Fraction | None:
        """The points earned as a share of those that can be earned; ``None`` if none can be."""
        return self.points / self.of if self.of else None

    @property
    def right(self) -> int:
        """The number of correct answers."""
        return sum(mark.right for mark in self.marks)

    @property
    def wrong(self) -> list[Mark]:
        """The marks of the answers that are not correct."""
        return [mark for mark in self.marks if not mark.right and not mark.is_open]

    @property
    def open(self) -> list[Mark]:
        """The marks of the answers that a person grades."""
        return [mark for mark in self.marks if mark.is_open]

    @property
    def conventions(self) -> dict[str, list[str]]:
        """The codes of conventions, with the claims of the audit that follow them."""
        found: dict[str, list[str]] = {}
        for mark in self.marks:
            if mark.verdict is Verdict.CONVENTION:
                found.setdefault(mark.code, []).append(mark.id)
        return found

    @property
    def errata(self) -> list[Mark]:
        """The claims of the audit that are errata."""
        return [mark for mark in self.marks if mark.verdict is Verdict.ERRATUM]

    @property
    def status(self) -> int:
        """The exit status: 0 if all answers are correct, 1 if some are not, 2 if the submission cannot be read."""
        return 2 if self.problems else 1 if self.wrong else 0


def mean_points(submissions: Iterable[GradedSubmission]) -> Fraction | None:
    """Return the mean of the points of the submissions that could be read; ``None`` if none could."""
    points = [graded.points for graded in submissions if not graded.problems]
    return sum(points, Fraction(0)) / len(points) if points else None


def common_mistakes(submissions: Iterable[GradedSubmission], most: int) -> list[tuple[str, str, int]]:
    """Return the mistakes made more than once, the most common first: question, code of the reason, number."""
    counts = Counter((mark.id, mark.reason_code) for graded in submissions for mark in graded.wrong)
    return [(id, code, count) for (id, code), count in counts.most_common(most) if count > 1]
