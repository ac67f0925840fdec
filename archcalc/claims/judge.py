"""Judging: does what is claimed hold of what the analysis says, and if not, why does somebody say so?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from archcalc.analysis.explain import Derivation
from archcalc.analysis.propagate import Analysis
from archcalc.claims.claim import RIGHT, Claim, Explanation, Judgement, Verdict
from archcalc.claims.compare import compare, meanings
from archcalc.claims.expressions import has_names
from archcalc.claims.written import Statement
from archcalc.query.derivations import explain
from archcalc.query.quantities import quantity_named
from archcalc.query.targets import Actual, network_of, resolve_among
from archcalc.spec.errors import Problem, Span, SpecError, whole_text
from archcalc.spec.read import Spec

if TYPE_CHECKING:  # right answers need no diagnosis, and `validate` none at all
    from archcalc.diagnosis import Diagnosis
    from archcalc.diagnosis.follow import Said

REMEMBERED = 10_000
"""Answers, and targets, of which a judge remembers the explanation."""

UNEXPLAINED = "no mistake that archcalc knows gives this value"

Networks: TypeAlias = Analysis | Mapping[str, Analysis]
"""One network, or several by the names that targets put in front: ``A.params``."""

FormulaJudge: TypeAlias = Callable[[Claim], Judgement | None]
"""Judges a claim whose value is a formula with names; ``None`` where it cannot be one."""


class Heard(NamedTuple):
    """A claim with its judgement before any diagnosis, and what it may mean (nothing if it is unreadable)."""

    judgement: Judgement
    statements: list[Statement]


def judge(
    claims: Iterable[Claim], networks: Networks, *, diagnose: bool = True, formula: FormulaJudge | None = None
) -> list[Judgement]:
    """Judge claims that belong together: those of one student, one paper, one ``expect:`` block.

    Args:
        claims: in their order; an earlier wrong one may explain a later one.
        networks: what they are about.
        diagnose: whether wrong values are explained.
        formula: judges formulas with names; without it they are unreadable.

    Nothing is raised for a claim that cannot be read: its verdict says so. To judge many lists about the same networks
    use one `Judge`, which remembers what it worked out.
    """
    return Judge(networks, formula=formula).judge(claims, diagnose=diagnose)


class Judge:
    """Judges any number of lists of claims about the same networks, and remembers what it worked out; see `judge`."""

    def __init__(self, networks: Networks, *, formula: FormulaJudge | None = None) -> None:
        self.networks = {"": networks} if isinstance(networks, Analysis) else dict(networks)
        self.formula = formula
        self._actual: dict[str, Actual] = {}
        self._diagnoses: dict[str, Diagnosis] = {}
        self._explained: dict[tuple[str, str], tuple[Explanation, ...]] = {}
        self._derived: dict[str, tuple[Derivation, ...]] = {}

    def judge(self, claims: Iterable[Claim], *, diagnose: bool = True) -> list[Judgement]:
        """Judge claims that belong together; see `judge`."""
        heard = [self._hear(claim) for claim in claims]
        if diagnose and any(not each.judgement.holds for each in heard):
            said = {number: self._said(each) for number, each in enumerate(heard) if each.statements}
            known = {number: each for number, each in said.items() if each is not None}
            return [self._diagnosed(each, number, known) for number, each in enumerate(heard)]
        return [each.judgement for each in heard]

    def actual(self, target: str) -> Actual:
        """What a target is; see `archcalc.query.targets.resolve_among`."""
        target = target.strip()
        found = self._actual.get(target)
        if found is None:
            found = self._actual[target] = resolve_among(target, self.networks)
        return found

    def derivation(self, target: str) -> tuple[Derivation, ...]:
        """How the right value of a target comes about."""
        if target not in self._derived:
            self._derived[target] = self._derive(target)
        return self._derived[target]

    def _hear(self, claim: Claim) -> Heard:
        try:
            actual = self.actual(claim.target)
        except LookupError as error:
            return Heard(_unreadable(claim, error.args[0], claim.target_place or claim.place, error.args[1]), [])
        try:
            statements = meanings(claim.value, actual)
            other = statements[0].other
            if other:
                statements = [statements[0].about(self.actual(other).values)]
        except LookupError as error:
            return Heard(_unreadable(claim, error.args[0], claim.place, error.args[1]), [])
        except ValueError as error:
            return Heard(self._formula(claim) or _unreadable(claim, str(error), claim.place), [])
        verdict = compare(statements, actual)
        remark = UNEXPLAINED if statements[0].relation == "=" else ""
        if other:
            remark = f"{other} is {self.actual(other).text}"
        holds = verdict in RIGHT or (verdict is Verdict.TRUNCATED and statements[0].truncated)
        return Heard(Judgement(claim, verdict, actual.text, holds, remark=remark), statements)

    def _formula(self, claim: Claim) -> Judgement | None:
        """The judgement of a formula; none where the value is not one, or nobody judges formulas."""
        return self.formula(claim) if self.formula is not None and has_names(claim.value) else None

    def _diagnosed(self, heard: Heard, number: int, known: Mapping[int, Said]) -> Judgement:
        from archcalc.diagnosis.follow import follows, misses_the_sum

        judgement = heard.judgement
        if judgement.holds or judgement.fault is not None:
            return judgement
        judgement = replace(judgement, derivation=self.derivation(judgement.target.strip()))
        if not heard.statements:
            return judgement
        diagnosis = self._diagnosis(judgement.target)
        if judgement.verdict is Verdict.TRUNCATED or diagnosis is None:
            return judgement
        name = known[number].network
        said = [each for other, each in known.items() if other != number and each.network == name]
        carried = follows(diagnosis.question, heard.statements[0], said)
        if carried is not None:
            return replace(judgement, verdict=Verdict.FOLLOW_THROUGH, explanations=(carried,))
        explanations = self._explanations(judgement, heard.statements, diagnosis)
        if not explanations:
            slip = misses_the_sum(diagnosis.question, heard.statements[0], said)
            explanations = (slip,) if slip is not None else ()
        verdict = Verdict.EXPLAINED if explanations else Verdict.WRONG
        return replace(judgement, verdict=verdict, explanations=explanations)

    def _explanations(
        self, judgement: Judgement, statements: list[Statement], diagnosis: Diagnosis
    ) -> tuple[Explanation, ...]:
        key = (judgement.target, judgement.value)
        if key not in self._explained:
            if len(self._explained) >= REMEMBERED:
                self._explained.clear()
            self._explained[key] = diagnosis.explain(statements)
        return self._explained[key]

    def _diagnosis(self, target: str) -> Diagnosis | None:
        """The diagnosis of a target; none of a ratio."""
        from archcalc.diagnosis import Diagnosis, Question

        target = target.strip()
        if target not in self._diagnoses:
            if self.actual(target).kind == "ratio":
                return None
            if len(self._diagnoses) >= REMEMBERED:
                self._diagnoses.clear()
            name, rest = network_of(target, self.networks)
            self._diagnoses[target] = Diagnosis(Question(rest, self.networks[name]))
        return self._diagnoses[target]

    def _said(self, heard: Heard) -> Said | None:
        """The claim as one that others may start from; none of a ratio."""
        from archcalc.diagnosis.follow import Said

        claim = heard.judgement.claim
        diagnosis = self._diagnosis(claim.target)
        if diagnosis is None:
            return None
        network = network_of(claim.target.strip(), self.networks)[0]
        return Said(claim, network, diagnosis.question, heard.statements[0], heard.judgement.holds)

    def _derive(self, target: str) -> tuple[Derivation, ...]:
        if self.actual(target).kind == "ratio":
            return ()
        name, rest = network_of(target, self.networks)
        place, _, word = rest.rpartition(".")
        quantity = quantity_named(word)
        if quantity is None or not quantity.derivation:
            return ()
        try:
            titled = explain(self.networks[name], place or None, word, latex=False)
        except SpecError:  # a place without layers: an input as it is
            return ()
        return tuple(derivation for _, derivations in titled for derivation in derivations)


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
