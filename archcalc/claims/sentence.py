"""A claim in one line of text, which names its network: ``resnet50 macs = 3.8G``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archcalc.claims.claim import Claim
from archcalc.query.quantities import MEASURED, is_measured
from archcalc.spec import bundled

_RELATION = r"\s*(?P<relation><=|>=|≤|≥|<|(?<!-)>|≈|~|=|:|\bis\b)\s*(?P<value>.+)"
_FORMS = (
    re.compile(rf"(?P<left>.*[\s.](?:{'|'.join(MEASURED)})){_RELATION}", re.DOTALL),
    re.compile(rf"(?P<left>.+?){_RELATION}", re.DOTALL),  # an unknown quantity, which the judge reports
)


@dataclass(frozen=True, kw_only=True)
class NetworkClaim:
    """A claim, and the networks that it is about."""

    networks: tuple[str, ...]
    """Specs; with several, targets carry their names in front."""
    claim: Claim


def parse_claim_text(text: str) -> NetworkClaim:
    """Read ``resnet50 macs = 3.8G``, ``resnet50 conv1.params is 9,408``, ``vgg-e.params > vgg-d.params``.

    Raises:
        ValueError: it is not of such a form; the message says what is expected.
    """
    match = next(filter(None, (form.fullmatch(text.strip()) for form in _FORMS)), None)
    if match is None:
        raise ValueError(f"'{text.strip()[:60]}' is not a claim, such as: resnet50 macs = 3.8G")
    relation = "" if match["relation"] in ("=", ":", "is") else f"{match['relation']} "
    value = relation + match["value"]
    *before, target = match["left"].rsplit(None, 1)
    if before:
        return NetworkClaim(networks=(before[0].strip(),), claim=Claim(target, value))
    network, target = _split(target)
    if relation and is_measured(match["value"].strip().rpartition(".")[2]):
        other, _ = _split(match["value"])
        both = tuple(dict.fromkeys((network, other)))
        return NetworkClaim(networks=both, claim=Claim(f"{network}.{target}", value))
    return NetworkClaim(networks=(network,), claim=Claim(target, value))


def _split(target: str) -> tuple[str, str]:
    """The network in front of a target (a bundled name, a file, or what stands before the first dot), and the rest."""
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
