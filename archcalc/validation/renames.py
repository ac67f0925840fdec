"""Renamed specs: the entry of a baseline that belongs to a spec with another name is recognised by its layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from itertools import takewhile
from typing import NamedTuple

from archcalc.validation.baseline import NetworkFigures, operator_of

MIN_SIMILARITY = 0.5
"""The share of equal layers from which two networks count as the same one, changed; Git's share of equal lines."""
MAX_PAIRS = 200_000
"""The maximum number of pairs that are compared; of more, those with the same file name only."""


class _Layers(NamedTuple):
    """What is compared of a network."""

    path: list[str]
    operators: Counter[Hashable]
    """The layers that have arguments, with these: many networks share the others."""
    kinds: Counter[Hashable]
    """The layers with the names of their operators only: these stay when all widths change."""


def find_renames(gone: Mapping[str, NetworkFigures], new: Mapping[str, NetworkFigures]) -> dict[str, str]:
    """Return the previous names of specs that were renamed, and perhaps changed.

    Args:
        gone: the figures of specs that do not exist any more, by name.
        new: the figures of specs that are not in the baseline, by name.
    """
    before = {name: _layers(name, figures) for name, figures in gone.items()}
    after = {name: _layers(name, figures) for name, figures in new.items()}
    only_same_files = len(before) * len(after) > MAX_PAIRS
    candidates = []
    for name, layers in after.items():
        for old, old_layers in before.items():
            tail = _shared_tail(old_layers.path, layers.path)
            if tail or not only_same_files:
                similarity = _similarity(layers.operators, old_layers.operators)
                if similarity >= MIN_SIMILARITY or (
                    tail and _similarity(layers.kinds, old_layers.kinds) >= MIN_SIMILARITY
                ):
                    candidates.append((gone[old] == new[name], tail, similarity, old, name))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for *_, old, name in sorted(candidates, reverse=True):
        if name not in found and old not in taken:
            found[name] = old
            taken.add(old)
    return found


def _layers(name: str, figures: NetworkFigures) -> _Layers:
    return _Layers(
        name.split("/"),
        Counter((row.name, row.op) for row in figures.layers if " " in row.op),
        Counter((row.name, operator_of(row)) for row in figures.layers),
    )


def _shared_tail(one: list[str], other: list[str]) -> int:
    """Return the number of equal parts at the end of two paths."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _similarity(one: Counter[Hashable], other: Counter[Hashable]) -> float:
    """Return the share of equal layers."""
    return (one & other).total() / max(one.total(), other.total(), 1)
