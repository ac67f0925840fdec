"""Which variant of a network, which convention, or which tool's habit gives a number that somebody prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import Claim, Verdict
from archcalc.claims.compare import compare, meanings
from archcalc.diagnosis.mistake import Prior
from archcalc.diagnosis.question import Question as Asked
from archcalc.diagnosis.registry import CONVENTIONAL
from archcalc.diagnosis.table import Outcome, Table
from archcalc.diagnosis.tools import TOOLS
from archcalc.graph import Graph
from archcalc.numeric import Impossible
from archcalc.query.quantities import MEASURED, is_measured
from archcalc.query.targets import Values, resolve
from archcalc.spec import bundled, load_spec

MOST = 8
"""Readings of one number."""

_RELATION = r"\s*(?P<relation><=|>=|≤|≥|<|(?<!-)>|≈|~|=|:|\bis\b)\s*(?P<value>.+)"
_ASKED = (
    re.compile(rf"(?P<left>.*[\s.](?:{'|'.join(MEASURED)})){_RELATION}", re.DOTALL),
    re.compile(rf"(?P<left>.+?){_RELATION}", re.DOTALL),  # a quantity that nobody knows is told later
)


class Question(NamedTuple):
    """A claim as somebody says it, and the networks it is about."""

    networks: tuple[str, ...]
    """Specs; with several, targets carry their names in front."""
    claim: Claim


@dataclass(frozen=True)
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


def parse_claim_text(text: str) -> Question:
    """Read ``resnet50 macs = 3.8G``, ``resnet50 conv1.params is 9,408``, ``vgg-e.params > vgg-d.params``.

    Raises:
        ValueError: it is not of such a form; the message says what is expected.
    """
    match = next(filter(None, (pattern.fullmatch(text.strip()) for pattern in _ASKED)), None)
    if match is None:
        raise ValueError(f"'{text.strip()[:60]}' is not a claim, such as: resnet50 macs = 3.8G")
    relation = "" if match["relation"] in ("=", ":", "is") else f"{match['relation']} "
    *before, target = match["left"].rsplit(None, 1)
    if before:
        return Question((before[0].strip(),), Claim(target, relation + match["value"]))
    network, target = _parted(target)
    if relation and _is_target(match["value"]):
        other, _ = _parted(match["value"])
        both = dict.fromkeys((network, other))
        return Question(tuple(both), Claim(f"{network}.{target}", relation + match["value"]))
    return Question((network,), Claim(target, relation + match["value"]))


def _is_target(text: str) -> bool:
    return is_measured(text.strip().rpartition(".")[2])


def _parted(target: str) -> tuple[str, str]:
    """The network in front of a target: a bundled name, a file, or what stands before the first dot."""
    known = [name for name in bundled() if target.startswith(f"{name}.")]
    if known:
        network = max(known, key=len)
    else:
        file = re.match(r".*\.(?:ya?ml|json)(?=\.)", target)
        network = file.group() if file else target.partition(".")[0]
    rest = target[len(network) + 1 :]
    if not rest:
        raise ValueError(f"'{target[:60]}' names no network: write for example resnet50 {target[:40]}")
    return network, rest


def reconcile(question: Question) -> list[Reading]:
    """The ways in which the number of a question comes about, the simplest first; none if none is known.

    On the network itself and on the bundled ones of its family: by archcalc's definition of the quantity, by another
    convention, as a tool counts. Two conventions together are tried if nothing simpler gives the number.

    Raises:
        SpecError: there is no such network.
        LookupError: it has no such target; the arguments are a message and a hint.
        ValueError: what is written is not a value, or the question is about several networks.
    """
    if len(question.networks) != 1:
        raise ValueError("a claim about several networks holds or not: there is nothing to reconcile")
    (name,) = question.networks
    target = question.claim.target
    base = _analysis(name)
    statements = meanings(question.claim.value, resolve(target, base))
    if any(statement.other for statement in statements):
        raise ValueError("two targets are compared: there is no number to reconcile")
    tables = {name: Table(Asked(target, base))}
    for other in relatives(name):
        variant = _analysis(other)
        with suppress(LookupError):
            tables[other] = Table(Asked(target, variant))
    notes = {other: differences(base.graph, table.question.graph) for other, table in tables.items()}
    for outcomes in (_plain_ways, _paired_ways):
        readings: list[tuple[tuple[int, int, int], Reading]] = []
        for network, table in tables.items():
            for way in outcomes(table):
                verdict = compare(statements, table.question.actual._replace(values=way.values))
                if verdict is not Verdict.WRONG:
                    readings.append((_effort(way, verdict, network == name), _reading(network, way, verdict, notes)))
        if readings:
            readings.sort(key=lambda found: found[0])
            least = readings[0][0][0]
            return [reading for (assumed, *_), reading in readings if assumed <= least + _is_telling(reading)][:MOST]
    return []


def _is_telling(reading: Reading) -> bool:
    """Whether it is worth knowing beside a simpler one: numbers with few digits have any number of explanations."""
    return reading.verdict is not Verdict.TRUNCATED and (not reading.code or bool(reading.source))


class Way(NamedTuple):
    """A way to count, and what comes of it."""

    code: str
    clause: str
    values: Values
    prior: int
    source: str = ""


def _plain_ways(table: Table) -> Iterator[Way]:
    """The definition, one convention, a tool."""
    yield Way("", "", table.question.actual.values, 0)
    yield from _conventions(table.singles)
    for tool in TOOLS:
        if tool.quantity != table.question.quantity:
            continue
        with suppress(Impossible):
            values = table.question.measure(None, tool.tally)
            if values is not None:
                yield Way(tool.code, f"as {tool.name} counts", values, Prior.USUAL, tool.source)


def _paired_ways(table: Table) -> Iterator[Way]:
    yield from _conventions(table.pairs)


def _conventions(outcomes: list[Outcome]) -> Iterator[Way]:
    for outcome in outcomes:
        if CONVENTIONAL.issuperset(outcome.codes):
            yield Way(outcome.code, f"if {outcome.clause}", outcome.values, outcome.prior)


def _effort(way: Way, verdict: Verdict, is_base: bool) -> tuple[int, int, int]:
    """How much has to be assumed: another network, a convention, that digits were cut off."""
    assumed = (not is_base) + bool(way.code) + (verdict is Verdict.TRUNCATED)
    return assumed, way.prior, verdict is Verdict.ROUNDS


def _reading(network: str, way: Way, verdict: Verdict, notes: dict[str, str]) -> Reading:
    value = "x".join(f"{round(v):,}" if isinstance(v, int | Fraction) else v for v in way.values)
    ending = ", cut off where it should be rounded" if verdict is Verdict.TRUNCATED else ""
    note = f" ({notes[network]})" if notes[network] else ""
    clause = f" {way.clause}" if way.clause else ""
    return Reading(network, way.code, f"{network}{note} has {value}{clause}{ending}", verdict, value, way.source)


def relatives(name: str) -> list[str]:
    """The bundled networks of the same family: their names have all parts of this one, or are part of it."""
    names = bundled()
    if name not in names:
        return []
    parts = {each: _parts_of(each) for each in names}
    near = [each for each in names if parts[each] < parts[name]]
    roots = [name, *near]
    return [each for each in names if each != name and any(parts[root] <= parts[each] for root in roots)]


def _parts_of(name: str) -> frozenset[str]:
    """``resnet50-v1.5`` is a resnet, a 50 and a v1.5; ``resnet-v1-50-slim`` is a resnet, a v1, a 50 and a slim."""
    return frozenset(part for word in name.split("-") for part in (re.findall(r"^[a-z]{2,}|.+", word) or [word]))


def differences(base: Graph, other: Graph) -> str:
    """What sets a network apart from another one, in a few words; nothing if they are alike."""
    if base is other:
        return ""
    ours, theirs = [node for _, node in base.layers()], [node for _, node in other.layers()]
    if [node.op.name for node in ours] != [node.op.name for node in theirs]:
        counts = Counter(node.op.name for node in theirs)
        counts.subtract(Counter(node.op.name for node in ours))
        changed = [
            f"{abs(number)} {name} {'more' if number > 0 else 'fewer'}" for name, number in counts.items() if number
        ]
        return ", ".join(changed[:3]) or "other layers"
    differing: Counter[str] = Counter()
    for one, two in zip(ours, theirs, strict=True):
        before, after = one.op.attributes(), two.op.attributes()
        differing.update(key for key in before if before[key] != after[key])
    return ", ".join(
        f"{key} differs in {number} layer{'s' * (number != 1)}" for key, number in differing.most_common(3)
    )


def _analysis(spec: str) -> Analysis:
    return analyze(load_spec(spec).graph)
