"""The origins of a printed number: a variant of the network, a convention, or the counting rules of a tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain as chained

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import PASSING, Judgement, Verdict
from archcalc.claims.claim_text import NetworkClaim
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import ENGLISH
from archcalc.diagnosis.chance import MAX_CHANCE_OF_MANY, chance, outcomes_nearby
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.outcomes import Outcomes
from archcalc.diagnosis.registry import CONVENTIONAL
from archcalc.diagnosis.relatives import differences, relatives
from archcalc.diagnosis.search import Match, search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.tools import TOOLS
from archcalc.query.targets import Values, resolve
from archcalc.spec import load_spec

MAX_ORIGINS = 8
"""The maximum number of origins reported for one number."""

MAX_ASSUMPTIONS = 2
"""With more assumptions (another network, conventions, truncation), an origin may be a coincidence."""

TOOLS_BY_CODE = {tool.code: tool for tool in TOOLS}


@dataclass(frozen=True, kw_only=True)
class Origin:
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
    """The source of the counting rules."""


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A claim in one line of text with its judgement and the origins of its number."""

    text: str
    judgement: Judgement
    origins: list[Origin]


def reconcile(asked: NetworkClaim) -> list[Origin]:
    """Return the known origins of the number of a claim, the simplest first.

    The search covers the network and the bundled networks of its family, counted by archcalc's definition of the
    quantity, by another convention, or as a tool counts. Two conventions at once are tried if nothing simpler gives the
    number.

    Raises:
        SpecError: the network does not exist.
        LookupError: the network has no such target; the arguments are a message and a hint.
        ValueError: the value cannot be read, or the claim is not about a number of one network.
    """
    if len(asked.networks) != 1:
        raise ValueError("the claim must be about one network, got several: there is no number to reconcile")
    (name,) = asked.networks
    target = asked.claim.target
    base = _analysis(name)
    interpretations = interpret(asked.claim.value, resolve(target, base))
    if any(claimed.other for claimed in interpretations):
        raise ValueError("the claim must give a number, got another target: there is no number to reconcile")
    family = {name: Outcomes(DiagnosedTarget(target, base))}
    for other in relatives(name):
        variant = _analysis(other)
        with suppress(LookupError):
            family[other] = Outcomes(DiagnosedTarget(target, variant))
    notes = {other: differences(base.graph, outcomes.target.graph) for other, outcomes in family.items()}
    for ways in (_simple_outcomes, _paired_outcomes):
        origins = [
            (_effort(match, network == name), _origin(network, match, notes[network]))
            for network, outcomes in family.items()
            for match in search(ways(outcomes), interpretations, outcomes.target.actual, verdicts=PASSING)
        ]
        tried = [outcome.values for outcomes in family.values() for outcome in ways(outcomes)]
        if _is_coincidence(interpretations[0], family[name].target.actual.values, tried):
            origins = [origin for origin in origins if origin[0][0] <= MAX_ASSUMPTIONS]
        if origins:
            origins.sort(key=lambda found: found[0])
            least = origins[0][0][0]
            return [origin for (assumed, *_), origin in origins if assumed <= least + _is_informative(origin)][
                :MAX_ORIGINS
            ]
    return []


def _is_coincidence(claimed: ClaimedValue, actual: Values, tried: Iterable[Values]) -> bool:
    """Return whether one of the outcomes that were tried is likely to agree with a number by chance."""
    return chance(claimed, actual, outcomes_nearby(claimed, actual, tried)) > MAX_CHANCE_OF_MANY


def _is_informative(origin: Origin) -> bool:
    """Return whether an origin is worth reporting in addition to a simpler one; numbers with few digits have very many
    origins."""
    return origin.verdict is not Verdict.TRUNCATED and (not origin.code or bool(origin.source))


def _simple_outcomes(outcomes: Outcomes) -> Iterable[Outcome]:
    """Return the outcomes by definition, under one convention, and by the counting rules of tools."""
    return chained([outcomes.correct], _conventions(outcomes.singles), outcomes.tools)


def _paired_outcomes(outcomes: Outcomes) -> Iterable[Outcome]:
    return _conventions(outcomes.pairs)


def _conventions(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    return (outcome for outcome in outcomes if CONVENTIONAL.issuperset(outcome.codes))


def _effort(match: Match, is_base: bool) -> tuple[int, int, int]:
    """Return the sort key of a match: the number of assumptions (network, convention, truncation), then the prior."""
    assumed = (not is_base) + len(match.outcome.reasons) + match.is_truncated
    return assumed, match.outcome.prior, match.verdict is Verdict.ROUNDS


def _origin(network: str, match: Match, difference: str) -> Origin:
    reasons = match.outcome.reasons
    outcome, tool = match.outcome, TOOLS_BY_CODE.get(reasons[0].code) if reasons else None
    if tool is not None:
        reasons = reasons[1:]
    value = "x".join(f"{round(v):,}" if isinstance(v, int | Fraction) else v for v in outcome.values)
    note = f" ({difference})" if difference else ""
    way = f" as {tool.name} counts" if tool else ""
    ending = ", truncated instead of rounded" if match.is_truncated else ""
    how = f". {ENGLISH.reasons(reasons)}" if reasons else ""
    return Origin(
        network=network,
        code=outcome.code,
        sentence=f"{network}{note} has {value}{way}{ending}{how}",
        verdict=match.verdict,
        value=value,
        source=tool.source if tool else "",
    )


def _analysis(spec: str) -> Analysis:
    return analyze(load_spec(spec).graph)
