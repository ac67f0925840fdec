"""Explanations of claims that do not hold, by other wrong claims or by known mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from archcalc.analysis.explain import Derivation
from archcalc.claims.claim import Claim, Explanation, Judgement, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.feedback import Reason
from archcalc.claims.judge import FormulaJudge, Judge, Networks, ParsedClaim, by_name
from archcalc.diagnosis.diagnose import Diagnosis
from archcalc.diagnosis.follow import EarlierClaim, explain_follow_through, explain_sum_mismatch
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.query.derivations import explain
from archcalc.query.quantities import quantity_named
from archcalc.query.targets import network_of
from archcalc.spec.errors import SpecError

CACHE_SIZE = 10_000
"""The number of targets, and of values of targets, whose explanations are cached."""

UNEXPLAINED = Reason("unexplained")
"""The remark on a value that no known mistake gives."""


def judge_and_explain(
    claims: Iterable[Claim], networks: Networks, *, formula: FormulaJudge | None = None
) -> list[Judgement]:
    """Judge claims that belong together, and explain those that do not hold; see `archcalc.claims.judge`."""
    return Judge(networks, formula=formula, explainer=Explainer(networks)).judge(claims)


class Explainer:
    """Explains claims about the same networks, and caches its results."""

    def __init__(self, networks: Networks) -> None:
        self.networks = by_name(networks)
        self.diagnosis = lru_cache(CACHE_SIZE)(self._diagnosis)
        self._explanations = lru_cache(CACHE_SIZE)(self._diagnose)
        self._derivation = lru_cache(CACHE_SIZE)(self._derive)

    def explain(self, claims: Sequence[ParsedClaim]) -> list[Judgement]:
        """Return the judgements of claims that belong together, with explanations of those that do not hold."""
        known = [self._as_earlier(each) for each in claims]
        return [
            self._explained(each, [other for other in known[:number] + known[number + 1 :] if other is not None])
            for number, each in enumerate(claims)
        ]

    def _explained(self, parsed: ParsedClaim, others: list[EarlierClaim]) -> Judgement:
        judgement = parsed.judgement
        if judgement.holds or judgement.fault is not None:
            return judgement
        target = judgement.target.strip()
        judgement = replace(judgement, derivation=() if _is_ratio(parsed) else self._derivation(target))
        if not parsed.interpretations or judgement.verdict is Verdict.TRUNCATED:
            return judgement
        verdict, explanations = self._reasons(parsed, others)
        unexplained = not explanations and parsed.interpretations[0].relation == "=" and judgement.remark is None
        remark = UNEXPLAINED if unexplained else judgement.remark
        return replace(judgement, verdict=verdict, explanations=explanations, remark=remark)

    def _reasons(self, parsed: ParsedClaim, others: Iterable[EarlierClaim]) -> tuple[Verdict, tuple[Explanation, ...]]:
        if _is_ratio(parsed):
            return Verdict.WRONG, ()
        target = parsed.judgement.target.strip()
        network, _ = network_of(target, self.networks)
        others = [each for each in others if each.network == network]
        asked, claimed = self.diagnosis(target).target, parsed.interpretations[0]
        carried = explain_follow_through(asked, claimed, others)
        if carried is not None:
            return Verdict.FOLLOW_THROUGH, (carried,)
        explanations = self._explanations(target, parsed.interpretations)
        if not explanations:
            slip = explain_sum_mismatch(asked, claimed, others)
            explanations = (slip,) if slip is not None else ()
        return Verdict.EXPLAINED if explanations else Verdict.WRONG, explanations

    def _as_earlier(self, parsed: ParsedClaim) -> EarlierClaim | None:
        """Return the claim as one that others may start from; ``None`` if it is unreadable or about a ratio."""
        if not parsed.interpretations or _is_ratio(parsed):
            return None
        judgement = parsed.judgement
        target = judgement.target.strip()
        return EarlierClaim(
            claim=judgement.claim,
            network=network_of(target, self.networks)[0],
            target=self.diagnosis(target).target,
            claimed=parsed.interpretations[0],
            correct=judgement.holds,
        )

    def _diagnosis(self, target: str) -> Diagnosis:
        """Return the diagnosis of a target.

        Raises:
            LookupError: no network has such a target.
        """
        name, rest = network_of(target, self.networks)
        return Diagnosis(DiagnosedTarget(rest, self.networks[name]))

    def _diagnose(self, target: str, interpretations: tuple[ClaimedValue, ...]) -> tuple[Explanation, ...]:
        return self.diagnosis(target).explain(interpretations)

    def _derive(self, target: str) -> tuple[Derivation, ...]:
        """Return the derivation of the correct value of a target."""
        name, rest = network_of(target, self.networks)
        place, _, word = rest.rpartition(".")
        quantity = quantity_named(word)
        if quantity is None or not quantity.derivation:
            return ()
        try:
            titled = explain(self.networks[name], place or None, word)
        except SpecError:  # an input, which has no layers
            return ()
        return tuple(derivation for _, derivations in titled for derivation in derivations)


def _is_ratio(parsed: ParsedClaim) -> bool:
    return parsed.actual is not None and parsed.actual.kind == "ratio"
