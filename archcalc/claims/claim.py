"""Claims about a network and their verdicts: the types that judging, diagnosis, grading and reports share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from archcalc.analysis.explain import Derivation
from archcalc.claims.feedback import ENGLISH, Feedback, Reason
from archcalc.spec.errors import Problem, Span


@dataclass(frozen=True)
class Claim:
    """A target and a value, both as written.

    A target is ``LAYER.QUANTITY``, ``STAGE.QUANTITY`` or ``QUANTITY`` (of the network). Where several networks are
    judged together, the name of the network comes first: ``A.params``, ``A.conv1.macs``. Two targets separated by
    `` / `` denote their ratio: ``A.params / B.params``.
    """

    target: str
    value: str
    """For example ``61,706``, ``1.8e9``, ``at most 5M``, ``100..200``, ``6x28x28``, ``> B.params``."""
    place: Span | None = field(default=None, kw_only=True)
    """The place of the value in its file."""
    target_place: Span | None = field(default=None, kw_only=True)
    """The place of the target, if it is known separately."""


class Verdict(StrEnum):
    """The result of judging a claim, an answer to a question of a key, or a claim of an audit."""

    EXACT = "exact"
    """The figure is correct to the last digit, or the relation holds."""
    ROUNDS = "rounds"
    """The correct figure rounds to the written one."""
    TRUNCATED = "truncated"
    """The correct figure was truncated after the written digits instead of rounded."""
    FOLLOW_THROUGH = "follow-through"
    """The step is correct, but starts from another claim that is wrong."""
    EXPLAINED = "explained"
    """The value is wrong, and a known mistake or convention gives this value, exactly or rounded."""
    WRONG = "wrong"
    """The value is wrong, and no known mistake gives it."""
    UNREADABLE = "unreadable"
    """The target does not exist, or the value cannot be read."""
    MISSING = "missing"
    """The question has no answer."""
    BY_HAND = "by-hand"
    """The answer is kept for a person, who grades it."""
    COARSE = "coarse"
    """The answer is rounded to fewer digits than the key requires."""
    ACCEPTED = "accepted"
    """The answer follows a convention that the key accepts."""
    CONVENTION = "convention"
    """The claim of an audit follows the convention that the audit names."""
    ERRATUM = "erratum"
    """The claim of an audit is wrong, as the audit says, and the correction in the audit holds."""


CORRECT = (Verdict.EXACT, Verdict.ROUNDS)
"""The verdicts on a value that is correct as written."""

PASSING = (*CORRECT, Verdict.TRUNCATED)
"""The verdicts on a value that is correct, or would be correct if it were rounded instead of truncated."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A mistake or convention that gives the written value, or several that give it together."""

    reasons: tuple[Reason, ...]

    @property
    def code(self) -> str:
        """A stable identifier; the codes of two mistakes made together are joined by ``+``."""
        return "+".join(reason.code for reason in self.reasons)

    @property
    def sentence(self) -> str:
        """The explanation in words: ``The padding is ignored.``"""
        return ENGLISH.reasons(self.reasons)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim with its verdict and its explanations."""

    claim: Claim
    verdict: Verdict
    actual: str = ""
    """The correct value, formatted for people; empty if the claim is unreadable."""
    holds: bool = False
    """Whether the claim is correct: exact, rounded, or truncated and marked so (``60M truncated``)."""
    explanations: tuple[Explanation, ...] = ()
    """The explanations of a wrong value, the likeliest first."""
    derivation: tuple[Derivation, ...] = ()
    """The derivation of the correct value, if the claim is not correct."""
    remark: Reason | None = None
    """A remark on a wrong value that has no explanation."""
    fault: Problem | None = None
    """The error that makes the claim unreadable."""

    @property
    def target(self) -> str:
        return self.claim.target

    @property
    def value(self) -> str:
        return self.claim.value

    @property
    def message(self) -> str:
        """The correct value and the claimed one, in one line."""
        if self.fault is not None:
            return self.fault.message
        return f"{self.target} is {self.actual}" + ("" if self.holds else f", expected {self.value}")

    @property
    def sentence(self) -> str:
        """The judgement in English, in one line, with its explanations."""
        return self.in_words(ENGLISH)

    def in_words(self, feedback: Feedback) -> str:
        """Return the judgement in one line, with its explanations."""
        if self.holds or self.fault is not None:
            return self.message
        frame = "truncated-value" if self.verdict is Verdict.TRUNCATED else "wrong"
        sentence = feedback.say(frame, target=self.target, actual=self.actual, value=self.value)
        return " ".join([sentence, *self.reasons_in_words(feedback)])

    def reasons_in_words(self, feedback: Feedback) -> list[str]:
        """Return one sentence for each explanation, or the remark on a value that has none."""
        if self.explanations:
            return feedback.alternatives([each.reasons for each in self.explanations])
        return [feedback.reasons([self.remark])] if self.remark is not None else []

    def problem(self) -> Problem:
        """Return the error that reports a claim that does not hold or cannot be judged."""
        hint = self.explanations[0].sentence if self.explanations else ""
        return self.fault or Problem("expectation", self.message, self.claim.place, hint)
