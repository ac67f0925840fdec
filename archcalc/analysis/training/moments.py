"""The tensors in memory at every moment of a training step: the forward pass, the loss, the backward pass.

A layer's moment is when it runs: its inputs and outputs, or their gradients, exist then. The tensors of checkpoints are
computed anew before the backward pass of their last layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Literal, NamedTuple, TypeAlias

from archcalc.analysis.formats import Formats
from archcalc.analysis.training.tensors import Key, MemoryTensor, TensorMemory
from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, maximum, product
from archcalc.ops.backward import Needs

Use: TypeAlias = Literal["saved", "passing", "gradient"]
"""Why a tensor is in memory: the backward pass needs it, a later layer of the forward pass reads it, or it is the
gradient of a tensor."""


class Lifetime(NamedTuple):
    """A tensor with the moments at which it is in memory."""

    use: Use
    tensor: MemoryTensor
    first: int
    last: int


class _Made:
    """Tensors that layers make, with the moments at which they are made and last read."""

    def __init__(self) -> None:
        self.first: dict[Key, tuple[MemoryTensor, int]] = {}
        self.last: dict[Key, int] = {}

    def add(self, tensor: MemoryTensor, moment: int) -> None:
        """Note that a tensor is made, or written over, at a moment."""
        self.first.setdefault(tensor.key, (tensor, moment))
        self.use(tensor.key, moment)

    def use(self, key: Key, moment: int) -> None:
        """Note that a tensor is read at a moment, unless it was made before all of these layers."""
        if key in self.first:
            self.last[key] = max(moment, self.last.get(key, 0))

    def spans(self, until: Mapping[Key, int]) -> Iterator[Lifetime]:
        """Yield the tensors, given the moments until which those that are kept are needed."""
        for key, (tensor, first) in self.first.items():
            if key in until:
                yield Lifetime("saved", tensor, first, until[key])
            else:
                yield Lifetime("passing", tensor, first, self.last[key])


class Moments:
    """The tensors of a training step, with the moments at which each is in memory."""

    def __init__(
        self,
        graph: Graph,
        runs: Sequence[int],
        needs: Mapping[int, Needs],
        storage: TensorMemory,
        segments: Sequence[Sequence[int]],
    ) -> None:
        """Go through a training step.

        Args:
            graph: the network.
            runs: the indices of the layers that run, in order.
            needs: the gradients that are needed, by layer.
            storage: the tensors.
            segments: the layers of each checkpoint.
        """
        self.graph, self.runs, self.needs, self.storage = graph, runs, needs, storage
        self.segment = {index: number for number, each in enumerate(segments) for index in each}
        self.forward = {index: moment for moment, index in enumerate(runs)}
        self.segments = [[index for index in each if index in self.forward] for each in segments]
        self.loss = len(runs)
        self.again: dict[int, int] = {}
        """The moments at which layers of checkpoints run a second time."""
        self.backward: dict[int, int] = {}
        self._name_moments()
        self.spans = list(self._spans())

    def _name_moments(self) -> None:
        moment = self.loss
        ends = {max(each): each for each in self.segments if each and any(index in self.needs for index in each)}
        for index in reversed(self.runs):
            for inner in ends.get(index, ()):
                moment += 1
                self.again[inner] = moment
            moment += 1
            self.backward[index] = moment
        self.count = moment + 1

    def name(self, moment: int) -> str:
        """Return what happens at a moment."""
        if moment == self.loss:
            return "computation of the loss"
        passes = {"forward pass": self.forward, "recomputation": self.again, "backward pass": self.backward}
        for what, moments in passes.items():
            for index, own in moments.items():
                if own == moment:
                    return f"{what} of {self.graph.nodes[index].name}"
        raise AssertionError(moment)

    def kept(self, index: int) -> dict[Key, MemoryTensor]:
        """Return the tensors that a layer keeps in the forward pass: of a checkpoint, only what comes from outside."""
        if index not in self.again:
            return self.storage.kept.get(index, {})
        number = self.segment[index]
        read = [
            self.storage.tensor(ref) for ref in self.graph.nodes[index].inputs if self.segment.get(ref.node) != number
        ]
        return {each.key: each for each in read if each.key not in self.storage.arrays}

    def _spans(self) -> Iterator[Lifetime]:
        forward = self._made(self.runs, self.forward)
        until: dict[Key, int] = {}
        """The moments until which the tensors that the forward pass keeps are needed."""
        for index in self.runs:
            for key, tensor in self.kept(index).items():
                forward.add(tensor, self.forward[index])
                until[key] = max(self.again.get(index, self.backward[index]), until.get(key, 0))
        for index in self.again:
            for key in self.storage.kept.get(index, {}):
                if key in until:
                    until[key] = max(self.backward[index], until[key])
        yield from forward.spans(until)
        for each in self.segments:
            if each and each[0] in self.again:
                yield from self._of_segment(each, until)
        yield from self._of_gradients()

    def _made(self, layers: Sequence[int], when: Mapping[int, int]) -> _Made:
        """Return the tensors that layers make, with the moments until which later ones read them."""
        found = _Made()
        graph, storage = self.graph, self.storage
        for ref in graph.input_refs.values() if layers is self.runs else ():
            found.add(storage.tensor(ref), 0)
        for index in layers:
            for ref in graph.made_by(index):
                tensor = storage.tensor(ref)
                if tensor.key not in storage.arrays:
                    found.add(tensor, when[index])
            for ref in graph.nodes[index].inputs:
                found.use(storage.owner(ref), when[index])
        for ref in (*graph.outputs.values(), *graph.training_outputs.values()) if layers is self.runs else ():
            found.use(storage.owner(ref), self.loss)
        return found

    def _of_segment(self, layers: Sequence[int], held: Mapping[Key, int]) -> Iterator[Lifetime]:
        """Yield the tensors that are computed anew for a checkpoint, without those that are held anyway."""
        again = self._made(layers, self.again)
        until: dict[Key, int] = {}
        for index in layers:
            for key, tensor in self.storage.kept.get(index, {}).items():
                again.add(tensor, self.again[index])
                until[key] = max(self.backward[index], until.get(key, 0))
        for span in again.spans(until):
            if span.tensor.key not in held:
                yield span

    def _of_gradients(self) -> Iterator[Lifetime]:
        """Yield the gradients of tensors: from the last layer that reads them to the one that made them.

        A gradient that another one contains, as that of a sum is those of its terms, keeps that one in memory. It takes
        memory of its own from the moment at which the gradient of a second reader is added to it.
        """
        held: dict[Ref, Ref] = {}
        """The gradient in whose memory each one is, by tensor."""
        spans: dict[Ref, tuple[int, int]] = {}
        contributions = self._contributions()
        for ref in sorted(contributions, key=lambda ref: ref.node, reverse=True):
            (begin, given), *others = sorted(contributions[ref], key=lambda each: each[0])
            end = self.backward[ref.node]
            if given in held:
                holder = held[given]
                first, last = spans[holder]
                begin = others[0][0] if others else end
                spans[holder] = first, max(last, begin)
                if not others:
                    held[ref] = holder
                    continue
            held[ref], spans[ref] = ref, (begin, end)
        for ref, (begin, end) in spans.items():
            yield Lifetime("gradient", MemoryTensor(ref, product(self.graph.shape(ref))), begin, end)

    def _contributions(self) -> dict[Ref, list[tuple[int, Ref]]]:
        """Return the parts of which the gradient of each tensor is the sum: one for every layer that reads it.

        They are the moment of each, and the tensor whose gradient contains it; the tensor itself if there is none.
        """
        graph, values = self.graph, self.storage.values
        found: dict[Ref, list[tuple[int, Ref]]] = {}
        for ref in (*graph.outputs.values(), *graph.training_outputs.values()):
            if ref.node in self.needs and ref.node in self.backward:
                found.setdefault(values(ref), []).append((self.loss, values(ref)))
        known: dict[int, list[bool]] = {}
        for index, needs in self.needs.items():
            if index not in self.backward or not any(needs.inputs):
                continue
            node, kind = graph.nodes[index], graph.alike[index]
            if kind not in known:
                shapes = graph.input_shapes(node)
                known[kind] = [node.op.passes_gradient_unchanged(place, shapes) for place in range(len(shapes))]
            for ref, needed, handed in zip(node.inputs, needs.inputs, known[kind], strict=True):
                if needed and values(ref) not in self.storage.arrays:
                    own = values(ref)
                    found.setdefault(own, []).append((self.backward[index], values(Ref(index)) if handed else own))
        return found

    def live(self, formats: Formats, examples: Number) -> Iterator[tuple[int, Number]]:
        """Yield the moments at which most tensors are in memory, with their bytes for a number of examples.

        All other moments have some of the tensors of one of these.
        """
        begin: dict[int, list[Number]] = {}
        end: dict[int, list[Number]] = {}
        for span in self.spans:
            size = span.tensor.bytes(formats, examples)
            begin.setdefault(span.first, []).append(size)
            end.setdefault(span.last, []).append(size)
        live: Number = 0
        grown = False
        for moment in range(self.count):
            for size in begin.get(moment, ()):
                live, grown = live + size, True
            if moment in end:
                if grown:
                    yield moment, live
                grown = False
                for size in end[moment]:
                    live = live - size

    def worst(self, formats: Formats, examples: Number) -> Number:
        """Return the largest number of bytes of tensors that are in memory at the same time."""
        return reduce(maximum, [live for _, live in self.live(formats, examples)], 0)
