"""Judging: does what is claimed hold of what the analysis says?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.claims.claim import RIGHT, Claim, Judgement, Verdict
from archcalc.claims.compare import compare, meanings
from archcalc.claims.expressions import has_names
from archcalc.claims.written import Statement
from archcalc.query.targets import Actual, resolve_among
from archcalc.spec.errors import Problem, Span, SpecError, whole_text
from archcalc.spec.read import Spec

Networks: TypeAlias = Analysis | Mapping[str, Analysis]
"""One network, or several by the names that targets put in front: ``A.params``."""

FormulaJudge: TypeAlias = Callable[[Claim], Judgement | None]
"""Judges a claim whose value is a formula with names; ``None`` where it cannot be one."""


@dataclass(frozen=True, kw_only=True)
class ParsedClaim:
    """A claim as it was understood, with its judgement before anything is explained."""

    judgement: Judgement
    actual: Actual | None = None
    """What the target is; ``None`` where there is no such target."""
    statements: tuple[Statement, ...] = ()
    """What the value may mean, the usual reading first; none where it is unreadable, or a formula."""


class Explainer(Protocol):
    """Says how wrong values may have come about; `archcalc.diagnosis.Explainer` is the one that knows mistakes."""

    def explain(self, claims: Sequence[ParsedClaim]) -> list[Judgement]:
        """Return the judgements of claims that belong together, those that do not hold with their explanations."""


def judge(
    claims: Iterable[Claim],
    networks: Networks,
    *,
    formula: FormulaJudge | None = None,
    explainer: Explainer | None = None,
) -> list[Judgement]:
    """Judge claims that belong together: those of one student, one paper, one ``expect:`` block.

    Nothing is raised for a claim that cannot be read: its verdict says so. To judge many lists about the same networks
    use one `Judge`, which remembers what it worked out.

    Args:
        claims: in their order; a wrong one may explain another.
        networks: what they are about.
        formula: judges formulas with names; without it they are unreadable.
        explainer: explains what does not hold; without it wrong values are wrong, for whatever reason.
    """
    return Judge(networks, formula=formula, explainer=explainer).judge(claims)


class Judge:
    """Judges any number of lists of claims about the same networks, and remembers what it worked out; see `judge`."""

    def __init__(
        self, networks: Networks, *, formula: FormulaJudge | None = None, explainer: Explainer | None = None
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
        """What a target is; see `archcalc.query.targets.resolve_among`."""
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
            statements = meanings(claim.value, actual)
            other = statements[0].other
            if other:
                statements = [statements[0].about(self.actual(other).values)]
        except LookupError as error:
            judgement = _unreadable(claim, error.args[0], claim.place, error.args[1])
            return ParsedClaim(judgement=judgement, actual=actual)
        except ValueError as error:
            judgement = self._formula(claim) or _unreadable(claim, str(error), claim.place)
            return ParsedClaim(judgement=judgement, actual=actual)
        verdict = compare(statements, actual)
        judgement = Judgement(
            claim=claim,
            verdict=verdict,
            actual=actual.text,
            holds=verdict in RIGHT or (verdict is Verdict.TRUNCATED and statements[0].truncated),
            remark=f"{other} is {self.actual(other).text}" if other else "",
        )
        return ParsedClaim(judgement=judgement, actual=actual, statements=tuple(statements))

    def _formula(self, claim: Claim) -> Judgement | None:
        """The judgement of a formula; none where the value is not one, or nobody judges formulas."""
        return self.formula(claim) if self.formula is not None and has_names(claim.value) else None


def by_name(networks: Networks) -> dict[str, Analysis]:
    """Networks by the name that targets put in front; a single one has none."""
    return {"": networks} if isinstance(networks, Analysis) else dict(networks)


def _unreadable(claim: Claim, message: str, place: Span | None, hint: str = "") -> Judgement:
    fault = Problem("expectation", message, place, hint)
    return Judgement(claim=claim, verdict=Verdict.UNREADABLE, fault=fault)


def judge_expectations(spec: Spec, analysis: Analysis) -> list[Judgement]:
    """Judge every line of a spec's ``expect:``.

    Raises:
        SpecError: a target that does not exist, or a value that cannot be read.
    """
    judgements, problems = judge_each(spec, analysis)
    if problems:
        raise SpecError(problems)
    return judgements


def judge_each(
    spec: Spec, analysis: Analysis, *, explainer: Explainer | None = None
) -> tuple[list[Judgement], list[Problem]]:
    """Judge every line of a spec's ``expect:``, and what is wrong with those that cannot be judged."""
    judged = judge(expectations(spec), analysis, explainer=explainer)
    problems = [judgement.fault for judgement in judged if judgement.fault is not None]
    return [judgement for judgement in judged if judgement.fault is None], problems


def expectations(spec: Spec) -> list[Claim]:
    """The lines of a spec's ``expect:`` as claims."""
    return [
        Claim(target.value.strip(), value.value, place=whole_text(value), target_place=whole_text(target))
        for target, value in spec.expectations
    ]
