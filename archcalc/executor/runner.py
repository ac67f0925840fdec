"""Runs a graph on arrays: layer by layer in graph order, every tensor freed as soon as nobody needs it.

What a layer may overwrite is decided here, by who else still reads that memory: tensors that are views of one array
(reshaped, sliced, transposed) live and die as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import KERNELS, Array, Arrays, Kernel, Sizes, Work, owner
from archcalc.executor.memory import Layout, Memory
from archcalc.executor.weights import stored_by, unlike
from archcalc.graph import Graph, Node, Ref

FORMATS = ("float32", "float64")
"""What kernels compute in."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One layer that has just been evaluated. Its arrays may be overwritten by what comes next."""

    node: Node
    inputs: Arrays
    """What it read; the first has new content if the layer worked in place."""
    outputs: Arrays
    weights: Mapping[str, Array]
    counts: Mapping[str, int]
    """Operations by kind, and ``macs``; nothing unless a tally was asked for."""
    seconds: float
    live: int
    """Bytes of all tensors alive when it had run."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What came out of a run. Arrays have the batch in front."""

    outputs: Mapping[str, Array]
    """The main output first, then the heads, in training the training heads as well."""
    kept: Mapping[str, Array]
    """The tensors that were asked for, by the names they were asked for with."""
    updates: Mapping[str, Array]
    """New content of stored arrays after a training step (running statistics), by ``layer.array``."""
    counts: Mapping[str, Mapping[str, int]]
    """Layer to operations by kind and ``macs``, if a tally was asked for."""
    seconds: float
    peak: int
    """The most bytes of tensors at one time, inputs and memory kept for the next tensors among them, parameters not."""
    scratch: int
    """Bytes of the work buffers that kernels share."""

    @property
    def output(self) -> Array:
        """The main output."""
        return next(iter(self.outputs.values()))


class Planned(NamedTuple):
    """A layer, prepared."""

    number: int
    """Its index in the graph."""
    node: Node
    kernel: Kernel
    weights: Mapping[str, Array]
    releases: tuple[Ref, ...]
    """What nobody needs once it has run."""


