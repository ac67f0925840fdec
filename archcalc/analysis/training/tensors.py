"""The tensors that the forward pass keeps for the backward pass, each once however many layers need it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from archcalc.analysis.formats import Formats, in_bytes
from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, known_equal, product
from archcalc.ops.backward import WIDTHS, Kept, Needs

Key: TypeAlias = Ref | tuple[int, str]
"""A tensor of the graph, or one that a layer makes for itself: the index of the layer, and a name."""


class MemoryTensor(NamedTuple):
    """A tensor in memory."""

    key: Key
    elements: Number
    """Its elements for one example."""
    width: int = 0
    """The bytes per element if their number format is fixed; else 0."""
    per_example: bool = True
    """Whether there is one for every example of a batch."""

    def bytes(self, formats: Formats, examples: Number) -> Number:
        """Return its bytes for a number of examples."""
        number = self.elements * examples if self.per_example else self.elements
        return number * self.width if self.width else in_bytes(number, formats.activations)


class TensorMemory:
    """Which tensors of a graph share memory, and which each layer keeps.

    A tensor with the numbers of another one, in any order and shape, is that one. An output that is written over the
    input replaces it. A tensor that is a stored array takes no memory besides that. In PyTorch, a part of a tensor is a
    view, which keeps all of it.
    """

    def __init__(self, graph: Graph, needs: Mapping[int, Needs], *, in_place: bool, as_pytorch: bool) -> None:
        """Find the tensors.

        Args:
            graph: the network.
            needs: the gradients that are needed, by layer.
            in_place: whether activations and dropout write over their inputs where they can.
            as_pytorch: whether layers keep what PyTorch keeps.
        """
        self.graph = graph
        self._same: dict[Ref, Ref] = {}
        self._within: dict[Ref, Ref] = {}
        """The tensors in whose memory others are, which are not the same: written over them, or parts of them."""
        self._over: set[int] = set()
        """The layers that write over their input."""
        self.arrays: set[Ref] = set()
        """The tensors that are stored arrays."""
        readers: Counter[Ref] = Counter()
        for index, node in graph.layers():
            if not node.op.keeps_numbers:
                readers.update({self.values(ref) for ref in node.inputs})
            elif node.inputs:
                self._same[Ref(index)] = self.values(node.inputs[0])
            else:
                self.arrays.add(Ref(index))
        for ref in (*graph.outputs.values(), *graph.training_outputs.values()):
            readers[self.values(ref)] += 1
        known: dict[tuple[int, Needs, bool], tuple[Kept, ...]] = {}
        kept: set[Key] = set()
        self.kept: dict[int, dict[Key, MemoryTensor]] = {}
        """The tensors that each layer keeps."""
        for index, node in graph.layers():
            over = in_place and self._may_write_over(index, readers, kept)
            if over:
                self._over.add(index)
            if over or (as_pytorch and node.op.selects_part):
                self._within[Ref(index)] = self.values(node.inputs[0])
            if index in needs:
                key = graph.alike[index], needs[index], over
                if key not in known:
                    keeps = node.op.kept_in_pytorch if as_pytorch else node.op.kept
                    known[key] = keeps(graph.input_shapes(node), needs[index], in_place=over)
                own = [self._tensor(index, each) for each in known[key]]
                self.kept[index] = {
                    each.key: each for each in own if each.key not in self.arrays and not known_equal(each.elements, 0)
                }
                kept.update(self.kept[index])

    def values(self, ref: Ref) -> Ref:
        """Return the tensor whose numbers a tensor has."""
        return self._same.get(ref, ref)

    def owner(self, ref: Ref) -> Ref:
        """Return the tensor in whose memory a tensor is."""
        found = self.values(ref)
        while found in self._within:
            found = self._within[found]
        return found

    def tensor(self, ref: Ref) -> MemoryTensor:
        """Return a tensor in the memory where it is."""
        found = self.owner(ref)
        return MemoryTensor(found, product(self.graph.shape(found)))

    def _may_write_over(self, index: int, readers: Mapping[Ref, int], kept: set[Key]) -> bool:
        """Return whether a layer may write over its input: nothing else reads it, and no layer before has kept it."""
        node = self.graph.nodes[index]
        if node.op.in_place is None or len(node.inputs) != 1:
            return False
        read = self.values(node.inputs[0])
        own = self.graph.nodes[read.node]
        return readers[read] == 1 and not own.is_input and read not in self.arrays and self.owner(read) not in kept

    def writes_over(self, index: int) -> bool:
        """Return whether a layer writes its output over its input."""
        return index in self._over

    def key(self, index: int, kept: Kept) -> Key:
        """Return which tensor it is that a layer keeps."""
        if kept.kind not in ("input", "output"):
            return index, kept.name
        return self.owner(
            self.graph.nodes[index].inputs[kept.place] if kept.kind == "input" else Ref(index, kept.place)
        )

    def _tensor(self, index: int, kept: Kept) -> MemoryTensor:
        key = self.key(index, kept)
        if isinstance(key, Ref):
            return self.tensor(key)
        return MemoryTensor(key, kept.elements, WIDTHS.get(kept.kind, 0), kept.per_example)
