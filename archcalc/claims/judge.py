"""Judging: does what is claimed hold of what the analysis says, and if not, why does somebody say so?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.claims.claim import Claim, Judgement, Verdict
from archcalc.claims.compare import compare, meanings
from archcalc.claims.targets import Actual, resolve_among
from archcalc.spec.errors import Problem, Span, SpecError, whole_text
from archcalc.spec.read import Spec

Networks: TypeAlias = Analysis | Mapping[str, Analysis]
"""One network, or several by the names that targets put in front: ``A.params``."""


def judge(claims: Iterable[Claim], networks: Networks, *, diagnose: bool = True) -> list[Judgement]:
    """Judge claims that belong together: those of one student, one paper, one ``expect:`` block.

    Args:
        claims: in their order; an earlier wrong one may explain a later one.
        networks: what they are about.
        diagnose: whether wrong values are explained.

    Nothing is raised for a claim that cannot be read: its verdict says so. To judge many lists about the same networks
    use one `Judge`, which remembers what it worked out.
    """
    return Judge(networks).judge(claims, diagnose=diagnose)


class Judge:
    """Judges any number of lists of claims about the same networks."""

    def __init__(self, networks: Networks) -> None:
        self.networks = {"": networks} if isinstance(networks, Analysis) else dict(networks)
        self._actual: dict[str, Actual] = {}

    def judge(self, claims: Iterable[Claim], *, diagnose: bool = True) -> list[Judgement]:
        """Judge claims that belong together; see `judge`."""
        return [self._judge(claim) for claim in claims]

    def _judge(self, claim: Claim) -> Judgement:
        try:
            actual = self.actual(claim.target)
        except LookupError as error:
            return _unreadable(claim, error.args[0], claim.target_place or claim.place, error.args[1])
        try:
            statements = meanings(claim.value, actual)
            if statements[0].other:
                statements = [statements[0].about(self.actual(statements[0].other).values)]
        except LookupError as error:
            return _unreadable(claim, error.args[0], claim.place, error.args[1])
        except ValueError as error:
            return _unreadable(claim, str(error), claim.place)
        verdict = compare(statements, actual)
        holds = verdict in (Verdict.EXACT, Verdict.ROUNDS) or (verdict is Verdict.TRUNCATED and statements[0].truncated)
        return Judgement(claim, verdict, actual.text, holds)

    def actual(self, target: str) -> Actual:
        """What a target is; see `archcalc.claims.targets.resolve_among`."""
        target = target.strip()
        found = self._actual.get(target)
        if found is None:
            found = self._actual[target] = resolve_among(target, self.networks)
        return found


def _unreadable(claim: Claim, message: str, place: Span | None, hint: str = "") -> Judgement:
    return Judgement(claim, Verdict.UNREADABLE, fault=Problem("expectation", message, place, hint))


def judge_expectations(spec: Spec, analysis: Analysis) -> list[Judgement]:
    """Judge every line of a spec's ``expect:``.

    Raises:
        SpecError: a target that does not exist, or a value that cannot be read.
    """
    judgements, problems = judge_each(spec, analysis)
    if problems:
        raise SpecError(problems)
    return judgements


def judge_each(spec: Spec, analysis: Analysis, *, diagnose: bool = False) -> tuple[list[Judgement], list[Problem]]:
    """Judge every line of a spec's ``expect:``, and what is wrong with those that cannot be judged."""
    judged = judge(expectations(spec), analysis, diagnose=diagnose)
    problems = [judgement.fault for judgement in judged if judgement.fault is not None]
    return [judgement for judgement in judged if judgement.fault is None], problems


def expectations(spec: Spec) -> list[Claim]:
    """The lines of a spec's ``expect:`` as claims."""
    return [
        Claim(target.value.strip(), value.value, whole_text(value), whole_text(target))
        for target, value in spec.expectations
    ]