class Runner:
    """A graph with its stored arrays, ready to run any number of times, one after another: runs share their memory."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array], *, overwrite: bool = True) -> None:
        """Prepare a graph.

        Args:
            graph: the network.
            weights: stored arrays by ``layer.array``, all in the number format to compute in.
            overwrite: whether layers may work in place, and tensors are freed. Without it every tensor stays until the
                end: to see that it makes no difference.

        Raises:
            ArrayError: arrays that are missing, unknown, of another shape or of mixed number formats.
        """
        self.graph = graph
        self.overwrite = overwrite
        self._buffers: dict[str, Array] = {}
        self._layout = Layout()
        self._planned: tuple[tuple[frozenset[Ref], bool], list[Planned]] | None = None
        self.weights = weights
        problems = [*unlike(graph, self._declared())]
        formats = sorted({array.dtype.name for array in weights.values()})
        if len(formats) > 1:
            problems.append(f"stored arrays have different number formats: {', '.join(formats)}")
        elif formats and formats[0] not in FORMATS:
            problems.append(f"stored arrays hold {formats[0]}, kernels compute in {' or '.join(FORMATS)}")
        if problems:
            raise ArrayError(problems)
        self.dtype = np.dtype(formats[0]) if formats else None
        self._stored = frozenset(id(owner(array)) for array in weights.values())

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        keep: Iterable[str] = (),
        tally: bool = False,
        observe: Callable[[Step], None] | None = None,
    ) -> Run:
        """Evaluate every layer once.

        Args:
            inputs: an array for every input of the graph, batch in front; they are not written to.
            training: batch statistics, dropout, and training heads.
            seed: what dropout draws from.
            keep: layers, stages, inputs or blocks whose tensors are wanted as well.
            tally: whether layers count what they do.
            observe: called after every layer.

        Raises:
            ArrayError: inputs that do not fit; in training, stored arrays of training heads that are missing;
                otherwise, tensors of training heads in ``keep``.
            KeyError: nothing is called by a name in ``keep``.
        """
        if training and (missing := [*unlike(self.graph, self._declared(), training=True)]):
            raise ArrayError(missing)
        wanted = {name: self._find(name) for name in keep}
        if not training and (idle := [name for name, ref in wanted.items() if self.graph.nodes[ref.node].training]):
            raise ArrayError([f"'{name}' belongs to a training head, which runs in training only" for name in idle])
        results = {**self.graph.outputs, **(self.graph.training_outputs if training else {})}
        arrays = self._checked(inputs)
        begin = perf_counter()
        memory = Memory(self._layout, self._stored | {id(owner(array)) for array in arrays.values()})
        for index, node in enumerate(self.graph.nodes):
            if node.is_input:
                memory.hold(Ref(index), arrays[node.name])
        del inputs, arrays  # of those that the caller does not keep either, the memory is free after their last reader
        counts: dict[str, Mapping[str, int]] = {}
        updates: dict[str, Array] = {}
        with np.errstate(all="ignore"):  # numbers that are not finite show in the result
            for layer in self._plan(frozenset({*results.values(), *wanted.values()}), training):
                self._step(layer, memory, counts if tally else None, updates, training, seed, observe)
        tensors = memory.finish({*results.values(), *wanted.values()})
        return Run(
            outputs={name: tensors[ref] for name, ref in results.items()},
            kept={name: tensors[ref] for name, ref in wanted.items()},
            updates=updates,
            counts=counts,
            seconds=perf_counter() - begin,
            peak=memory.peak,
            scratch=sum(buffer.nbytes for buffer in self._buffers.values()),
        )

    def _step(
        self,
        layer: Planned,
        memory: Memory,
        counts: dict[str, Mapping[str, int]] | None,
        updates: dict[str, Array],
        training: bool,
        seed: int,
        observe: Callable[[Step], None] | None,
    ) -> None:
        node = layer.node
        first = node.inputs[0]
        lent = self.overwrite and first in layer.releases and node.inputs.count(first) == 1 and memory.lendable(first)
        work = Work(
            training=training,
            seed=(seed, layer.number),
            overwrite=lent,
            tally=None if counts is None else Counter(),
            buffers=self._buffers,
            allocate=memory.allocate,
        )
        given = tuple([memory.tensors[ref] for ref in node.inputs])
        begin = perf_counter()
        outputs = layer.kernel(node.op, given, layer.weights, work)
        seconds = perf_counter() - begin
        for output, array in enumerate(outputs):
            memory.hold(Ref(layer.number, output), array)
        updates.update({f"{node.name}.{name}": array for name, array in work.updates.items()})
        if counts is not None and work.tally is not None:
            counts[node.name] = {kind: number for kind, number in work.tally.items() if number}
        if observe is not None:
            counted = {} if counts is None else counts[node.name]
            observe(Step(node, given, outputs, layer.weights, counted, seconds, memory.live))
        if self.overwrite:
            for ref in layer.releases:
                memory.release(ref)

    def _plan(self, results: frozenset[Ref], training: bool) -> list[Planned]:
        """The layers to run, each with what nobody needs after it."""
        if self._planned is not None and self._planned[0] == (results, training):
            return self._planned[1]
        runs = [(index, node) for index, node in self.graph.layers() if training or not node.training]
        last = {Ref(index, output): index for index, node in runs for output in range(len(node.outputs))}
        for index, node in runs:
            last.update(dict.fromkeys(node.inputs, index))
        ends: dict[int, list[Ref]] = {}
        for ref, index in last.items():
            if ref not in results:
                ends.setdefault(index, []).append(ref)
        plan = [
            Planned(index, node, KERNELS[type(node.op)], self._own(node), tuple(ends.get(index, ())))
            for index, node in runs
        ]
        self._planned = (results, training), plan
        return plan

    def _declared(self) -> dict[str, tuple[Sizes, np.dtype[Any]]]:
        return {name: (array.shape, array.dtype) for name, array in self.weights.items()}

    def _own(self, node: Node) -> dict[str, Array]:
        """The stored arrays of a layer by their names in it."""
        return {name: self.weights[f"{node.name}.{name}"] for name in stored_by(self.graph, node)}

    def _find(self, name: str) -> Ref:
        found = self.graph.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def _checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The inputs, held to the graph."""
        shapes = self.graph.inputs
        problems = [f"there is no input '{name}'" for name in inputs if name not in shapes]
        batches, formats = set(), set()
        for name, shape in shapes.items():
            if name not in inputs:
                problems.append(f"the input '{name}' is missing")
                continue
            array = inputs[name]
            batches.add(array.shape[:1])
            formats.add(array.dtype)
            if array.shape[1:] != tuple(shape) or not array.shape or not len(array):
                written = "x".join(map(str, array.shape))
                expected = "x".join(map(str, shape))
                problems.append(f"the input '{name}' has shape {written}, expected Nx{expected}")
            elif self.dtype not in (None, array.dtype) or array.dtype.name not in FORMATS:
                own = self.dtype or " or ".join(FORMATS)
                problems.append(f"the input '{name}' holds {array.dtype}, the network computes in {own}")
        if len(batches) > 1 and not problems:
            problems.append("inputs have different numbers of examples")
        if len(formats) > 1 and not problems:
            problems.append("inputs have different number formats")
        if problems:
            raise ArrayError(problems)
        return dict(inputs)
