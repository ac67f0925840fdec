"""From some layers of a graph to the chain that makes them: where paths part and meet again, joins are written.

A join runs its branches from one current tensor, the *fork*. It is the last tensor that all paths to the join come
through, which is found as in a dominator tree: every tensor has a parent (what a layer reads; of a join, its fork), and
the fork of a join is where the lines of what it reads meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archcalc.graph import Graph, Ref
from archcalc.ops.base import Operator

LONGEST_PERIOD = 64
"""Items of a repeated group, at most."""


class NotAChain(Exception):
    """The layers are no chain with joins: a layer would be made twice."""


class Chains:
    """Writes chains over some neighbouring layers of a graph.

    Args:
        graph: the network.
        nodes: the layers, in graph order.
        start: the current tensor before them.
        words: how a layer is written.
        reference: how a tensor from elsewhere is written, ``@name``.
    """

    def __init__(
        self,
        graph: Graph,
        nodes: Sequence[int],
        start: Ref,
        words: Callable[[Operator], str],
        reference: Callable[[Ref], str],
    ) -> None:
        self.graph = graph
        self.own = frozenset(nodes)
        self.start = start
        self.words = words
        self.reference = reference
        self.visited: list[int] = []
        """The layers in the order in which the text makes them."""
        self.made: set[int] = set()
        self.parents: dict[Ref, Ref | None] = {}
        self.roots: dict[Ref, Ref] = {}
        self.depths: dict[Ref, int] = {}
        self.sizes: dict[Ref, int] = {}
        """How many layers the line of a tensor makes up to it, those inside of joins included."""
        self.begin(start)
        for index in nodes:
            self.place(index)

    def place(self, index: int) -> None:
        """Find the parent of a layer's output."""
        node, made = self.graph.nodes[index], Ref(index)
        for ref in node.inputs:
            if ref not in self.parents:  # from elsewhere: it begins a line of its own
                self.begin(ref)
        inside = 1
        parent: Ref | None = node.inputs[0]
        if node.op.arity is None:
            parent = self.fork(index, node.inputs)
            inside += sum(self.branch(ref, parent) for ref in node.inputs)
        self.parents[made] = parent
        self.roots[made] = made if parent is None else self.roots[parent]
        self.depths[made] = 0 if parent is None else self.depths[parent] + 1
        self.sizes[made] = inside + (0 if parent is None else self.sizes[parent])

    def begin(self, ref: Ref) -> None:
        """A tensor from elsewhere."""
        self.parents[ref], self.roots[ref], self.depths[ref], self.sizes[ref] = None, ref, 0, 0

    def fork(self, index: int, read: Sequence[Ref]) -> Ref | None:
        """Where the lines of several tensors meet; beside lines from the start, others are branches from elsewhere.

        Where the branches would then make their layers in another order, one that starts at a tensor with a name may
        have been written as a reference to it: the fork is a later one.
        """
        first, *rest = [ref for ref in read if self.roots[ref] == self.start] or read
        met: Ref | None = first
        for ref in rest:
            met = self.meeting(met, ref)
        if met is None or not self.in_order(index, read, met):
            for node in range(index - 1, max(index - LONGEST_PERIOD, 0), -1):
                if node in self.own and self.in_order(index, read, Ref(node)):
                    return Ref(node)
        return met

    def in_order(self, index: int, read: Sequence[Ref], fork: Ref) -> bool:
        """Whether the branches of a join, written one after another, make its layers in the order of the graph."""
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
        """How many layers a branch makes that ends with this tensor."""
        met = self.meeting(end, fork)
        return self.sizes[end] - (self.sizes[fork] if fork is not None and met == fork else 0)

    def meeting(self, one: Ref | None, other: Ref | None) -> Ref | None:
        """The last common tensor of two lines."""
        while one != other:
            if one is None or other is None:
                return None
            if self.depths[one] >= self.depths[other]:
                one = self.parents[one]
            else:
                other = self.parents[other]
        return one

    def write(self, end: Ref) -> str:
        """The chain from the start to this tensor; see `visited` for what it makes.

        Raises:
            NotAChain: there is none.
        """
        return " -> ".join(repeated(self.items(end, self.start))) or "identity"

    def items(self, end: Ref, base: Ref | None) -> list[str]:
        """The items of a chain from one tensor to another; a chain that starts elsewhere begins with a reference."""
        line = []
        ref: Ref | None = end
        while ref is not None and ref != base:
            line.append(ref)
            ref = self.parents.get(ref)
        return [self.item(ref) for ref in reversed(line)]

    def item(self, made: Ref) -> str:
        """The layer that makes a tensor, a join with its branches; a reference for a tensor from elsewhere."""
        if made.node not in self.own:
            return self.reference(made)
        node = self.graph.nodes[made.node]
        text = self.words(node.op)
        if node.op.arity is None:
            name, *options = text.split()
            branches = [" -> ".join(repeated(self.items(ref, self.parents[made]))) for ref in node.inputs]
            text = f"{name}({', '.join([*(branch or 'identity' for branch in branches), *options])})"
        if made.node in self.made:
            raise NotAChain
        self.made.add(made.node)
        self.visited.append(made.node)
        return text


def repeated(items: list[str]) -> list[str]:
    """The same chain with neighbouring repetitions written as ``(…)*N``."""
    found: list[str] = []
    place = 0
    while place < len(items):
        period, times = max(
            ((period, _times(items, place, period)) for period in range(1, LONGEST_PERIOD + 1)),
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
    """How often the ``period`` items at a place stand there one after another; a reference cannot be repeated."""
    if items[place] not in items[place + period : place + period + 1] or items[place].startswith("@"):
        return 1
    body = items[place : place + period]
    times = 1
    while items[place + times * period : place + (times + 1) * period] == body:
        times += 1
    return times
