"""The outcomes of a target under each mistake, alone and in pairs, computed once and then searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import FIELDS, Contribution, Convention, LayerMistake, MistakeScope, Outcome, Prior
from archcalc.diagnosis.places import misplaced, rearranged
from archcalc.diagnosis.registry import CONVENTIONS, LAYER_MISTAKES, SCALINGS
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.tools import TOOLS
from archcalc.diagnosis.variation import Change, Rewrite, Site, Variation, vary
from archcalc.numeric import Impossible, Number
from archcalc.query.targets import Values

MAX_WORK = 400_000
"""The maximum number of layers to evaluate for one target (some seconds of work).

In networks of thousands of layers, the remaining layer mistakes and pairs are not tried.
"""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AppliedMistake:
    """A mistake that changes the outcome of the target, in the form and scope in which it does."""

    mistake: LayerMistake | Convention
    rewrite: Rewrite | None = None
    contribution: Contribution | None = None
    scope: MistakeScope = MistakeScope.TARGET
    clause: str


class Outcomes:
    """The outcomes of one target; each list is sorted by prior."""

    def __init__(self, target: DiagnosedTarget) -> None:
        self.target = target
        self.right = Outcome(values=target.actual.values)
        self.work = 0
        self._applied: list[AppliedMistake] = []

    @cached_property
    def singles(self) -> list[Outcome]:
        """The outcomes under one mistake."""
        found = [*self._mistaken(), *self._counted(), *self._scaled([self.right]), *misplaced(self.target)]
        return self._sorted(found)

    @cached_property
    def pairs(self) -> list[Outcome]:
        """The outcomes under two mistakes."""
        singles = self.singles
        found = list(self._together())
        pairing = {applied.mistake.code for applied in self._applied if applied.mistake.combinable}
        alone = [outcome for outcome in singles if outcome.code in pairing]
        found += self._scaled(alone)
        if self.target.quantity == "shape":
            found += self._rearranged(alone)
        return self._sorted(found)

    @cached_property
    def tools(self) -> list[Outcome]:
        """The outcomes under the counting rules of each tool."""
        found = []
        for tool in TOOLS:
            values = self._measure([], tool.contribution) if tool.quantity == self.target.quantity else None
            if values is not None:
                found.append(Outcome(codes=(tool.code,), clauses=(tool.name,), values=values, prior=Prior.OCCASIONAL))
        return found

    def _sorted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes by prior, without right ones and without duplicates."""
        seen = set()
        kept = []
        for outcome in sorted(outcomes, key=lambda each: each.prior):
            key = (outcome.codes, outcome.values)
            if outcome.values != self.target.actual.values and key not in seen:
                seen.add(key)
                kept.append(outcome)
        return kept

    def _mistaken(self) -> Iterator[Outcome]:
        """The outcomes under layer mistakes, first in the layers of the target, then in more, up to `MAX_WORK`."""
        seen: dict[Change, list[Values]] = {}
        for place in range(len(MistakeScope)):
            for mistake in LAYER_MISTAKES:
                scopes = self._scopes(mistake) if self.target.quantity in mistake.affects else ()
                if place >= len(scopes):
                    continue
                for rewrite in mistake.rewrites():
                    if self.work > MAX_WORK:
                        return
                    values = self._measure([rewrite], None, scopes[place])
                    before = seen.setdefault(rewrite.change, [self.target.actual.values])
                    if values is not None and values not in before:
                        before.append(values)
                        yield self._apply(mistake, rewrite, scopes[place], values)

    def _apply(self, mistake: LayerMistake, rewrite: Rewrite, scope: MistakeScope, values: Values) -> Outcome:
        broad = (
            scope is not MistakeScope.TARGET
            and mistake.scopes[0] is MistakeScope.TARGET
            and self.target.row is not None
        )
        clause = mistake.clause + " (not in this layer alone)" * broad
        self._applied.append(AppliedMistake(mistake=mistake, rewrite=rewrite, scope=scope, clause=clause))
        return Outcome(codes=(mistake.code,), clauses=(clause,), values=values, prior=mistake.prior + broad)

    def _scopes(self, mistake: LayerMistake) -> tuple[MistakeScope, ...]:
        """The scopes that matter: a mistake in counting other layers does not affect the target."""
        if not mistake.propagates and self.target.quantity not in FIELDS:
            return (MistakeScope.TARGET,)
        return mistake.scopes

    def _where(self, scope: MistakeScope) -> Collection[int] | None:
        if scope is MistakeScope.TARGET:
            return self.target.own
        return None if scope is MistakeScope.ALL else self.target.after_first_window

    def _counted(self) -> Iterator[Outcome]:
        for convention in CONVENTIONS:
            if self.target.quantity not in convention.affects:
                continue
            values = self._measure([], convention.contribution)
            if values is None or values == self.target.actual.values:
                continue
            self._applied.append(
                AppliedMistake(mistake=convention, contribution=convention.contribution, clause=convention.clause)
            )
            yield Outcome(codes=(convention.code,), clauses=(convention.clause,), values=values, prior=convention.prior)

    def _measure(
        self, rewrites: list[Rewrite], contribution: Contribution | None, scope: MistakeScope = MistakeScope.TARGET
    ) -> Values | None:
        target = self.target
        try:
            variation: Variation | None = None
            if rewrites:
                where = self._where(scope)
                self.work += target.last + 1 - (min(where, default=0) if where is not None else 0)
                variation = vary(target.graph, rewrites, where=where, last=target.last)
                if variation is None:
                    return None
            self.work += len(target.members)
            return target.measure(variation, contribution)
        except Impossible:
            return None

    def _together(self) -> Iterator[Outcome]:
        """The outcomes under two layer mistakes or conventions."""
        pairing = [each for each in self._applied if each.mistake.combinable]
        for one, other in combinations(pairing, 2):
            if one.mistake.code == other.mistake.code:
                continue
            if one.rewrite and other.rewrite and one.scope is not other.scope:
                continue
            if self.work > MAX_WORK:
                return
            rewrites = [each.rewrite for each in (one, other) if each.rewrite is not None]
            contributions = [each.contribution for each in (one, other) if each.contribution is not None]
            values = self._measure(rewrites, _either(contributions), one.scope if one.rewrite else other.scope)
            if values is None:
                continue
            codes, clauses = (one.mistake.code, other.mistake.code), (one.clause, other.clause)
            yield Outcome(codes=codes, clauses=clauses, values=values, prior=one.mistake.prior + other.mistake.prior)

    def _scaled(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome, scaling in product(outcomes, SCALINGS):
            if self.target.quantity not in scaling.affects or (outcome.codes and not scaling.combinable):
                continue
            if any(isinstance(value, str) or value < scaling.min_value for value in outcome.values):
                continue
            values = tuple(scaling.conversion(value) for value in outcome.values)
            yield outcome.then(
                Outcome(codes=(scaling.code,), clauses=(scaling.clause,), values=values, prior=scaling.prior)
            )

    def _rearranged(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            for found in rearranged(outcome.values, self.target.graph.layout):
                if found.prior == Prior.COMMON:
                    yield outcome.then(found)


def _either(contributions: list[Contribution]) -> Contribution | None:
    """Two conventions as one: the second applies to the layers that the first does not affect."""
    if len(contributions) < 2:
        return contributions[0] if contributions else None
    first, second = contributions

    def both(site: Site, counts: Counts, quantity: str) -> Number | None:
        own = first(site, counts, quantity)
        return own if own is not None else second(site, counts, quantity)

    return both
