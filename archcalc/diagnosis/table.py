"""What a target comes out as under each mistake, alone and in pairs: worked out once, then looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from math import ceil, floor

from archcalc.analysis.counts import Counts
from archcalc.claims.claim import Verdict
from archcalc.claims.compare import compare
from archcalc.claims.written import Statement
from archcalc.diagnosis.mistake import FIELDS, Convention, Misreading, Prior, Scaling, Scope, Tally
from archcalc.diagnosis.places import Misplaced, misplaced, rearranged
from archcalc.diagnosis.question import Question
from archcalc.diagnosis.registry import CONVENTIONS, MISREADINGS, SCALINGS
from archcalc.diagnosis.variation import Change, Rewrite, Site, Variation, vary
from archcalc.numeric import Impossible, Number
from archcalc.query.targets import Values

MOST_WORK = 400_000
"""Layers that may be worked through for one target (some seconds). Beyond, in networks of thousands of layers, what is
left of the mistakes about layers and of the pairs is not tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a target comes out as under one or two mistakes."""

    codes: tuple[str, ...]
    clauses: tuple[str, ...]
    values: Values
    prior: int

    @property
    def code(self) -> str:
        return "+".join(self.codes)

    @property
    def clause(self) -> str:
        return " and ".join(self.clauses)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A mistake that changes the outcome of this target, in the form in which it does."""

    mistake: Misreading | Convention
    rewrite: Rewrite | None
    tally: Tally | None
    scope: Scope
    clause: str


