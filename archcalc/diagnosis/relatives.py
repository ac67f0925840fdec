"""The bundled networks of a family, and the differences between them."""

from __future__ import annotations

import re
from collections import Counter

from archcalc.graph import Graph
from archcalc.spec import bundled


def relatives(name: str) -> list[str]:
    """Return the other bundled networks of the family: their names include all parts of this one or are part of it."""
    names = bundled()
    if name not in names:
        return []
    parts = {each: _parts_of(each) for each in names}
    near = [each for each in names if parts[each] < parts[name]]
    roots = [name, *near]
    return [each for each in names if each != name and any(parts[root] <= parts[each] for root in roots)]


def _parts_of(name: str) -> frozenset[str]:
    """Return the parts of a name: {resnet, 50, v1.5} for ``resnet50-v1.5``."""
    return frozenset(part for word in name.split("-") for part in (re.findall(r"^[a-z]{2,}|.+", word) or [word]))


def differences(base: Graph, other: Graph) -> str:
    """Return the differences of a network from another one, in a few words; an empty text if they are equal."""
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
