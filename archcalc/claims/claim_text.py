"""Claims in one line of text that names the network: ``resnet50 macs = 3.8G``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archcalc.claims.claim import Claim
from archcalc.query.quantities import WORDS, is_measured
from archcalc.spec import bundled
from archcalc.spec.locate import SUFFIXES, is_file_name
from archcalc.spec.models import READERS
from archcalc.spec.tokens import RULES
from archcalc.spec.zoo import bundled_name

_RELATION = r"\s*(?P<relation><=|>=|≤|≥|<|(?<!-)>|≈|~|=|:|\bis\b)\s*(?P<value>.+)"
_QUOTED = RULES["STRING"]
"""A quoted pattern of an inline expression, in which a relation or an arrow has another meaning."""
_FORMS = (
    # a shape by its axes, whose names are quantities, too: H=28, W=28, C=6
    re.compile(r"(?P<left>.*[\s.]shape)\s*(?P<relation>=|:|\bis\b)\s*(?P<value>[(\[]?\s*[CDHWL]\s*[=:].+)", re.DOTALL),
    re.compile(rf"(?P<left>.*[\s.](?:{'|'.join(WORDS)})){_RELATION}", re.DOTALL),
    re.compile(rf"(?P<left>.+?){_RELATION}", re.DOTALL),  # an unknown quantity, which the judge reports
)

_MEASURED = re.compile(rf"[\s.](?:{'|'.join(WORDS)})\s*\Z")
"""A target at the end of a text; a ``/`` after anything else is that of a spec."""


@dataclass(frozen=True, kw_only=True)
class NetworkClaim:
    """A claim with the networks that it is about."""

    networks: tuple[str, ...]
    """SPECs; if there are several, targets begin with their names."""
    claim: Claim


def parse_claim_text(text: str) -> NetworkClaim:
    """Read a claim such as ``resnet50 conv1.params is 9,408``, ``vgg-e.params > vgg-d.params`` or
    ``lenet5 c1.params / c3.params = 0.065``.

    Raises:
        ValueError: the text has another form; the message gives an example of the expected one.
    """
    text = text.strip()
    masked = _QUOTED.sub(lambda quoted: "'" * len(quoted.group()), text)
    match = next(filter(None, (form.fullmatch(masked) for form in _FORMS)), None)
    if match is None:
        raise ValueError(f"a claim must have a form such as resnet50 macs = 3.8G, got '{text[:60]}'")
    relation = "" if match["relation"] in ("=", ":", "is") else f"{match['relation']} "
    written, left = text[match.start("value") :], text[: match.end("left")]
    value = relation + written
    above, ratio, below = left.rpartition(" / ")
    if ratio and _MEASURED.search(above):
        networks, target, divisor = _split_pair(above, below)
        return NetworkClaim(networks=networks, claim=Claim(f"{target} / {divisor}", value))
    if relation and is_measured(written.strip().rpartition(".")[2]):
        networks, target, other = _split_pair(left, written)
        return NetworkClaim(networks=networks, claim=Claim(target, relation + other))
    network, target = _split_target(left)
    return NetworkClaim(networks=(network,), claim=Claim(target, value))


def _split_pair(first: str, second: str) -> tuple[tuple[str, ...], str, str]:
    """Return the networks of two targets, and the targets: with the network before each if there are two. The second
    target is of the network of the first unless it names another."""
    network, target = _split_target(first)
    same = re.fullmatch(r"\s*(?:([\w/]+)[\s.])?(\w+)\s*", second)
    if same is None or (same[1] and bundled_name(same[1])):
        other, compared = _split_target(second)
    else:
        other, compared = network, ".".join(filter(None, same.groups()))
    if other == network:
        return (network,), target, compared
    return (network, other), f"{network}.{target}", f"{other}.{compared}"


def _split_target(text: str) -> tuple[str, str]:
    """Return the network and the target in ``resnet50 macs``, ``lenet5 c3 params`` or ``lenet5.c3.params``."""
    *before, target = text.rsplit(None, 1)
    if not before:
        return _split_network(target)
    network, place = _split_place(before[0].strip())
    return network, f"{place}.{target}" if place else target


def _split_place(text: str) -> tuple[str, str]:
    """Return the network and the layer before a quantity, as in ``lenet5 c3 params``; the layer is empty if there is
    none."""
    network, _, place = text.partition(" ")
    match = re.fullmatch(r"(?:layer |stage )?\s*([\w/]+)(?:'s|’s)?", place.strip())
    network = network.rstrip(":")
    if match is None or not (bundled_name(network) or is_file_name(network)):
        return text, ""
    return network, match[1]


def _split_network(target: str) -> tuple[str, str]:
    """Return the network that a target begins with (bundled name, file, or the text before the first dot), and the
    rest."""
    suffixes = "|".join(map(re.escape, (*SUFFIXES, *READERS)))
    file = re.match(rf".*(?:{suffixes})(?=\.)", target, re.IGNORECASE)
    known = [name for name in bundled() if target.startswith(f"{name}.")]
    network = file.group() if file else max(known, key=len, default=target.partition(".")[0])
    rest = target[len(network) + 1 :]
    if not rest and bundled_name(target):
        raise ValueError(f"'{target[:60]}' names no quantity; write, for example, {target[:40]} macs")
    if not rest:
        raise ValueError(f"'{target[:60]}' names no network; write, for example, resnet50 {target[:40]}")
    return network, rest
