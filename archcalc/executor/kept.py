"""The tensors that a layer keeps for its backward pass: those that its operator says it is differentiated by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from archcalc.executor.interpreter import LayerTrace
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.paths import Paths
from archcalc.executor.weights import array_names
from archcalc.graph import Node
from archcalc.ops.backward import Needs


def trained_of(node: Node, paths: Paths) -> frozenset[str]:
    """Return the names of the stored arrays of a layer whose gradients are asked for."""
    return frozenset([own for own, name in array_names(paths.graph, node).items() if name in paths.arrays])


def with_kept_only(trace: LayerTrace, paths: Paths) -> LayerTrace:
    """Return the evaluation of a layer without the tensors that its gradient is not computed from.

    They are replaced by arrays of the same shape that take no memory: a gradient that uses one is not a number. What an
    operator makes of its inputs is computed anew, so that all inputs are kept for it.
    """
    inputs: set[int] = set()
    outputs: set[int] = set()
    if trace.number in paths.layers:
        node = trace.node
        needs = Needs(tuple([ref in paths.carrying for ref in node.inputs]), trained_of(node, paths))
        for kept in node.op.kept(tuple([x.shape[1:] for x in trace.inputs]), needs):
            if kept.kind == "made":
                inputs.update(range(len(trace.inputs)))
            elif kept.kind in ("input", "output"):
                (inputs if kept.kind == "input" else outputs).add(kept.place)
    return replace(trace, inputs=_without(trace.inputs, inputs), outputs=_without(trace.outputs, outputs))


def _without(arrays: Arrays, kept: set[int]) -> Arrays:
    return tuple([array if place in kept else absent(array) for place, array in enumerate(arrays)])


def absent(array: Array) -> Array:
    """Return an array of the same shape and format that takes no memory, and contains no numbers."""
    nothing = np.nan if array.dtype.kind == "f" else 0
    return np.broadcast_to(np.asarray(nothing, array.dtype), array.shape)


def is_absent(array: Array) -> bool:
    """Return whether an array is the replacement of one that was not kept."""
    return array.ndim > 0 and not any(array.strides)
