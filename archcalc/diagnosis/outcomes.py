"""What a target comes out as under each mistake, alone and in pairs: worked out once, then looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import FIELDS, Convention, Misreading, Outcome, Prior, Scope, Tally
from archcalc.diagnosis.places import misplaced, rearranged
from archcalc.diagnosis.registry import CONVENTIONS, MISREADINGS, SCALINGS
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.tools import TOOLS
from archcalc.diagnosis.variation import Change, Rewrite, Site, Variation, vary
from archcalc.numeric import Impossible, Number
from archcalc.query.targets import Values

MOST_WORK = 400_000
"""Layers that may be worked through for one target (some seconds). Beyond, in networks of thousands of layers, what is
left of the mistakes about layers and of the pairs is not tried."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AppliedMistake:
    """A mistake that changes the outcome of this target, in the form in which it does."""

    mistake: Misreading | Convention
    rewrite: Rewrite | None = None
    tally: Tally | None = None
    scope: Scope = Scope.HERE
    clause: str


class Outcomes:
    """The outcomes of one target; those in a list are sorted by their priors."""

    def __init__(self, target: DiagnosedTarget) -> None:
        self.target = target
        self.right = Outcome(values=target.actual.values)
        self.work = 0
        self._applied: list[AppliedMistake] = []

    @cached_property
    def singles(self) -> list[Outcome]:
        """The outcomes under one mistake each."""
        found = [*self._misread(), *self._counted(), *self._scaled([self.right]), *misplaced(self.target)]
        return self._sorted(found)

    @cached_property
    def pairs(self) -> list[Outcome]:
        """The outcomes under two mistakes each."""
        singles = self.singles
        found = list(self._together())
        pairing = {applied.mistake.code for applied in self._applied if applied.mistake.pairs}
        alone = [outcome for outcome in singles if outcome.code in pairing]
        found += self._scaled(alone)
        if self.target.quantity == "shape":
            found += self._rearranged(alone)
        return self._sorted(found)

    @cached_property
    def tools(self) -> list[Outcome]:
        """What each tool prints for the target."""
        found = []
        for tool in TOOLS:
            values = self._measure([], tool.tally) if tool.quantity == self.target.quantity else None
            if values is not None:
                found.append(Outcome(codes=(tool.code,), clauses=(tool.name,), values=values, prior=Prior.USUAL))
        return found

    def _sorted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Without those that are right, and each code once per outcome."""
        seen = set()
        kept = []
        for outcome in sorted(outcomes, key=lambda each: each.prior):
            key = (outcome.codes, outcome.values)
            if outcome.values != self.target.actual.values and key not in seen:
                seen.add(key)
                kept.append(outcome)
        return kept

    def _misread(self) -> Iterator[Outcome]:
        """Each in the layers that are asked for, then in further ones, as far as the work may go."""
        seen: dict[Change, list[Values]] = {}
        for place in range(len(Scope)):
            for mistake in MISREADINGS:
                scopes = self._scopes(mistake) if self.target.quantity in mistake.of else ()
                if place >= len(scopes):
                    continue
                for rewrite in mistake.rewrites():
                    if self.work > MOST_WORK:
                        return
                    values = self._measure([rewrite], None, scopes[place])
                    before = seen.setdefault(rewrite.change, [self.target.actual.values])
                    if values is not None and values not in before:
                        before.append(values)
                        yield self._apply(mistake, rewrite, scopes[place], values)

    def _apply(self, mistake: Misreading, rewrite: Rewrite, scope: Scope, values: Values) -> Outcome:
        broad = scope is not Scope.HERE and mistake.scopes[0] is Scope.HERE and self.target.row is not None
        clause = mistake.clause + " (not in this layer alone)" * broad
        self._applied.append(AppliedMistake(mistake=mistake, rewrite=rewrite, scope=scope, clause=clause))
        return Outcome(codes=(mistake.code,), clauses=(clause,), values=values, prior=mistake.prior + broad)

    def _scopes(self, mistake: Misreading) -> tuple[Scope, ...]:
        """Where it matters that a mistake is made: in counting, what other layers are taken for changes nothing."""
        if not mistake.flows and self.target.quantity not in FIELDS:
            return (Scope.HERE,)
        return mistake.scopes

    def _where(self, scope: Scope) -> Collection[int] | None:
        if scope is Scope.HERE:
            return self.target.own
        return None if scope is Scope.ALL else self.target.behind_the_first

    def _counted(self) -> Iterator[Outcome]:
        for convention in CONVENTIONS:
            if self.target.quantity not in convention.of:
                continue
            values = self._measure([], convention.tally)
            if values is None or values == self.target.actual.values:
                continue
            self._applied.append(AppliedMistake(mistake=convention, tally=convention.tally, clause=convention.clause))
            yield Outcome(codes=(convention.code,), clauses=(convention.clause,), values=values, prior=convention.prior)

    def _measure(self, rewrites: list[Rewrite], tally: Tally | None, scope: Scope = Scope.HERE) -> Values | None:
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
            return target.measure(variation, tally)
        except Impossible:
            return None

    def _together(self) -> Iterator[Outcome]:
        """Two misreadings or conventions at a time."""
        pairing = [each for each in self._applied if each.mistake.pairs]
        for one, other in combinations(pairing, 2):
            if one.mistake.code == other.mistake.code:
                continue
            if one.rewrite and other.rewrite and one.scope is not other.scope:
                continue
            if self.work > MOST_WORK:
                return
            rewrites = [each.rewrite for each in (one, other) if each.rewrite is not None]
            tallies = [each.tally for each in (one, other) if each.tally is not None]
            values = self._measure(rewrites, _either(tallies), one.scope if one.rewrite else other.scope)
            if values is None:
                continue
            codes, clauses = (one.mistake.code, other.mistake.code), (one.clause, other.clause)
            yield Outcome(codes=codes, clauses=clauses, values=values, prior=one.mistake.prior + other.mistake.prior)

    def _scaled(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome, scaling in product(outcomes, SCALINGS):
            if self.target.quantity not in scaling.of or (outcome.codes and not scaling.pairs):
                continue
            if any(isinstance(value, str) or value < scaling.least for value in outcome.values):
                continue
            values = tuple(scaling.by(value) for value in outcome.values)
            yield outcome.then(
                Outcome(codes=(scaling.code,), clauses=(scaling.clause,), values=values, prior=scaling.prior)
            )

    def _rearranged(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            for found in rearranged(outcome.values, self.target.graph.layout):
                if found.prior == Prior.COMMON:
                    yield outcome.then(found)


def _either(tallies: list[Tally]) -> Tally | None:
    """Conventions together: each has its say where the ones before have none."""
    if len(tallies) < 2:
        return tallies[0] if tallies else None
    first, second = tallies

    def both(site: Site, counts: Counts, quantity: str) -> Number | None:
        own = first(site, counts, quantity)
        return own if own is not None else second(site, counts, quantity)

    return both
