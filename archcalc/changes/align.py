"""Alignment: which layer of one network is which of the other, by names and, where these changed, by structure.

Stages are aligned first, then the blocks within pairs of them, then layers. Equal parts are matched like the lines of
two texts; what lies between them is paired by similarity. Every step takes nearly linear time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.changes.matching import Pair, gaps, matches
from archcalc.changes.signature import Signatures, outputs_of, redundant_layers
from archcalc.changes.tree import Branch, Tree
from archcalc.ops.base import REGISTRY

CHANGE_COST = 0.75
"""The cost of a layer that changes, if that of one that is added or removed is 1."""
IN_PLACE_COST = 0.25
"""The same if no layer is added or removed: then a change of all widths is likelier than a shift of the names."""
Key: TypeAlias = Callable[[Branch], Hashable]
"""Returns what equal branches have in common; ``None`` for a branch that is equal to no other."""

MAX_COMPARED = 2_500
"""The maximum number of pairs of parts that are compared by similarity; others are paired by name and operator."""
MIN_SIMILARITY = 0.5
"""The share of equal layers from which blocks of different names are the same one, changed."""


class Alignment:
    """The pairs of layers of two networks, and what is needed to compare them."""

    def __init__(self, old: Analysis, new: Analysis) -> None:
        shared = Signatures()
        before, after = shared.of(old.graph), shared.of(new.graph)
        self.old, self.new = Tree(old, before, shared), Tree(new, after, shared)
        self.pairs: dict[int, int] = {}
        """The index of the new layer by that of the old one."""
        self.is_equal = self._equal(shared.computed(old.graph, before), shared.computed(new.graph, after))
        """Whether the networks compute the same from layers with the same attributes."""
        if not self.is_equal and self.old.layers and self.new.layers:
            self._branches([self.old.root], [self.new.root])
            self._moved()

    def _equal(self, before: list[int], after: list[int]) -> bool:
        """Pair all layers if both networks compute the same, in whatever order, and return whether they do."""
        old, new = self.old.analysis.graph, self.new.analysis.graph
        read = [
            [(numbers[ref.node], ref.output) for ref in outputs_of(graph).values()]
            for graph, numbers in ((old, before), (new, after))
        ]
        sides = [
            _by_number(tree, numbers, redundant_layers(tree.analysis.graph))
            for tree, numbers in ((self.old, before), (self.new, after))
        ]
        (needed, spare), (wanted, offered) = sides
        counts = [{number: len(same) for number, same in each.items()} for each in (needed, wanted)]
        if read[0] != read[1] or counts[0] != counts[1]:
            return False
        for groups, others in ((needed, wanted), (spare, offered)):
            for number, group in groups.items():
                self.pairs.update(zip(group, others.get(number, ()), strict=False))
        return True

    def _branches(self, old: Sequence[Branch], new: Sequence[Branch]) -> None:
        """Pair the layers of branches by structure or by name, whichever explains the change with less."""
        by_structure = _by_keys(old, new, _named, _structure)
        if len(by_structure) == len(old) == len(new):
            self._paired(old, new, by_structure)
            return
        by_name = _by_keys(old, new, _name)
        is_cheaper = _cost(old, new, by_name) < _cost(old, new, by_structure)
        self._paired(old, new, by_name if is_cheaper else by_structure)

    def _paired(self, old: Sequence[Branch], new: Sequence[Branch], pairs: Sequence[Pair]) -> None:
        """Pair the layers of pairs of branches, and what lies between these by similarity."""
        self._inside(old, new, pairs)
        for before, after in gaps(pairs, len(old), len(new)):
            if before.start < before.stop and after.start < after.stop:
                self._similar(old[before], new[after])

    def _inside(self, old: Sequence[Branch], new: Sequence[Branch], pairs: Sequence[Pair]) -> None:
        for one, other in ((old[i], new[j]) for i, j in pairs):
            if one.key == other.key or one.is_layer:
                self.pairs.update(zip(range(one.start, one.stop), range(other.start, other.stop), strict=True))
            else:
                self._branches(one.children(), other.children())

    def _similar(self, old: Sequence[Branch], new: Sequence[Branch]) -> None:
        """Pair branches of which none are equal."""
        pairs = _most_similar(old, new) if len(old) * len(new) <= MAX_COMPARED else _by_keys(old, new, _name, _kind)
        self._inside(old, new, pairs)
        for before, after in gaps(pairs, len(old), len(new)):
            rest, other = old[before], new[after]
            if rest and other and not all(each.is_layer for each in (*rest, *other)):
                leaves = [leaf for branch in rest for leaf in branch.leaves()]
                self._branches(leaves, [leaf for branch in other for leaf in branch.leaves()])

    def _moved(self) -> None:
        """Pair the layers that are left over and have the same name and operator: they have moved."""
        taken = {*self.pairs.values()}
        left = [leaf for leaf in self.new.root.leaves() if leaf.start not in taken and not leaf.is_counted]
        waiting = {(leaf.layer.name, leaf.layer.op): leaf.start for leaf in left}
        if not waiting:
            return
        for index, layer in enumerate(self.old.layers):
            if index not in self.pairs and (layer.name, layer.op) in waiting:
                self.pairs[index] = waiting.pop((layer.name, layer.op))


def _by_number(
    tree: Tree, numbers: Sequence[int], passed: Collection[int]
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the layers by the number of what they compute: those that make a difference, and the others."""
    needed, spare = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for index, layer in enumerate(tree.layers):
        (spare if layer.node in passed else needed)[numbers[layer.node]].append(index)
    return needed, spare


