"""Which variant of a network, which convention, or which tool's habit gives a number that somebody prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import PASSING, Judgement, Verdict
from archcalc.claims.claim_text import NetworkClaim
from archcalc.claims.compare import interpret
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.outcomes import Outcomes
from archcalc.diagnosis.registry import CONVENTIONAL
from archcalc.diagnosis.relatives import differences, relatives
from archcalc.diagnosis.search import Match, search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.tools import TOOLS
from archcalc.query.targets import resolve
from archcalc.spec import load_spec

MOST = 8
"""Readings of one number."""

TOOL = {tool.code: tool for tool in TOOLS}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way in which a number comes about."""

    network: str
    """The spec that it is counted on."""
    code: str
    """Of the convention or the tool; empty for archcalc's own definition of the quantity."""
    sentence: str
    verdict: Verdict
    """Exact, rounds or truncated."""
    value: str
    """The number in full."""
    source: str = ""
    """Where the convention or the habit is documented."""


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A claim in one line of text, whether it holds, and how its number comes about."""

    text: str
    judgement: Judgement
    readings: list[Reading]


def reconcile(asked: NetworkClaim) -> list[Reading]:
    """Return the ways in which the number of a claim comes about, the simplest first; none if none is known.

    On the network itself and on the bundled ones of its family: by archcalc's definition of the quantity, by another
    convention, as a tool counts. Two conventions together are tried if nothing simpler gives the number.

    Raises:
        SpecError: there is no such network.
        LookupError: it has no such target; the arguments are a message and a hint.
        ValueError: what is written is not a value, or the claim is about several networks.
    """
    if len(asked.networks) != 1:
        raise ValueError("a claim about several networks holds or not: there is nothing to reconcile")
    (name,) = asked.networks
    target = asked.claim.target
    base = _analysis(name)
    interpretations = interpret(asked.claim.value, resolve(target, base))
    if any(claimed.other for claimed in interpretations):
        raise ValueError("two targets are compared: there is no number to reconcile")
    family = {name: Outcomes(DiagnosedTarget(target, base))}
    for other in relatives(name):
        variant = _analysis(other)
        with suppress(LookupError):
            family[other] = Outcomes(DiagnosedTarget(target, variant))
    notes = {other: differences(base.graph, outcomes.target.graph) for other, outcomes in family.items()}
    for ways in (_plain_ways, _paired_ways):
        readings = [
            (_effort(match, network == name), _reading(network, match, notes[network]))
            for network, outcomes in family.items()
            for match in search(ways(outcomes), interpretations, outcomes.target.actual, verdicts=PASSING)
        ]
        if readings:
            readings.sort(key=lambda found: found[0])
            least = readings[0][0][0]
            return [reading for (assumed, *_), reading in readings if assumed <= least + _is_telling(reading)][:MOST]
    return []


def _is_telling(reading: Reading) -> bool:
    """Whether it is worth knowing beside a simpler one: numbers with few digits have any number of explanations."""
    return reading.verdict is not Verdict.TRUNCATED and (not reading.code or bool(reading.source))


def _plain_ways(outcomes: Outcomes) -> Iterable[Outcome]:
    """The definition, one convention, a tool."""
    return chain([outcomes.right], _conventions(outcomes.singles), outcomes.tools)


def _paired_ways(outcomes: Outcomes) -> Iterable[Outcome]:
    return _conventions(outcomes.pairs)


def _conventions(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    return (outcome for outcome in outcomes if CONVENTIONAL.issuperset(outcome.codes))


def _effort(match: Match, is_base: bool) -> tuple[int, int, int]:
    """How much has to be assumed: another network, a convention, that digits were cut off."""
    assumed = (not is_base) + bool(match.outcome.codes) + match.cut_off
    return assumed, match.outcome.prior, match.verdict is Verdict.ROUNDS


def _reading(network: str, match: Match, difference: str) -> Reading:
    outcome, tool = match.outcome, TOOL.get(match.outcome.code)
    value = "x".join(f"{round(v):,}" if isinstance(v, int | Fraction) else v for v in outcome.values)
    note = f" ({difference})" if difference else ""
    way = f" as {tool.name} counts" if tool else f" if {outcome.clause}" if outcome.codes else ""
    ending = ", truncated instead of rounded" if match.cut_off else ""
    return Reading(
        network=network,
        code=outcome.code,
        sentence=f"{network}{note} has {value}{way}{ending}",
        verdict=match.verdict,
        value=value,
        source=tool.source if tool else "",
    )


def _analysis(spec: str) -> Analysis:
    return analyze(load_spec(spec).graph)
