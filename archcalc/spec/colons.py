"""Chains with a colon, which YAML reads as a name and its value."""

from __future__ import annotations

from archcalc.ops.base import REGISTRY
from archcalc.spec.aliases import operator_spelled
from archcalc.spec.document import Content, Scalar


def colon_hint(key: Scalar, content: Content) -> str:
    """Return the hint for an entry that is one chain, such as ``slice 2: axis=1``; empty for other entries."""
    word, blank, _ = key.text.value.partition(" ")
    if not blank or not isinstance(content, Scalar) or operator_spelled(word) not in REGISTRY:
        return ""
    chain = f"{key.text.value}: {content.text.value}"
    return f"YAML reads what stands before ': ' as a name; put quotes around the chain: \"{chain}\""
