"""The backward pass: gradients of a loss, from the last layer to the first (reverse mode)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple, TypeVar

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, GradientFunction, gradient_of
from archcalc.executor.interpreter import DEFAULT_STEP, Interpreter, LayerTrace, Run, live_bytes
from archcalc.executor.kept import is_absent, trained_of, with_kept_only
from archcalc.executor.kernel import Array, Arrays, Context, WorkBuffers
from archcalc.executor.losses import Loss
from archcalc.executor.paths import Paths
from archcalc.executor.training import TrainingStep
from archcalc.executor.weights import array_names
from archcalc.graph import Graph, Ref

Observer = Callable[[object], None]


Key = TypeVar("Key", Ref, str)


class BackwardTrace(NamedTuple):
    """The evaluation of a layer, and the gradients of its outputs."""

    trace: LayerTrace
    given: Arrays


@dataclass(frozen=True, eq=False, kw_only=True)
class BackwardResult:
    """The results of a forward and a backward pass."""

    loss: float
    gradients: Mapping[str, Array]
    """∂L/∂x for every name that was asked for: of tensors with the batch in front, of stored arrays in their shape."""
    arrays: frozenset[str]
    """The names among them that are those of stored arrays."""
    run: Run
    """The forward pass, with the tensors that the loss is computed from among ``kept``."""
    counts: Mapping[str, Mapping[str, int]]
    """Operations of matrix products in the backward pass by kind, and ``macs``, by layer; empty unless counted."""
    seconds: float
    """The time of the backward pass."""
    saved: int
    """The bytes of the tensors that were kept for the backward pass."""
    points: Mapping[str, BackwardTrace]
    """The layers that were to be kept."""

    def of_example(self, name: str) -> Array:
        """Return the gradient of a stored array, or that of the first example of a tensor."""
        found: Array = self.gradients[name] if name in self.arrays else self.gradients[name][0]
        return found


def gradients(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    loss: Loss,
    names: Iterable[str],
    *,
    training: bool = False,
    seed: int = 0,
    step: TrainingStep = DEFAULT_STEP,
    fixed: Mapping[str, Array] | None = None,
    tally: bool = False,
    keep: Iterable[str] = (),
    instead: Mapping[str, GradientFunction] | None = None,
    observe: Observer | None = None,
) -> BackwardResult:
    """Return the gradients of a loss.

    The tensors of the forward pass that gradients are computed from are kept until the backward pass has used them.

    Args:
        graph: the network.
        inputs: an array for every input, batch in front.
        weights: the stored arrays by ``layer.array``.
        loss: the loss of outputs, or of other tensors by the names of their layers.
        names: what the gradients are asked for of: inputs, layers, stages (their outputs), and stored arrays by
            ``layer.array``.
        training: whether batch norms use batch statistics, dropout is applied and training heads run.
        seed: the seed of dropout.
        step: in training, the masks of dropout that are given, and how running statistics are updated.
        fixed: arrays that replace the outputs of layers, by layer, batch in front; only for layers with one output.
        tally: whether to count the operations of both passes.
        keep: the names of layers whose evaluation and whose outputs' gradients are returned as well.
        instead: vector–Jacobian products to use for some layers, by name, instead of those of their operators.
        observe: a function that is called after every layer of either pass.

    Raises:
        ArrayError: arrays do not fit, a name does not exist, or there is no gradient for it.
        MissingDefinition: an operator has no kernel.
    """
    paths = Paths(graph, names, loss.terms, training=training)
    instead = instead or {}
    kept, complete, traces = set(keep), {*keep, *instead}, list[LayerTrace]()

    def note(trace: LayerTrace) -> None:
        traces.append(trace if trace.node.name in complete else with_kept_only(trace, paths))
        if observe is not None:
            observe(trace)

    interpreter = Interpreter(graph, weights)
    run = interpreter.run(
        inputs, training=training, seed=seed, step=step, keep=loss.terms, fixed=fixed, tally=tally, observe=note
    )
    saved = live_bytes(array for trace in traces for array in (*trace.inputs, *trace.outputs) if not is_absent(array))
    begin = perf_counter()
    value, first = loss(run.kept)
    tensors, arrays = dict[Ref, Array](), dict[str, Array]()
    for name, g in first.items():
        _add(tensors, paths.losses[name], g)
    counts, buffers, points = dict[str, Mapping[str, int]](), WorkBuffers(), dict[str, BackwardTrace]()
    while traces:
        trace = traces.pop()  # its tensors are freed unless earlier layers read them
        if observe is not None:
            observe(trace)
        given = _given(tensors, paths, trace)
        if given is None:
            continue
        node = trace.node
        if node.name in kept:
            points[node.name] = BackwardTrace(trace, given)
        context = Context(
            training,
            (seed, trace.number),
            tally=Counter() if tally else None,
            mask=step.masks.get(node.name),
            batch=len(given[0]),
            dtype=given[0].dtype,
            buffers=buffers,
        )
        needed = tuple([ref in paths.carrying for ref in node.inputs])
        trained = bool(trained_of(node, paths))
        layer = EvaluatedLayer(trace.inputs, trace.outputs, trace.weights, context, needed, trained)
        with np.errstate(all="ignore"):  # numbers that are not finite are visible in the results
            product = instead.get(node.name) or gradient_of(node.op)
            found = product(node.op, layer, given)
        for ref, own in zip(node.inputs, found.inputs, strict=True):
            if own is not None and ref in paths.carrying:
                _add(tensors, ref, own)
        for name, full in array_names(graph, node).items():
            if full in paths.arrays and name in found.weights:
                _add(arrays, full, found.weights[name])
        if context.tally is not None:
            counts[node.name] = {kind: number for kind, number in context.tally.items() if number}
    return BackwardResult(
        loss=value,
        gradients={
            name: arrays[name] if name in paths.arrays else tensors[paths.tensors[name]] for name in paths.names
        },
        arrays=frozenset(paths.arrays),
        run=run,
        counts=counts,
        seconds=perf_counter() - begin,
        saved=saved,
        points=points,
    )


def _add(found: dict[Key, Array], key: Key, g: Array) -> None:
    """Add a gradient to those of the same tensor or stored array; its own array may be shared with others."""
    found[key] = found[key] + g if key in found else g


def _given(tensors: dict[Ref, Array], paths: Paths, trace: LayerTrace) -> Arrays | None:
    """Return the gradients of the outputs of a layer, and forget those that were not asked for.

    ``None`` if nothing that was asked for lies behind the layer.
    """
    refs = paths.graph.made_by(trace.number)
    asked = paths.tensors.values()
    found = [tensors.get(ref) if ref in asked else tensors.pop(ref, None) for ref in refs]
    if trace.number not in paths.layers or all(g is None for g in found):
        return None
    return tuple([np.zeros_like(y) if g is None else g for g, y in zip(found, trace.outputs, strict=True)])
