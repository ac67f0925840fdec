"""Marks: what became of every answer of a submission."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.explain import Derivation
from archcalc.claims.claim import Verdict
from archcalc.spec.errors import Problem

PASSING = (Verdict.EXACT, Verdict.ROUNDS, Verdict.TRUNCATED)
"""The verdicts on a value that is right; one that was cut off is named as such."""


class Mark(NamedTuple):
    """What became of one question or claim."""

    id: str
    """The question's, or the target."""
    target: str
    text: str
    """The question as people read it, if it has a text."""
    value: str
    """The answer as written; empty where there is none."""
    verdict: str
    """A `Verdict`; or ``missing``, ``coarse``, ``accepted``; of an audit also ``convention``, ``erratum``."""
    right: bool
    points: Fraction
    of: Fraction
    actual: str
    """What is true."""
    sentence: str
    """One line to the one who answered."""
    code: str = ""
    """Of the mistake or convention that explains the value."""
    reason: str = ""
    """The mistake or convention in words, without what is true."""
    derivation: tuple[Derivation, ...] = ()
    """How the right value comes about, where the answer is not right."""
    file: str = ""
    line: int | None = None

    def hidden(self) -> Mark:
        """The mark without what is true, for those who shall try again."""
        said = self.reason or ("right" if self.right else "no answer" if not self.value else "not right")
        return self._replace(actual="", derivation=(), sentence=f"{self.target}: {said}")


@dataclass(frozen=True)
class Graded:
    """A submission with its marks, or what makes it unreadable."""

    name: str
    """Whose it is."""
    file: str
    marks: tuple[Mark, ...] = ()
    of: Fraction = Fraction(0)
    """The points that could be earned."""
    problems: tuple[Problem, ...] = ()
    """Why it could not be read; there are no marks then."""
    notes: tuple[str, ...] = ()
    scored: bool = True
    """Whether points mean something: a key says what the answers are worth."""
    audit: bool = False
    """Whether it is an audit: right is what is accounted for."""

    def hidden(self) -> Graded:
        """The marks without what is true."""
        return replace(self, marks=tuple(mark.hidden() for mark in self.marks))

    @property
    def points(self) -> Fraction:
        """The points earned."""
        return sum((mark.points for mark in self.marks), Fraction(0))

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.right for mark in self.marks)

    @property
    def status(self) -> int:
        """0: all right; 1: some answer is not; 2: unreadable."""
        return 2 if self.problems else 0 if self.right == len(self.marks) else 1
