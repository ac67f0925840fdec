"""The origins of a printed number: a variant of the network, a convention, or the counting rules of a tool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import PASSING, Judgement, Verdict
from archcalc.claims.claim_text import NetworkClaim
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import ENGLISH
from archcalc.counters.assumed_trace import FORMS
from archcalc.counters.count import Count
from archcalc.counters.network import counts_in_forms, counts_of
from archcalc.diagnosis.chance import MAX_CHANCE_OF_MANY, chance, outcomes_nearby
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.outcomes import Outcomes
from archcalc.diagnosis.printed_counts import COUNTED, COUNTED_IN_BYTES, PrintedCount, printed_counts
from archcalc.diagnosis.registry import CONVENTIONAL
from archcalc.diagnosis.relatives import differences, relatives
from archcalc.diagnosis.search import Match, search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.query.targets import Values, resolve
from archcalc.spec import GivenSettings, Spec, load_spec
from archcalc.spec.models import ModelFile
from archcalc.spec.records import AS_WRITTEN

MAX_ORIGINS = 16
"""The maximum number of origins reported for one number: all tools, and the definitions of two variants."""

MAX_ASSUMPTIONS = 2
"""With more assumptions (another network, conventions, truncation), an origin may be a coincidence."""


@dataclass(frozen=True, kw_only=True)
class NumberOrigin:
    """One way to arrive at a number."""

    network: str
    """The SPEC of the network that is counted."""
    code: str
    """The code of the convention or tool; empty for archcalc's own definition of the quantity."""
    sentence: str
    verdict: Verdict
    """Exact, rounds or truncated."""
    value: str
    """The exact number."""
    source: str = ""
    """The files and functions of the tool that define what it counts."""
    tools: tuple[str, ...] = ()
    """The tools that print this number, with versions and settings, the most usual first."""
    count: Count | None = None
    """How the first of them comes to the number, with the terms that lead there; ``None`` for a layer."""


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A claim in one line of text with its judgement and the origins of its number."""

    text: str
    judgement: Judgement
    origins: list[NumberOrigin]
    options: tuple[str, ...] = ()
    """The options of the command line that give the sizes and variables of the network."""


@dataclass(frozen=True, eq=False)
class _Network:
    """A network that a number may be about."""

    name: str
    outcomes: Outcomes
    model: ModelFile | None
    difference: str
    """What differs from the network of the claim; empty for that itself."""
    in_bytes: bool

    @cached_property
    def printed(self) -> list[PrintedCount]:
        """What tools print for it."""
        return self._printed(lambda analysis, model: {"": counts_of(analysis, model)})

    @cached_property
    def printed_in_forms(self) -> list[PrintedCount]:
        """The same, even if some of its layers are built otherwise."""
        return self._printed(counts_in_forms)

    def _printed(self, forms: Callable[[Analysis, ModelFile | None], Mapping[str, list[Count]]]) -> list[PrintedCount]:
        target = self.outcomes.target
        if target.quantity not in (COUNTED_IN_BYTES if self.in_bytes else COUNTED):
            return []
        return printed_counts(target, forms(target.analysis, self.model), in_bytes=self.in_bytes)


def reconcile(asked: NetworkClaim, given: GivenSettings = AS_WRITTEN) -> list[NumberOrigin]:
    """Return the known origins of the number of a claim, the simplest first, and of equally simple ones the most usual.

    The search covers the network, its variants, and the bundled networks of its family. It tries archcalc's definition
    of the quantity and everything that tools print (see `archcalc.counters`); if nothing of that is the number, what
    tools print if some layers are built otherwise than assumed; then other conventions; then two conventions at once.

    Args:
        asked: The claim.
        given: The sizes and variables of the network; others of its family are tried only if nothing is given.

    Raises:
        SpecError: the network does not exist.
        LookupError: the network has no such target; the arguments are a message and a hint.
        ValueError: the value cannot be read, or the claim is not about a number of one network.
    """
    if len(asked.networks) != 1:
        raise ValueError("the claim must be about one network, got several: there is no number to reconcile")
    (name,) = asked.networks
    target = asked.claim.target
    if " / " in target:
        raise ValueError("the claim must be about one target, got a ratio: there is no number to reconcile")
    spec = load_spec(name, given)
    base = analyze(spec.graph)
    interpretations = interpret(asked.claim.value, resolve(target, base))
    in_bytes = any(claimed.in_bytes for claimed in interpretations)
    if any(claimed.other for claimed in interpretations):
        raise ValueError("the claim must give a number, got another target: there is no number to reconcile")
    family = [_network(name, target, spec, base, in_bytes)]
    for other in relatives(name) if given == AS_WRITTEN else ():
        with suppress(LookupError):
            family.append(_network(other, target, load_spec(other), base, in_bytes))
    for ways in (_known, _in_forms, _conventional, _paired):
        origins = _unlike(_origins(family, ways, interpretations))
        if origins:
            least = origins[0][0][0]
            return [origin for (assumed, *_), origin in origins if assumed <= least + _is_informative(origin)][
                :MAX_ORIGINS
            ]
    return []


def _network(name: str, target: str, spec: Spec, base: Analysis, in_bytes: bool) -> _Network:
    """Return a network with what tools print for the target.

    Raises:
        LookupError: The network has no such target.
    """
    analysis = base if base.graph is spec.graph else analyze(spec.graph)
    diagnosed = DiagnosedTarget(target, analysis)
    return _Network(name, Outcomes(diagnosed, CONVENTIONAL), spec.model, differences(base.graph, spec.graph), in_bytes)


_Ways: TypeAlias = Callable[[_Network], Iterable[Outcome]]


def _known(network: _Network) -> Iterable[Outcome]:
    """Return the outcomes by definition, and by the counting rules of tools."""
    return [network.outcomes.correct, *(each.outcome for each in network.printed)]


def _in_forms(network: _Network) -> Iterable[Outcome]:
    """Return the outcomes by the rules of tools if some layers are built otherwise than assumed."""
    return [each.outcome for each in network.printed_in_forms if each.outcome.reasons[-1].code in FORMS]


def _conventional(network: _Network) -> Iterable[Outcome]:
    return network.outcomes.singles


def _paired(network: _Network) -> Iterable[Outcome]:
    return network.outcomes.pairs


_Effort: TypeAlias = tuple[int, int, int]
"""How many assumptions an origin needs (network, convention, truncation), then the prior."""


def _origins(
    family: list[_Network], ways: _Ways, interpretations: list[ClaimedValue]
) -> list[tuple[_Effort, NumberOrigin]]:
    """Return the origins among some outcomes, with their efforts, without those that agree by chance."""
    found = []
    tried = []
    for network in family:
        outcomes, actual = list(ways(network)), network.outcomes.target.actual
        tried += [outcome.values for outcome in outcomes]
        for match in search(outcomes, interpretations, actual, verdicts=PASSING):
            found.append((_effort(match, is_base=network is family[0]), _origin(network, match)))
    if _is_coincidence(interpretations[0], family[0].outcomes.target.actual.values, tried):
        found = [origin for origin in found if origin[0][0] <= MAX_ASSUMPTIONS]
    return sorted(found, key=lambda origin: origin[0])


def _unlike(origins: list[tuple[_Effort, NumberOrigin]]) -> list[tuple[_Effort, NumberOrigin]]:
    """Return the first origin of each tool, and of each number without a tool: a network and its variants have the
    same, or differ in less than was written."""
    first: dict[str, tuple[_Effort, NumberOrigin]] = {}
    for effort, origin in origins:
        first.setdefault(
            origin.code.partition("+")[0] if origin.tools else f"{origin.code} {origin.value}", (effort, origin)
        )
    return list(first.values())


def _is_coincidence(claimed: ClaimedValue, actual: Values, tried: Iterable[Values]) -> bool:
    """Return whether one of the outcomes that were tried is likely to agree with a number by chance."""
    return chance(claimed, actual, outcomes_nearby(claimed, actual, tried)) > MAX_CHANCE_OF_MANY


def _is_informative(origin: NumberOrigin) -> bool:
    """Return whether an origin is worth reporting in addition to a simpler one; numbers with few digits have very
    many origins."""
    return origin.verdict is not Verdict.TRUNCATED and (not origin.code or bool(origin.tools))


def _effort(match: Match, *, is_base: bool) -> _Effort:
    assumed = (not is_base) + len(match.outcome.reasons) + match.is_truncated
    return assumed, match.outcome.prior, match.verdict is Verdict.ROUNDS


def _origin(network: _Network, match: Match) -> NumberOrigin:
    outcome, reasons = match.outcome, match.outcome.reasons
    known = network.printed_in_forms if not FORMS.keys().isdisjoint(outcome.codes) else network.printed
    counts = next((each.counts for each in known if each.outcome is outcome), ())
    value = "x".join(f"{round(v):,}" if isinstance(v, int | Fraction) else v for v in outcome.values)
    note = f" ({network.difference})" if network.difference else ""
    way = ""
    if counts:
        reasons = reasons[1:]
        named = _named_tools(counts)
        way = f" as {', '.join(named[:-1])}{' and ' * (len(named) > 1)}{named[-1]} count{'s' * (len(named) == 1)}"
    ending = ", truncated instead of rounded" if match.is_truncated else ""
    how = f". {ENGLISH.reasons(reasons)}" if reasons else ""
    return NumberOrigin(
        network=network.name,
        code=outcome.code,
        sentence=f"{network.name}{note} has {value}{way}{ending}{how}",
        verdict=match.verdict,
        value=value,
        source=f"{counts[0].tool.key}: {counts[0].tool.sources}" if counts else "",
        tools=tuple(count.tool.key for count in counts),
        count=counts[0] if counts and network.outcomes.target.row is None else None,
    )


def _named_tools(counts: Sequence[Count]) -> list[str]:
    """Return the names of the tools of counts, each in its first version and setting."""
    return list({count.tool.name: count.tool.key for count in reversed(counts)}.values())[::-1]
