"""Claims about a network and their verdicts: the types that judging, diagnosing, grading and reporting share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from archcalc.analysis.explain import Derivation
from archcalc.spec.errors import Problem, Span


@dataclass(frozen=True)
class Claim:
    """Something said of a network.

    A target is ``LAYER.QUANTITY``, ``STAGE.QUANTITY`` or ``QUANTITY`` (of the whole network); where several networks
    are judged together, their name stands in front: ``A.params``, ``A.conv1.macs``. Two targets with `` / `` between
    them are their ratio: ``A.params / B.params``.
    """

    target: str
    value: str
    """As it was written: ``61,706``, ``1.8e9``, ``at most 5M``, ``100..200``, ``6x28x28``, ``> B.params``."""
    place: Span | None = field(default=None, kw_only=True)
    """Where the value stands."""
    target_place: Span | None = field(default=None, kw_only=True)
    """Where the target stands, if not beside the value."""


class Verdict(StrEnum):
    """The outcome of a claim, an answer to a question, or a claim of an audit."""

    EXACT = "exact"
    """The number is right to the last digit, or the relation holds."""
    ROUNDS = "rounds"
    """The right number rounds to the written one."""
    TRUNCATED = "truncated"
    """The number was cut off after the digits that are written, where it should have been rounded."""
    FOLLOW_THROUGH = "follow-through"
    """The step is right, but starts from another claim that is wrong."""
    EXPLAINED = "explained"
    """Wrong, and a known mistake or convention gives exactly this value."""
    WRONG = "wrong"
    """Wrong, and no known mistake gives this value."""
    UNREADABLE = "unreadable"
    """There is no such target, or what is written is not a value."""
    MISSING = "missing"
    """The question has no answer."""
    COARSE = "coarse"
    """The answer is rounded to fewer digits than the key asks for."""
    ACCEPTED = "accepted"
    """The answer follows a convention that the key accepts."""
    CONVENTION = "convention"
    """The claim of an audit follows the convention that the audit names."""
    ERRATUM = "erratum"
    """The claim of an audit is wrong, as the audit says, and the correction that it gives is right."""


RIGHT = (Verdict.EXACT, Verdict.ROUNDS)
"""The verdicts on a value that is right as it is written."""

PASSING = (*RIGHT, Verdict.TRUNCATED)
"""The verdicts on a value that is right, or would be if it were rounded instead of cut off."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A mistake or convention that gives the value that was written."""

    code: str
    """Stable; the codes of two mistakes together are joined by ``+``."""
    sentence: str
    """To the one who wrote the value, without full stop: ``this is what one gets if the padding is ignored``."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim with its verdict, and why."""

    claim: Claim
    verdict: Verdict
    actual: str = ""
    """What is true, as people write it; empty where the claim is unreadable."""
    holds: bool = False
    """Whether it is right: exact, rounded, or cut off where the claim says so (``60M truncated``)."""
    explanations: tuple[Explanation, ...] = ()
    """The simplest first; those of one judgement are equally simple, but not equally likely."""
    derivation: tuple[Derivation, ...] = ()
    """How the right value comes about, where the claim is not right."""
    remark: str = ""
    """What is to be said of a wrong value that nothing explains."""
    fault: Problem | None = None
    """What makes it unreadable."""

    @property
    def target(self) -> str:
        return self.claim.target

    @property
    def value(self) -> str:
        return self.claim.value

    @property
    def message(self) -> str:
        """What is true and what was claimed, in one line."""
        if self.fault is not None:
            return self.fault.message
        return f"{self.target} is {self.actual}" + ("" if self.holds else f", expected {self.value}")

    @property
    def sentence(self) -> str:
        """One line to the one who made the claim, explanation included."""
        if self.holds or self.fault is not None:
            return self.message
        if self.verdict is Verdict.TRUNCATED:
            return f"{self.target} is {self.actual}: {self.value} is cut off where it should be rounded"
        said = self.explanations[0].sentence if self.explanations else self.remark
        return f"{self.target} is {self.actual}, not {self.value}" + (f": {said}" if said else "")

    def problem(self) -> Problem:
        """The claim that does not hold, or cannot be judged, in the form of an error."""
        hint = self.explanations[0].sentence if self.explanations else ""
        return self.fault or Problem("expectation", self.message, self.claim.place, hint)
