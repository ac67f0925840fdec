"""Marks: what became of every answer of a submission, and of all submissions of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from archcalc.analysis.explain import Derivation
from archcalc.claims.claim import Verdict
from archcalc.spec.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What became of one question or claim."""

    id: str
    """The question's, or the target."""
    target: str
    text: str = ""
    """The question as people read it, if it has a text."""
    value: str = ""
    """The answer as written; empty where there is none."""
    verdict: Verdict
    right: bool
    points: Fraction
    of: Fraction
    actual: str = ""
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

    @property
    def passes(self) -> bool:
        """Whether it is right, or earns all points nevertheless."""
        return self.right or self.points == self.of

    @property
    def reason_code(self) -> str:
        """The code of what explains the value; the verdict where nothing does."""
        return self.code or self.verdict

    def hidden(self) -> Mark:
        """The mark without what is true, for those who shall try again."""
        said = self.reason or ("right" if self.right else "no answer" if not self.value else "not right")
        return replace(self, actual="", derivation=(), sentence=f"{self.target}: {said}")


@dataclass(frozen=True, kw_only=True)
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
    def share(self) -> Fraction | None:
        """The points earned, as a share of those that could be; ``None`` where there are none to be earned."""
        return self.points / self.of if self.of else None

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.right for mark in self.marks)

    @property
    def wrong(self) -> list[Mark]:
        """The marks of the answers that are not right."""
        return [mark for mark in self.marks if not mark.right]

    @property
    def conventions(self) -> dict[str, list[str]]:
        """Of an audit: the codes of conventions, with the claims that follow them."""
        found: dict[str, list[str]] = {}
        for mark in self.marks:
            if mark.verdict is Verdict.CONVENTION:
                found.setdefault(mark.code, []).append(mark.id)
        return found

    @property
    def errata(self) -> list[Mark]:
        """Of an audit: the claims that are wrong, as it says."""
        return [mark for mark in self.marks if mark.verdict is Verdict.ERRATUM]

    @property
    def status(self) -> int:
        """0: all right; 1: some answer is not; 2: unreadable."""
        return 2 if self.problems else 0 if self.right == len(self.marks) else 1


def mean_points(submissions: Iterable[Graded]) -> Fraction | None:
    """Return the mean of the points of the submissions that could be read; ``None`` if none could."""
    points = [graded.points for graded in submissions if not graded.problems]
    return sum(points, Fraction(0)) / len(points) if points else None


def common_mistakes(submissions: Iterable[Graded], most: int) -> list[tuple[str, str, int]]:
    """Return what went wrong more than once, the most common first: question, code of the reason, how often."""
    counts = Counter((mark.id, mark.reason_code) for graded in submissions for mark in graded.wrong)
    return [(id, code, count) for (id, code), count in counts.most_common(most) if count > 1]
