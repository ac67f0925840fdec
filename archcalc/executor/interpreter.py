"""The interpreter, which evaluates the layers of a graph one after another and records what they did.

A tensor is freed after its last use. Memory that several tensors share, because they are views of one array (reshaped,
sliced, transposed), is freed with the last of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from archcalc.arrays.texts import shape_text
from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Arrays, Context, Kernel, WorkBuffers, kernel_of, owner
from archcalc.executor.narrow import in_formats, rounding_to
from archcalc.executor.random import seed_of
from archcalc.executor.training import TrainingStep
from archcalc.executor.weights import array_names, array_problems
from archcalc.graph import Graph, Node, Ref

FORMATS = ("float32", "float64")
"""The number formats in which kernels compute."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerTrace:
    """The evaluation of one layer, as observers see it."""

    number: int
    """The index of the layer in the graph."""
    node: Node
    inputs: Arrays
    outputs: Arrays
    weights: Mapping[str, Array]
    """The stored arrays of the layer by their names in it."""
    counts: Mapping[str, int]
    """Operations by kind, and ``macs``; empty unless operations are counted."""
    seconds: float
    live: int
    """The bytes of all live tensors after the evaluation."""
    training: bool = False
    """Whether the layer ran in training mode."""


Observer = Callable[[LayerTrace], None]
DEFAULT_STEP = TrainingStep()


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """The results of a run. Arrays have the batch in front."""

    outputs: Mapping[str, Array]
    """The main output first, then the heads; in training, the training heads as well."""
    kept: Mapping[str, Array]
    """The tensors that were requested by ``keep``, by the names given there."""
    updates: Mapping[str, Array]
    """The new values of stored arrays after a training step (running statistics), by ``layer.array``."""
    counts: Mapping[str, Mapping[str, int]]
    """Operations by kind, and ``macs``, by layer; empty unless operations are counted."""
    seconds: float
    peak: int
    """The largest number of bytes of tensors live at the same time, with inputs but without parameters."""
    scratch: int
    """The bytes of the work buffers that kernels share."""

    @property
    def output(self) -> Array:
        """The main output."""
        return next(iter(self.outputs.values()))


