"""A network as a tree of stages, blocks and layers, each a run of layers whose paths begin in the same way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cached_property
from itertools import groupby

from archcalc.analysis.propagate import Analysis, Layer
from archcalc.changes.signature import COMMUTATIVE, Signatures

NUMBERED = re.compile(r"(?:.*[^0-9])?\d+")
"""A name that ends in a number: it is counted, so that it may name something else after an insertion."""


class Branch:
    """Consecutive layers of a network whose paths begin in the same way."""

    __slots__ = ("__dict__", "depth", "start", "stop", "tree")

    def __init__(self, tree: Tree, start: int, stop: int, depth: int) -> None:
        self.tree = tree
        self.start = start
        self.stop = stop
        self.depth = depth

    @property
    def is_layer(self) -> bool:
        """Whether this is a single layer."""
        return self.size == 1

    @property
    def size(self) -> int:
        """The number of layers."""
        return self.stop - self.start

    @property
    def layer(self) -> Layer:
        """The first layer."""
        return self.tree.layers[self.start]

    @property
    def layers(self) -> Sequence[Layer]:
        """All layers."""
        return self.tree.layers[self.start : self.stop]

    @property
    def name(self) -> str:
        """The part of the path that tells it from its neighbours."""
        return self.layer.path[self.depth - 1] if self.depth else ""

    @property
    def is_counted(self) -> bool:
        """Whether the name is a number, or ends in one, and so depends on what stands before it."""
        return NUMBERED.fullmatch(self.name) is not None

    @property
    def path(self) -> str:
        """The name of the layer, or the beginning of the path that all layers share."""
        return self.layer.name if self.is_layer else "/".join(self.layer.path[: self.depth])

    @property
    def parent(self) -> str:
        """The path of what contains it."""
        return "/".join(self.layer.path[: max(self.depth - 1, 0)])

    @cached_property
    def key(self) -> int:
        """A number that is equal for branches of equal layers that read one another in the same way."""
        tree = self.tree
        if self.is_layer:
            return tree.signatures[self.start]
        parts = [(tree.signatures[index], tree.reads(index, self.start)) for index in range(self.start, self.stop)]
        return tree.shared.number(tuple(parts))

    @cached_property
    def kinds(self) -> Counter[str]:
        """How many layers there are of each operator."""
        return Counter(layer.op for layer in self.layers)

    @cached_property
    def operators(self) -> Counter[int]:
        """How many layers there are of each signature."""
        return Counter(self.tree.signatures[self.start : self.stop])

    def children(self) -> list[Branch]:
        """Return the parts, one level deeper; levels with a single part are passed over."""
        depth = self.depth
        while True:
            parts = self._split(depth)
            if len(parts) > 1 or parts[0].is_layer:
                return parts
            depth += 1

    def _split(self, depth: int) -> list[Branch]:
        found, start = [], self.start
        for _, run in groupby(self.layers, lambda layer: layer.path[depth : depth + 1] or layer.name):
            stop = start + len(list(run))
            found.append(Branch(self.tree, start, stop, min(depth + 1, len(self.tree.layers[start].path))))
            start = stop
        return found

    def leaves(self) -> list[Branch]:
        """Return every layer as a branch of its own."""
        layers = self.tree.layers
        return [Branch(self.tree, index, index + 1, len(layers[index].path)) for index in range(self.start, self.stop)]


class Tree:
    """The layers of an analysis, with their signatures."""

    def __init__(self, analysis: Analysis, signatures: list[int], shared: Signatures) -> None:
        self.analysis = analysis
        self.layers = analysis.layers
        self.shared = shared
        self.signatures = [signatures[layer.node] for layer in self.layers]
        self.place = {layer.node: index for index, layer in enumerate(self.layers)}
        """The index of every layer, by that of its node."""

    @property
    def root(self) -> Branch:
        """The whole network."""
        return Branch(self, 0, len(self.layers), 0)

    def reads(self, index: int, start: int) -> Hashable:
        """Return which layers from ``start`` on a layer reads, relative to itself; -1 for anything before."""
        layer = self.layers[index]
        read = [self.place.get(ref.node, -1) for ref in self.analysis.graph.nodes[layer.node].inputs]
        found = [index - each if each >= start else -1 for each in read]
        return tuple(sorted(found) if layer.op in COMMUTATIVE else found)