class Table:
    """The outcomes of one target."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.work = 0
        self._made: list[Made] = []

    @cached_property
    def singles(self) -> list[Outcome]:
        """The outcomes under one mistake each, the most common first."""
        found = [*self._misread(), *self._counted(), *self._scaled([self._right]), *self._misplaced()]
        return self._sorted(found)

    @cached_property
    def pairs(self) -> list[Outcome]:
        """The outcomes under two mistakes each, the most common first."""
        singles = self.singles
        found = list(self._together())
        pairing = {made.mistake.code for made in self._made if made.mistake.pairs}
        alone = [outcome for outcome in singles if outcome.code in pairing]
        found += self._scaled(alone)
        if self.question.quantity == "shape":
            found += self._rearranged(alone)
        return self._sorted(found)

    @property
    def _right(self) -> Outcome:
        return Outcome((), (), self.question.actual.values, 0)

    def _sorted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Without those that are right, and each code once per outcome."""
        seen = set()
        kept = []
        for outcome in sorted(outcomes, key=lambda each: each.prior):
            key = (outcome.codes, outcome.values)
            if outcome.values != self.question.actual.values and key not in seen:
                seen.add(key)
                kept.append(outcome)
        return kept

    def _misread(self) -> Iterator[Outcome]:
        """Each in the layers that are asked for, then in further ones, as far as the work may go."""
        seen: dict[Change, list[Values]] = {}
        for place in range(len(Scope)):
            for mistake in MISREADINGS:
                scopes = self._scopes(mistake) if self.question.quantity in mistake.of else ()
                if place >= len(scopes):
                    continue
                for rewrite in mistake.rewrites():
                    if self.work > MOST_WORK:
                        return
                    values = self._measure([rewrite], None, scopes[place])
                    before = seen.setdefault(rewrite.change, [self.question.actual.values])
                    if values is not None and values not in before:
                        before.append(values)
                        yield self._made_of(mistake, rewrite, scopes[place], values)

    def _made_of(self, mistake: Misreading, rewrite: Rewrite, scope: Scope, values: Values) -> Outcome:
        broad = scope is not Scope.HERE and mistake.scopes[0] is Scope.HERE and self.question.row is not None
        clause = mistake.clause + " (not in this layer alone)" * broad
        self._made.append(Made(mistake, rewrite, None, scope, clause))
        return Outcome((mistake.code,), (clause,), values, mistake.prior + broad)

    def _scopes(self, mistake: Misreading) -> tuple[Scope, ...]:
        """Where it matters that a mistake is made: in counting, what other layers are taken for changes nothing."""
        if not mistake.flows and self.question.quantity not in FIELDS:
            return (Scope.HERE,)
        return mistake.scopes

    def _where(self, scope: Scope) -> Collection[int] | None:
        if scope is Scope.HERE:
            return self.question.own
        return None if scope is Scope.ALL else self.question.behind_the_first

    def _counted(self) -> Iterator[Outcome]:
        for convention in CONVENTIONS:
            if self.question.quantity not in convention.of:
                continue
            values = self._measure([], convention.tally)
            if values is None or values == self.question.actual.values:
                continue
            self._made.append(Made(convention, None, convention.tally, Scope.HERE, convention.clause))
            yield Outcome((convention.code,), (convention.clause,), values, convention.prior)

    def _measure(self, rewrites: list[Rewrite], tally: Tally | None, scope: Scope = Scope.HERE) -> Values | None:
        question = self.question
        try:
            variation: Variation | None = None
            if rewrites:
                where = self._where(scope)
                self.work += question.last + 1 - (min(where, default=0) if where is not None else 0)
                variation = vary(question.graph, rewrites, where=where, last=question.last)
                if variation is None:
                    return None
            self.work += len(question.members)
            return question.measure(variation, tally)
        except Impossible:
            return None

    def _together(self) -> Iterator[Outcome]:
        """Two misreadings or conventions at a time."""
        made = [each for each in self._made if each.mistake.pairs]
        for one, other in combinations(made, 2):
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
            yield Outcome(codes, clauses, values, one.mistake.prior + other.mistake.prior)

    def _scaled(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome, scaling in product(outcomes, SCALINGS):
            if self.question.quantity not in scaling.of or (outcome.codes and not scaling.pairs):
                continue
            if any(isinstance(value, str) or value < scaling.least for value in outcome.values):
                continue
            values = tuple(scaling.by(value) for value in outcome.values)
            prior = outcome.prior + scaling.prior
            yield Outcome((*outcome.codes, scaling.code), (*outcome.clauses, scaling.clause), values, prior)

    def _misplaced(self) -> Iterator[Outcome]:
        for found in misplaced(self.question):
            yield _as_outcome(found, self._right)

    def _rearranged(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            for found in rearranged(outcome.values, self.question.graph.layout):
                if found.prior is Prior.COMMON:
                    yield _as_outcome(found, outcome)


def _as_outcome(found: Misplaced, before: Outcome) -> Outcome:
    codes, clauses = (*before.codes, found.code), (*before.clauses, found.clause)
    return Outcome(codes, clauses, found.values, before.prior + found.prior)


def _either(tallies: list[Tally]) -> Tally | None:
    """Conventions together: each has its say where the ones before have none."""
    if len(tallies) < 2:
        return tallies[0] if tallies else None
    first, second = tallies

    def both(site: Site, counts: Counts, quantity: str) -> Number | None:
        own = first(site, counts, quantity)
        return own if own is not None else second(site, counts, quantity)

    return both


ROUNDED_ONLY = frozenset(each.code for each in SCALINGS if isinstance(each, Scaling) and each.only_rounded)


def matching(
    outcomes: list[Outcome], statement: Statement, question: Question, *, cut_off: bool = False
) -> list[Outcome]:
    """The outcomes that are what is written, or are it cut off after the digits written; one for each code."""
    rounded = any(number.tolerance for number in statement.numbers)
    wanted = (Verdict.TRUNCATED,) if cut_off else (Verdict.EXACT, Verdict.ROUNDS)
    found: dict[str, Outcome] = {}
    for outcome in _near(outcomes, statement):
        if not rounded and not ROUNDED_ONLY.isdisjoint(outcome.codes):
            continue
        if question.quantity == "shape" and len(outcome.values) != len(statement.numbers):
            continue
        actual = question.actual._replace(values=outcome.values)
        if compare([statement], actual) in wanted:
            found.setdefault(outcome.code, outcome)
    return list(found.values())


def _near(outcomes: list[Outcome], statement: Statement) -> list[Outcome]:
    """Those whose one number is near the one that is written: comparing exactly takes longer."""
    if len(statement.numbers) != 1 or statement.in_bytes or statement.relation != "=":
        return outcomes
    (number,) = statement.numbers
    low, high = floor(number.value - 2 * number.tolerance), ceil(number.value + 2 * number.tolerance)
    return [each for each in outcomes if len(each.values) != 1 or _between(low, each.values[0], high)]


def _between(low: int, value: Fraction | int | str, high: int) -> bool:
    return isinstance(value, str) or low <= value <= high
