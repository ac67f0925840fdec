"""The outcomes of a target under each mistake, alone and in pairs, computed once and then searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from archcalc.analysis.counts import Counts
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.chains import wrong_fields
from archcalc.diagnosis.layer_mistakes import LAYER_MISTAKES
from archcalc.diagnosis.mistake import (
    FIELDS,
    Contribution,
    Convention,
    LayerMistake,
    Mistake,
    MistakeScope,
    Outcome,
    Prior,
)
from archcalc.diagnosis.places import misplaced_figures, outcome_of, rearranged_sizes
from archcalc.diagnosis.registry import CODES, CONVENTIONS, SCALINGS
from archcalc.diagnosis.structures import final_softmax, restructured_figures
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.training import training_outcomes
from archcalc.diagnosis.variation import Change, OutputChange, Rewrite, Site, Variation, vary
from archcalc.numeric import Impossible, Number
from archcalc.numeric import product as size
from archcalc.query.targets import Values

MAX_WORK = 400_000
"""The maximum number of layers to evaluate for one target (some seconds of work).

In networks of thousands of layers, the remaining layer mistakes and pairs are not tried.
"""


ORDER = tuple(CODES)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AppliedMistake:
    """A mistake that changes the outcome of the target, in the form and scope in which it does."""

    mistake: LayerMistake | Convention
    rewrite: Rewrite | None = None
    contribution: Contribution | None = None
    scope: MistakeScope = MistakeScope.TARGET
    reason: Reason
    prior: int


class Outcomes:
    """The outcomes of one target; each list is sorted by prior."""

    def __init__(self, target: DiagnosedTarget, codes: Collection[str] = CODES) -> None:
        """Prepare the outcomes of a target under the mistakes with some codes."""
        self.target = target
        self.codes = frozenset(codes)
        self.correct = Outcome(values=target.actual.values)
        self.work = 0
        self._applied: list[AppliedMistake] = []

    @cached_property
    def singles(self) -> list[Outcome]:
        """The outcomes under one mistake."""
        target = self.target
        found = [*wrong_fields(target), *self._mistaken(), *self._counted(), *self._scaled([self.correct])]
        return self._sorted(
            [*found, *misplaced_figures(target), *restructured_figures(target), *training_outcomes(target)]
        )

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
        if self.target.quantity == "activations" and self.target.row is None:
            found += self._counts_of_tensors()
        return self._sorted(found)

    def _sorted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Return the outcomes by prior and in the order of the registry, without correct values, duplicates, and
        mistakes that are not asked for."""
        seen = set()
        kept = []
        for outcome in sorted(outcomes, key=lambda each: (each.prior, *map(ORDER.index, each.codes))):
            key = (outcome.reasons, outcome.values)
            if outcome.values != self.target.actual.values and key not in seen and self.codes.issuperset(outcome.codes):
                seen.add(key)
                kept.append(outcome)
        return kept

    def _mistaken(self) -> Iterator[Outcome]:
        """Yield the outcomes under layer mistakes: in the layers of the target, then in more, up to `MAX_WORK`."""
        seen: dict[Change | OutputChange, list[Values]] = {}
        for place in range(len(MistakeScope)):
            for mistake in LAYER_MISTAKES:
                scopes = self._scopes(mistake) if self._matters(mistake) else ()
                if place >= len(scopes):
                    continue
                for rewrite in mistake.rewrites():
                    if self.work > MAX_WORK:
                        return
                    values = self._measure([rewrite], None, scopes[place])
                    form = rewrite.change or rewrite.output
                    assert form is not None
                    before = seen.setdefault(form, [self.target.actual.values])
                    if values is not None and values not in before:
                        before.append(values)
                        yield self._apply(mistake, rewrite, scopes[place], values)

    def _matters(self, mistake: Mistake) -> bool:
        """Return whether a mistake is asked for and can affect the target."""
        return mistake.code in self.codes and self.target.quantity in mistake.affects

    def _apply(self, mistake: LayerMistake, rewrite: Rewrite, scope: MistakeScope, values: Values) -> Outcome:
        earlier = (
            scope is not MistakeScope.TARGET
            and mistake.scopes[0] is MistakeScope.TARGET
            and self.target.row is not None
            and self.target.quantity not in FIELDS
        )
        reason = Reason(mistake.code, kind=mistake.kind or self.kind, earlier=earlier)
        prior = mistake.prior_for(self.target.quantity) + earlier
        self._applied.append(AppliedMistake(mistake=mistake, rewrite=rewrite, scope=scope, reason=reason, prior=prior))
        return Outcome(reasons=(reason,), values=values, prior=prior)

    @cached_property
    def kind(self) -> str:
        """The kind of the layers of the target that sentences distinguish, if they all have the same."""
        ops = [self.target.node(index).op for index in self.target.members]
        if ops and all(op.kind == "dense" for op in ops):
            return "fully-connected"
        return "transposed" if ops and all(op.window_kind == "transposed" for op in ops) else ""

    def _scopes(self, mistake: LayerMistake) -> tuple[MistakeScope, ...]:
        """Return the scopes that matter: a mistake in counting other layers does not affect the target."""
        if not mistake.propagates and self.target.quantity not in FIELDS:
            return (MistakeScope.TARGET,)
        if self.target.quantity in FIELDS or self.target.row is None:
            return tuple([scope for scope in mistake.scopes if scope is not MistakeScope.NEAREST])
        return mistake.scopes

    def _where(self, scope: MistakeScope, rewrites: list[Rewrite]) -> Collection[int] | None:
        if scope is MistakeScope.TARGET:
            return self.target.own_nodes
        if scope is MistakeScope.NEAREST:
            return self._nearest(rewrites)
        return None if scope is MistakeScope.ALL else self.target.after_first_window

    def _nearest(self, rewrites: list[Rewrite]) -> Collection[int]:
        """Return the last node before the target at which mistakes can be made, if there is one."""
        graph = self.target.graph
        for index in range(min(self.target.own_nodes, default=0) - 1, -1, -1):
            node = graph.nodes[index]
            if not node.inputs:
                continue
            site = Site(node.op, graph.input_shapes(node))
            self.work += 1
            if all((rewrite.change or rewrite.output)(site) is not None for rewrite in rewrites):  # type: ignore[misc]
                return (index,)
        return ()

    def _counted(self) -> Iterator[Outcome]:
        for convention in CONVENTIONS:
            if not self._matters(convention):
                continue
            values = self._measure([], convention.contribution)
            if values is None or values == self.target.actual.values:
                continue
            reason = Reason(convention.code, kind=self.kind)
            prior = convention.prior_for(self.target.quantity)
            self._applied.append(
                AppliedMistake(mistake=convention, contribution=convention.contribution, reason=reason, prior=prior)
            )
            yield Outcome(reasons=(reason,), values=values, prior=prior)

    def _measure(
        self, rewrites: list[Rewrite], contribution: Contribution | None, scope: MistakeScope = MistakeScope.TARGET
    ) -> Values | None:
        target = self.target
        try:
            variation: Variation | None = None
            if rewrites:
                where = self._where(scope, rewrites)
                if where is not None and not where:
                    return None
                self.work += target.last + 1 - (min(where, default=0) if where is not None else 0)
                variation = vary(target.graph, rewrites, where=where, last=target.last)
                if variation is None:
                    return None
            self.work += len(target.members)
            return target.measure(variation, contribution)
        except Impossible:
            return None

    def _together(self) -> Iterator[Outcome]:
        """Yield the outcomes under two layer mistakes or conventions."""
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
            yield Outcome(reasons=(one.reason, other.reason), values=values, prior=one.prior + other.prior)

    def _scaled(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome, scaling in product(outcomes, SCALINGS):
            if not self._matters(scaling) or (outcome.reasons and not scaling.combinable):
                continue
            if any(isinstance(value, str) or value < scaling.min_value for value in outcome.values):
                continue
            values = tuple(scaling.conversion(value) for value in outcome.values)
            prior = scaling.prior_for(self.target.quantity)
            yield outcome.then(Outcome(reasons=(Reason(scaling.code, kind=self.kind),), values=values, prior=prior))

    def _counts_of_tensors(self) -> Iterator[Outcome]:
        """Yield the elements of all tensors with the input, in place or not, and with or without the softmax at the
        end."""
        target = self.target
        entered = sum(size(shape) for shape in target.graph.inputs.values()) * target.batch
        bases: list[tuple[Outcome, Contribution | None]] = [(self.correct, None)]
        for applied in self._applied:
            if applied.mistake.code == "in-place" and applied.contribution is not None:
                values = self._measure([], applied.contribution)
                assert values is not None
                only = Outcome(reasons=(applied.reason,), values=values, prior=applied.prior)
                bases.append((only, applied.contribution))
        for base, contribution in bases:
            counted = base.then(outcome_of("input-counted", (base.values[0] + entered,)))
            yield counted
            for other in final_softmax(target, contribution, counted.values):
                yield counted.then(other)

    def _rearranged(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            for written in rearranged_sizes(outcome.values, self.target.graph.layout):
                if written.prior == Prior.COMMON:
                    yield outcome.then(written)


def _either(contributions: list[Contribution]) -> Contribution | None:
    """Return two conventions as one: the second applies to the layers that the first does not affect."""
    if len(contributions) < 2:
        return contributions[0] if contributions else None
    first, second = contributions

    def both(site: Site, counts: Counts, quantity: str) -> Number | None:
        own = first(site, counts, quantity)
        return own if own is not None else second(site, counts, quantity)

    return both
