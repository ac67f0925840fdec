"""Write consecutive layers of a graph as a chain, with joins where paths fork and meet again.

A join applies its branches to one current tensor, the *fork*: the last tensor that all paths to the join pass through.
It is found as in a dominator tree. The parent of a layer's output is the tensor that the layer reads, or, for a join,
its fork; the fork of a join is the lowest common ancestor of the tensors that it reads. The *line* of a tensor is the
sequence of its ancestors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archcalc.graph import Graph, Node, Ref
from archcalc.spec.grammar import SOURCES
from archcalc.spec.write import write_join

MAX_PERIOD = 64
"""The maximum number of items in a repeated group."""


class NotAChain(Exception):
    """The layers cannot be written as a chain: a layer would occur twice."""


class ChainWriter:
    """Writes chains of consecutive layers of a graph.

    Args:
        graph: the network.
        nodes: the indices of the layers, in graph order.
        start: the current tensor before them.
        words: returns the words of a layer.
        reference: returns the reference to a tensor outside these layers, ``@name``.
    """

    def __init__(
        self,
        graph: Graph,
        nodes: Sequence[int],
        start: Ref,
        words: Callable[[Node], Sequence[str]],
        reference: Callable[[Ref], str],
    ) -> None:
        self.graph = graph
        self.own = frozenset(nodes)
        self.start = start
        self.words = words
        self.reference = reference
        self.visited: list[int] = []
        """The layers in the order of the text."""
        self.made: set[int] = set()
        self.parents: dict[Ref, Ref | None] = {}
        self.roots: dict[Ref, Ref] = {}
        self.depths: dict[Ref, int] = {}
        self.sizes: dict[Ref, int] = {}
        """The number of layers on the line of a tensor, including those inside joins."""
        self.add_source(start)
        for index in nodes:
            self.add_layer(index)

    def add_layer(self, index: int) -> None:
        """Determine the parent of a layer's output."""
        node, made = self.graph.nodes[index], Ref(index)
        for ref in node.inputs:
            if ref not in self.parents:  # made outside these layers: the root of its own line
                self.add_source(ref)
        inside = 1
        parent: Ref | None = node.joined[0] if node.joined else None
        if node.op.arity is None:
            parent = self.fork(index, node.joined)
            inside += sum(self.branch(ref, parent) for ref in node.joined)
        self.parents[made] = parent
        self.roots[made] = made if parent is None else self.roots[parent]
        self.depths[made] = 0 if parent is None else self.depths[parent] + 1
        self.sizes[made] = inside + (0 if parent is None else self.sizes[parent])

    def add_source(self, ref: Ref) -> None:
        """Add a tensor that is made outside these layers, as a root."""
        self.parents[ref], self.roots[ref], self.depths[ref], self.sizes[ref] = None, ref, 0, 0

    def fork(self, index: int, read: Sequence[Ref]) -> Ref | None:
        """Return the fork of a join, given the tensors that it reads; ``None`` if their lines do not meet.

        If some lines start at the current tensor, the others are branches that begin with a reference. If the branches
        would then make their layers in another order than the graph, a branch that starts at a named tensor may have
        been written as a reference to it, and the fork is a later tensor.
        """
        first, *rest = [ref for ref in read if self.roots[ref] == self.start] or read
        met: Ref | None = first
        for ref in rest:
            met = self.meeting(met, ref)
        if met is None or not self.in_order(index, read, met):
            for node in range(index - 1, max(index - MAX_PERIOD, 0), -1):
                if node in self.own and self.in_order(index, read, Ref(node)):
                    return Ref(node)
        return met

    def in_order(self, index: int, read: Sequence[Ref], fork: Ref) -> bool:
        """Return whether the branches of a join, written in sequence, make their layers in the order of the graph."""
        sizes = [self.branch(ref, fork) for ref in read]
        place = index - sum(sizes)
        if fork.node >= place:
            return False
        for ref, size in zip(read, sizes, strict=True):
            place += size
            if size and ref.node != place - 1:
                return False
        return True

    def branch(self, end: Ref, fork: Ref | None) -> int:
        """Return the number of layers of the branch from a fork to a tensor."""
        met = self.meeting(end, fork)
        return self.sizes[end] - (self.sizes[fork] if fork is not None and met == fork else 0)

    def meeting(self, one: Ref | None, other: Ref | None) -> Ref | None:
        """Return the lowest common ancestor of two tensors; ``None`` if there is none."""
        while one != other:
            if one is None or other is None:
                return None
            if self.depths[one] >= self.depths[other]:
                one = self.parents[one]
            else:
                other = self.parents[other]
        return one

    def write(self, end: Ref) -> str:
        """Return the chain from the start to a tensor; `visited` lists its layers.

        Raises:
            NotAChain: no chain makes this tensor.
        """
        return " -> ".join(repeated(self.items(end, self.start))) or "identity"

    def items(self, end: Ref, base: Ref | None) -> list[str]:
        """Return the items of the chain from ``base`` to ``end``; the first is a reference if no line connects them."""
        line = []
        ref: Ref | None = end
        while ref is not None and ref != base:
            line.append(ref)
            ref = self.parents.get(ref)
        return [self.item(ref) for ref in reversed(line)]

    def item(self, made: Ref) -> str:
        """Return the layer that makes a tensor (a join with its branches), or a reference if it is made outside."""
        if made.node not in self.own or made.output:
            return self.reference(made)
        node = self.graph.nodes[made.node]
        words = self.words(node)
        if node.op.arity is None:
            branches = [" -> ".join(repeated(self.items(ref, self.parents[made]))) for ref in node.joined]
            text = write_join(words, [branch or "identity" for branch in branches])
        else:
            text = " ".join(words)
        if made.node in self.made:
            raise NotAChain
        self.made.add(made.node)
        self.visited.append(made.node)
        return text


def repeated(items: list[str]) -> list[str]:
    """Return the items with consecutive repetitions written as ``(…)*N``."""
    found: list[str] = []
    place = 0
    while place < len(items):
        period, times = max(
            ((period, _times(items, place, period)) for period in range(1, MAX_PERIOD + 1)),
            key=lambda pair: (pair[0] * (pair[1] - 1), -pair[0]),
        )
        if times > 1:  # "a -> b -> a -> b -> a" reads better as "a -> (b -> a)*2"
            begin, end = place, place + period * times
            while items[end : end + 1] == items[place : place + 1]:
                place, end = place + 1, end + 1
            found += items[begin:place]
        body = " -> ".join(items[place : place + period])
        found.append(body if times == 1 else f"({body})*{times}")
        place += period * times
    return found


def _times(items: list[str], place: int, period: int) -> int:
    """Return how often the ``period`` items at an index occur consecutively; references and sources do not repeat."""
    if items[place] not in items[place + period : place + period + 1] or _ignores_current(items[place]):
        return 1
    body = items[place : place + period]
    times = 1
    while items[place + times * period : place + (times + 1) * period] == body:
        times += 1
    return times


def _ignores_current(item: str) -> bool:
    """Return whether an item does not read the current tensor: it is a reference or a source."""
    return item.startswith("@") or item.split(" ", 1)[0] in SOURCES
