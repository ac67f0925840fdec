"""The judgement of claims: whether they agree with the analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.claims.claim import CORRECT, Claim, Judgement, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import compare, interpret
from archcalc.claims.feedback import Reason
from archcalc.claims.formulas import has_names
from archcalc.query.targets import Actual, resolve_among
from archcalc.spec.errors import Problem, Span, SpecError, whole_text
from archcalc.spec.records import Spec

Networks: TypeAlias = Analysis | Mapping[str, Analysis]
"""One network, or several by the names that targets begin with: ``A.params``."""

FormulaJudge: TypeAlias = Callable[[Claim], Judgement | None]
"""Judges a claim whose value is a formula with names; returns ``None`` if the value cannot be a formula."""


@dataclass(frozen=True, kw_only=True)
class ParsedClaim:
    """A claim as it was read, with its judgement before explanations are added."""

    judgement: Judgement
    actual: Actual | None = None
    """The correct value of the target; ``None`` if the target does not exist."""
    interpretations: tuple[ClaimedValue, ...] = ()
    """The possible interpretations of the value, the usual one first; empty if it is unreadable or a formula."""


class ClaimExplainer(Protocol):
    """Explains wrong values; `archcalc.diagnosis.Explainer` implements it with the known mistakes."""

    def explain(self, claims: Sequence[ParsedClaim]) -> list[Judgement]:
        """Return the judgements of claims that belong together, with explanations of those that do not hold."""


def judge(
    claims: Iterable[Claim],
    networks: Networks,
    *,
    formula: FormulaJudge | None = None,
    explainer: ClaimExplainer | None = None,
) -> list[Judgement]:
    """Judge claims that belong together: those of one student, one paper, one ``expect:`` section.

    A claim that cannot be read raises nothing: its verdict is ``unreadable``. To judge many lists of claims about the
    same networks, use one `Judge`, which caches its results.

    Args:
        claims: the claims in their order; a wrong one may explain another.
        networks: the networks that the claims are about.
        formula: judges formulas with names; without it they are unreadable.
        explainer: explains claims that do not hold; without it they get no explanation.
    """
    return Judge(networks, formula=formula, explainer=explainer).judge(claims)


class Judge:
    """Judges any number of lists of claims about the same networks and caches its results; see `judge`."""

    def __init__(
        self, networks: Networks, *, formula: FormulaJudge | None = None, explainer: ClaimExplainer | None = None
    ) -> None:
        self.networks = by_name(networks)
        self.formula = formula
        self.explainer = explainer
        self._actual: dict[str, Actual] = {}

    def judge(self, claims: Iterable[Claim], *, explain: bool = True) -> list[Judgement]:
        """Judge claims that belong together; see `judge`."""
        parsed = [self._parse(claim) for claim in claims]
        if explain and self.explainer is not None and not all(each.judgement.holds for each in parsed):
            return self.explainer.explain(parsed)
        return [each.judgement for each in parsed]

    def actual(self, target: str) -> Actual:
        """Return the correct value of a target; see `archcalc.query.targets.resolve_among`."""
        target = target.strip()
        found = self._actual.get(target)
        if found is None:
            found = self._actual[target] = resolve_among(target, self.networks)
        return found

    def _parse(self, claim: Claim) -> ParsedClaim:
        try:
            actual = self.actual(claim.target)
        except LookupError as error:
            place = claim.target_place or claim.place
            return ParsedClaim(judgement=_unreadable(claim, error.args[0], place, error.args[1]))
        try:
            interpretations = interpret(claim.value, actual)
            other = interpretations[0].other
            if other:
                interpretations = [interpretations[0].with_figures(self.actual(other).values)]
        except LookupError as error:
            judgement = _unreadable(claim, error.args[0], claim.place, error.args[1])
            return ParsedClaim(judgement=judgement, actual=actual)
        except ValueError as error:
            judgement = self._formula(claim) or _unreadable(claim, str(error), claim.place)
            return ParsedClaim(judgement=judgement, actual=actual)
        verdict = compare(interpretations, actual)
        judgement = Judgement(
            claim=claim,
            verdict=verdict,
            actual=actual.text,
            holds=verdict in CORRECT or (verdict is Verdict.TRUNCATED and interpretations[0].marked_truncated),
            remark=_compared(other, self.actual(other)) if other else None,
        )
        return ParsedClaim(judgement=judgement, actual=actual, interpretations=tuple(interpretations))

    def _formula(self, claim: Claim) -> Judgement | None:
        """Return the judgement of a formula; ``None`` if the value is not a formula or formulas are not judged."""
        return self.formula(claim) if self.formula is not None and has_names(claim.value) else None


def _compared(other: str, actual: Actual) -> Reason:
    return Reason("compared", (("target", other), ("actual", actual.text)))


def by_name(networks: Networks) -> dict[str, Analysis]:
    """Return networks by the names that targets begin with; a single network has the empty name."""
    return {"": networks} if isinstance(networks, Analysis) else dict(networks)


def _unreadable(claim: Claim, message: str, place: Span | None, hint: str = "") -> Judgement:
    fault = Problem("expectation", message, place, hint)
    return Judgement(claim=claim, verdict=Verdict.UNREADABLE, fault=fault)


def judge_expectations(spec: Spec, analysis: Analysis) -> list[Judgement]:
    """Judge every expectation of a spec.

    Raises:
        SpecError: a target does not exist, or a value cannot be read.
    """
    judgements, problems = judge_each(spec, analysis)
    if problems:
        raise SpecError(problems)
    return judgements


def judge_each(
    spec: Spec, analysis: Analysis, *, explainer: ClaimExplainer | None = None
) -> tuple[list[Judgement], list[Problem]]:
    """Return the judgements of the expectations of a spec, and the errors of those that cannot be judged."""
    judged = judge(expectations(spec), analysis, explainer=explainer)
    problems = [judgement.fault for judgement in judged if judgement.fault is not None]
    return [judgement for judgement in judged if judgement.fault is None], problems


def expectations(spec: Spec) -> list[Claim]:
    """Return the expectations of a spec as claims."""
    return [
        Claim(target.value.strip(), value.value, place=whole_text(value), target_place=whole_text(target))
        for target, value in spec.expectations
    ]