class Request(NamedTuple):
    """The checked arguments of a run."""

    inputs: dict[str, Array]
    outputs: Mapping[str, Ref]
    kept: Mapping[str, Ref]

    @property
    def results(self) -> frozenset[Ref]:
        """The tensors that outlive the run."""
        return frozenset({*self.outputs.values(), *self.kept.values()})

    def named(self, tensors: Mapping[Ref, Array]) -> dict[str, dict[str, Array]]:
        """Return the results by their names, as the fields of a `Run`."""
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
        problems = [*self._array_problems()]
        formats = sorted({array.dtype.name for array in weights.values()})
        if len(formats) > 1:
            problems.append(f"stored arrays have different number formats: {', '.join(formats)}")
        elif formats and formats[0] not in FORMATS:
            problems.append(f"stored arrays must have the number format {' or '.join(FORMATS)}, got {formats[0]}")
        if problems:
            raise ArrayError(problems)
        self.dtype = np.dtype(formats[0]) if formats else None

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        step: TrainingStep = DEFAULT_STEP,
        keep: Iterable[str] = (),
        fixed: Mapping[str, Array] | None = None,
        tally: bool = False,
        observe: Observer | None = None,
    ) -> Run:
        """Evaluate every layer once.

        Args:
            inputs: an array for every input of the graph, batch in front; they are not written to.
            training: whether to use batch statistics and dropout, and to run training heads.
            seed: the seed of dropout and of random layers.
            step: in training, the masks of dropout that are given, and how running statistics are updated.
            keep: the names of layers, stages, inputs or blocks whose tensors are to be returned as well.
            fixed: arrays that replace the outputs of layers, by layer, batch in front; only for layers with one output.
            tally: whether to count operations.
            observe: a function that is called after every layer.

        Raises:
            ArrayError: inputs do not fit, or stored arrays of training heads are missing in training, or ``keep`` names
                a tensor of a training head outside of training.
            MissingDefinition: an operator has no kernel.
            KeyError: a name in ``keep`` does not exist.
        """
        request = self.request(inputs, training=training, keep=keep)
        del inputs  # so that inputs that the caller does not keep are freed after their last reader
        return self.evaluate(
            request, training=training, seed=seed, step=step, fixed=fixed, tally=tally, observe=observe
        )

    def request(self, inputs: Mapping[str, Array], *, training: bool = False, keep: Iterable[str] = ()) -> Request:
        """Check the arguments of a run; arguments and errors are those of `run`."""
        if training and (missing := [*self._array_problems(training=True)]):
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
        step: TrainingStep = DEFAULT_STEP,
        fixed: Mapping[str, Array] | None = None,
        tally: bool = False,
        observe: Observer | None = None,
    ) -> Run:
        """Evaluate every layer as `run` does, for a request, from which the inputs are removed."""
        begin = perf_counter()
        buffers, peak = WorkBuffers(), 0
        counts, updates = dict[str, Mapping[str, int]](), dict[str, Array]()
        tensors: dict[Ref, Array] = {}
        example = next(iter(request.inputs.values()))
        batch, dtype = len(example), self.dtype or example.dtype
        del example  # so that it is freed after its last reader
        for index, node in enumerate(self.graph.nodes):
            if node.is_input:
                tensors[Ref(index)] = np.ascontiguousarray(request.inputs.pop(node.name))
        for layer in self._plan(request.results, training):
            node = layer.node
            context = Context(
                training,
                seed_of(self.graph, layer.number, seed),
                Counter() if tally else None,
                batch=batch,
                dtype=dtype,
                buffers=buffers,
                mask=step.masks.get(node.name),
                average=step.average,
                rounding=rounding_to(node.precision),
            )
            given = tuple([tensors[ref] for ref in node.inputs])
            start = perf_counter()
            with np.errstate(all="ignore"):  # numbers that are not finite are visible in the results
                outputs = layer.kernel(node.op, given, layer.weights, context)
                outputs = in_formats(outputs, node.formats, (*given, *layer.weights.values()))
            if fixed is not None and node.name in fixed:
                outputs = (fixed[node.name],)
            seconds = perf_counter() - start
            tensors.update({Ref(layer.number, output): array for output, array in enumerate(outputs)})
            live = live_bytes(tensors.values())
            peak = max(peak, live)
            names = array_names(self.graph, node) if context.updates else {}
            updates.update({names[name]: array for name, array in context.updates.items()})
            if context.tally is not None:
                counts[node.name] = {kind: number for kind, number in context.tally.items() if number}
            if observe is not None:
                counted = counts.get(node.name, {})
                observe(LayerTrace(layer.number, node, given, outputs, layer.weights, counted, seconds, live, training))
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

    def _plan(self, results: frozenset[Ref], training: bool) -> list[PlannedLayer]:
        """Return the layers to run, each with the tensors that are not needed after it."""
        runs = [*self.graph.running(training=training)]
        last = {Ref(index, output): index for index, node in runs for output in range(len(node.outputs))}
        for index, node in runs:
            last.update(dict.fromkeys(node.inputs, index))
        ends: dict[int, list[Ref]] = {}
        for ref, index in last.items():
            if ref not in results:
                ends.setdefault(index, []).append(ref)
        return [
            PlannedLayer(index, node, kernel_of(node.op), self._stored_arrays(node), tuple(ends.get(index, ())))
            for index, node in runs
        ]

    def _array_problems(self, *, training: bool = False) -> Iterable[str]:
        declared = {name: (array.shape, array.dtype) for name, array in self.weights.items()}
        return array_problems(self.graph, declared, training=training)

    def _stored_arrays(self, node: Node) -> dict[str, Array]:
        """Return the stored arrays of a layer by their names in it."""
        return {name: self.weights[stored] for name, stored in array_names(self.graph, node).items()}

    def _find(self, name: str) -> Ref:
        found = self.graph.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def _checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the inputs after checking them against the graph."""
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
                got = shape_text(array.shape)
                problems.append(f"the input '{name}' must have shape {shape_text(('N', *shape))}, got {got}")
            elif self.dtype not in (None, array.dtype) or array.dtype.name not in FORMATS:
                own = self.dtype or " or ".join(FORMATS)
                problems.append(f"the input '{name}' must have the number format {own}, got {array.dtype}")
        if len(batches) > 1 and not problems:
            problems.append("inputs have different numbers of examples")
        if len(formats) > 1 and not problems:
            problems.append("inputs have different number formats")
        if problems:
            raise ArrayError(problems)
        nodes = {node.name: node for node in self.graph.nodes[: len(shapes)]}
        found = dict(inputs)
        for name, array in inputs.items():
            (found[name],) = in_formats([array], nodes[name].formats, [array])
        return found


class PlannedLayer(NamedTuple):
    """A layer that is ready to be evaluated."""

    number: int
    """The index of the layer in the graph."""
    node: Node
    kernel: Kernel
    weights: Mapping[str, Array]
    releases: tuple[Ref, ...]
    """The tensors that are not needed after the layer has run."""


def live_bytes(tensors: Iterable[Array]) -> int:
    """Return the bytes of the memory of arrays; memory that several are views of counts once."""
    blocks = {id(block): getattr(block, "nbytes", array.nbytes) for array in tensors for block in [owner(array)]}
    return sum(map(int, blocks.values()))
