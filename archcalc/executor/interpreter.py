"""Evaluates the layers of a graph one after another, and notes what they did.

A tensor is freed as soon as nobody needs it. Tensors that are views of one array (reshaped, sliced, transposed) live
and die as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Arrays, Buffers, Context, Kernel, kernel_of, owner
from archcalc.executor.weights import stored_by, unlike
from archcalc.graph import Graph, Node, Ref

FORMATS = ("float32", "float64")
"""What kernels compute in."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerTrace:
    """One layer that has just been evaluated."""

    number: int
    """Its index in the graph."""
    node: Node
    inputs: Arrays
    outputs: Arrays
    weights: Mapping[str, Array]
    """Its stored arrays by their name in the layer."""
    counts: Mapping[str, int]
    """Operations by kind, and ``macs``; nothing unless a tally was asked for."""
    seconds: float
    live: int
    """Bytes of all tensors alive when it had run."""


Observer = Callable[[LayerTrace], None]


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
    """The most bytes of tensors at one time, inputs among them, parameters not."""
    scratch: int
    """Bytes of the work buffers that kernels share."""

    @property
    def output(self) -> Array:
        """The main output."""
        return next(iter(self.outputs.values()))


class Request(NamedTuple):
    """What a run is asked for, held to the graph."""

    inputs: dict[str, Array]
    outputs: Mapping[str, Ref]
    kept: Mapping[str, Ref]

    @property
    def results(self) -> frozenset[Ref]:
        """The tensors that outlive the run."""
        return frozenset({*self.outputs.values(), *self.kept.values()})

    def named(self, tensors: Mapping[Ref, Array]) -> dict[str, dict[str, Array]]:
        """The results by their names, as a `Run` has them."""
        return {
            "outputs": {name: tensors[ref] for name, ref in self.outputs.items()},
            "kept": {name: tensors[ref] for name, ref in self.kept.items()},
        }


class Interpreter:
    """A graph with its stored arrays, ready to run any number of times."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        """Prepare a graph.

        Args:
            graph: the network.
            weights: stored arrays by ``layer.array``, all in the number format to compute in.

        Raises:
            ArrayError: arrays that are missing, unknown, of another shape or of mixed number formats.
        """
        self.graph, self.weights = graph, weights
        problems = [*self._unlike()]
        formats = sorted({array.dtype.name for array in weights.values()})
        if len(formats) > 1:
            problems.append(f"stored arrays have different number formats: {', '.join(formats)}")
        elif formats and formats[0] not in FORMATS:
            problems.append(f"stored arrays hold {formats[0]}, kernels compute in {' or '.join(FORMATS)}")
        if problems:
            raise ArrayError(problems)
        self.dtype = np.dtype(formats[0]) if formats else None

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        keep: Iterable[str] = (),
        tally: bool = False,
        observe: Observer | None = None,
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
            MissingDefinition: an operator has no kernel.
            KeyError: nothing is called by a name in ``keep``.
        """
        request = self.request(inputs, training=training, keep=keep)
        del inputs  # of those that the caller does not keep either, the memory is free after their last reader
        return self.evaluate(request, training=training, seed=seed, tally=tally, observe=observe)

    def request(self, inputs: Mapping[str, Array], *, training: bool = False, keep: Iterable[str] = ()) -> Request:
        """Hold what a run is asked for to the graph; arguments and errors are as for `run`."""
        if training and (missing := [*self._unlike(training=True)]):
            raise ArrayError(missing)
        kept = {name: self._find(name) for name in keep}
        if not training and (idle := [name for name, ref in kept.items() if self.graph.nodes[ref.node].training]):
            raise ArrayError([f"'{name}' belongs to a training head, which runs in training only" for name in idle])
        outputs = {**self.graph.outputs, **(self.graph.training_outputs if training else {})}
        return Request(self._checked(inputs), outputs, kept)

    def evaluate(
        self,
        request: Request,
        *,
        training: bool = False,
        seed: int = 0,
        tally: bool = False,
        observe: Observer | None = None,
    ) -> Run:
        """As `run`, of a request; its inputs are taken away from it."""
        begin = perf_counter()
        buffers, peak = Buffers(), 0
        counts, updates = dict[str, Mapping[str, int]](), dict[str, Array]()
        tensors: dict[Ref, Array] = {}
        for index, node in enumerate(self.graph.nodes):
            if node.is_input:
                tensors[Ref(index)] = np.ascontiguousarray(request.inputs.pop(node.name))
        for layer in self._plan(request.results, training):
            node = layer.node
            context = Context(training, (seed, layer.number), Counter() if tally else None, buffers=buffers)
            given = tuple([tensors[ref] for ref in node.inputs])
            start = perf_counter()
            with np.errstate(all="ignore"):  # numbers that are not finite show in the results
                outputs = layer.kernel(node.op, given, layer.weights, context)
            seconds = perf_counter() - start
            tensors.update({Ref(layer.number, output): array for output, array in enumerate(outputs)})
            live = live_bytes(tensors.values())
            peak = max(peak, live)
            updates.update({f"{node.name}.{name}": array for name, array in context.updates.items()})
            if context.tally is not None:
                counts[node.name] = {kind: number for kind, number in context.tally.items() if number}
            if observe is not None:
                counted = counts.get(node.name, {})
                observe(LayerTrace(layer.number, node, given, outputs, layer.weights, counted, seconds, live))
            del given, outputs
            for ref in layer.releases:
                del tensors[ref]
        return Run(
            **request.named(tensors),
            updates=updates,
            counts=counts,
            seconds=perf_counter() - begin,
            peak=peak,
            scratch=buffers.nbytes,
        )

    def _plan(self, results: frozenset[Ref], training: bool) -> list[Planned]:
        """The layers to run, each with what nobody needs after it."""
        runs = [(index, node) for index, node in self.graph.layers() if training or not node.training]
        last = {Ref(index, output): index for index, node in runs for output in range(len(node.outputs))}
        for index, node in runs:
            last.update(dict.fromkeys(node.inputs, index))
        ends: dict[int, list[Ref]] = {}
        for ref, index in last.items():
            if ref not in results:
                ends.setdefault(index, []).append(ref)
        return [
            Planned(index, node, kernel_of(node.op), self._own(node), tuple(ends.get(index, ())))
            for index, node in runs
        ]

    def _unlike(self, *, training: bool = False) -> Iterable[str]:
        declared = {name: (array.shape, array.dtype) for name, array in self.weights.items()}
        return unlike(self.graph, declared, training=training)

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


class Planned(NamedTuple):
    """A layer, prepared."""

    number: int
    """Its index in the graph."""
    node: Node
    kernel: Kernel
    weights: Mapping[str, Array]
    releases: tuple[Ref, ...]
    """What nobody needs once it has run."""


def live_bytes(tensors: Iterable[Array]) -> int:
    """Bytes of the memory that arrays are in: what several are views of counts once."""
    blocks = {id(block): getattr(block, "nbytes", array.nbytes) for array in tensors for block in [owner(array)]}
    return sum(map(int, blocks.values()))
