"""Which variant of a network, which convention, or which tool's habit gives a number that somebody prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import Claim, Verdict
from archcalc.claims.compare import compare, meanings
from archcalc.claims.targets import QUANTITIES, resolve
from archcalc.spec import bundled, load_spec

_ASKED = re.compile(r"(?P<left>.+?)\s*(?P<relation><=|>=|≤|≥|<|>|≈|~|=|:|\bis\b)\s*(?P<value>.+)", re.DOTALL)


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
    match = _ASKED.fullmatch(text.strip())
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
    return text.strip().rpartition(".")[2] in QUANTITIES


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
    """The ways in which the number of a question comes about, the most likely first; none if none is known.

    Raises:
        SpecError: there is no such network.
        LookupError: it has no such target; the arguments are a message and a hint.
        ValueError: what is written is not a value, or the question is about several networks.
    """
    if len(question.networks) != 1:
        raise ValueError("a claim about several networks holds or not: there is nothing to reconcile")
    readings = []
    for name in question.networks:
        analysis = _analysis(name)
        actual = resolve(question.claim.target, analysis)
        verdict = compare(meanings(question.claim.value, actual), actual)
        if verdict is not Verdict.WRONG:
            readings.append(Reading(name, "", f"{name} has {actual.text}", verdict, actual.text))
    return readings


def _analysis(spec: str) -> Analysis:
    return analyze(load_spec(spec).graph)
