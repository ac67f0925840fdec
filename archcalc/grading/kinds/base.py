"""What all kinds of questions have in common."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from archcalc.claims.claim import Verdict
from archcalc.grading.subjects import Subject


class Outcome(NamedTuple):
    """The result of judging one answer."""

    verdict: Verdict
    reason: str = ""
    """Why the answer is wrong or cannot be read, in words; empty if nothing is known."""
    hint: str = ""
    """The same without the right answer, for students who may try again."""
    code: str = ""
    """The code of the mistake that explains it, if there is one."""


class Prepared(Protocol):
    """A question whose right answer is known."""

    @property
    def right(self) -> str:
        """The right answer, in words."""

    def judge(self, answer: str) -> Outcome:
        """Judge an answer."""


class Kind(Protocol):
    """A question as the key states it."""

    @property
    def needs_network(self) -> bool:
        """Whether the question is about the networks of the key."""

    def prepare(self, subject: Subject) -> Prepared:
        """Find the right answer.

        Raises:
            SpecError: The question cannot be asked; the error has its place in the key.
        """


RIGHT = Outcome(Verdict.EXACT)


def wrong(reason: str = "", *, hint: str | None = None, code: str = "") -> Outcome:
    """Return the outcome of a wrong answer, with the reason; its hint is the reason unless that tells too much."""
    return Outcome(Verdict.WRONG, reason, reason if hint is None else hint, code)


def unreadable(reason: str) -> Outcome:
    """Return the outcome of an answer that cannot be read, with what is expected."""
    return Outcome(Verdict.UNREADABLE, reason, reason)