def _named(branch: Branch) -> Hashable:
    """Return the name and the layers of a branch; ``None`` if the name is counted, so that it says little."""
    return None if branch.is_counted else (branch.name, branch.key)


def _structure(branch: Branch) -> Hashable:
    return branch.key


def _name(branch: Branch) -> Hashable:
    """Return the name of a branch, with its operator if it is a layer."""
    return (branch.name, branch.layer.op if branch.is_layer else "")


def _kind(branch: Branch) -> Hashable:
    return branch.layer.op if branch.is_layer else frozenset(branch.kinds.items())


def _by_keys(old: Sequence[Branch], new: Sequence[Branch], *keys: Key) -> list[Pair]:
    """Return the pairs that are equal by a first key and, between these, by further ones."""
    key, *others = keys
    pairs = matches([*map(key, old)], [*map(key, new)])
    if not others:
        return pairs
    found = [*pairs]
    for before, after in gaps(pairs, len(old), len(new)):
        inner = _by_keys(old[before], new[after], *others)
        found += [(before.start + i, after.start + j) for i, j in inner]
    return sorted(found)


def _cost(old: Sequence[Branch], new: Sequence[Branch], pairs: Sequence[Pair]) -> float:
    """Return how many layers pairs leave out, those of gaps being paired as far as possible, and change."""
    cost = 0.0
    changed = IN_PLACE_COST if len(pairs) == len(old) == len(new) else CHANGE_COST
    for one, other in ((old[i], new[j]) for i, j in pairs):
        if one.key != other.key:
            alike = (one.operators & other.operators).total()
            cost += changed * (max(one.size, other.size) - alike)
    for before, after in gaps(pairs, len(old), len(new)):
        sizes = [sum(branch.size for branch in part) for part in (old[before], new[after])]
        cost += CHANGE_COST * min(sizes) + max(sizes) - min(sizes)
    return cost


def _most_similar(old: Sequence[Branch], new: Sequence[Branch]) -> list[Pair]:
    """Return the pairs, in the same order on both sides, whose similarities have the largest sum."""
    scores = [[_similarity(one, other) for other in new] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below, score = best[i], best[i + 1], scores[i]
        for j in range(len(new) - 1, -1, -1):
            row[j] = max(below[j], row[j + 1], below[j + 1] + score[j] if score[j] else 0.0)
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if scores[i][j] and best[i][j] == best[i + 1][j + 1] + scores[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _similarity(old: Branch, new: Branch) -> float:
    """Return how similar branches are; 0 if one cannot be the other, changed."""
    if old.is_layer != new.is_layer:
        return 0.0
    same_name = old.name == new.name
    bonus = 0.0 if not same_name else 0.3 if old.is_counted else 1.0
    if not old.is_layer:
        size = max(old.size, new.size)
        alike: float = (old.kinds & new.kinds).total() / size
        equal: float = (old.operators & new.operators).total() / size
        return bonus + alike + equal if alike >= MIN_SIMILARITY or bonus >= 1 else 0.0
    one, other = old.layer, new.layer
    if one.op == other.op:
        equal = sum(value == other.attributes.get(name) for name, value in one.attributes.items())
        return bonus + 1 + equal / (len(one.attributes) or 1)
    if _family(one.op) == _family(other.op):
        return bonus + 0.6
    return bonus * 0.5 if bonus >= 1 else 0.0


def _family(op: str) -> str:
    """Return the family of an operator; one that cannot be counted is alone in its own."""
    return REGISTRY[op].family if op in REGISTRY else op
