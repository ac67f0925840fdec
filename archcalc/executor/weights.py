"""The stored arrays of a network by ``layer.array``: their shapes, checks, and seeded initial values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike

from archcalc.arrays.texts import shape_text
from archcalc.executor import kernels  # noqa: F401  # registers what layers store
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes, storage_of
from archcalc.graph import Graph, Node, Ref
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, Spread, largest_spread


def stored_shapes(graph: Graph, node: Node) -> dict[str, Sizes]:
    """Return the shapes of the stored arrays of one layer by their names in it."""
    return storage_of(node.op, graph.input_shapes(node))


def array_names(graph: Graph, node: Node) -> dict[str, str]:
    """Return ``layer.array`` for each stored array of a layer, by its name in it: those of other layers if it shares
    theirs."""
    names = stored_shapes(graph, node)
    return {name: f"{graph.nodes[node.tied[name]].name if name in node.tied else node.name}.{name}" for name in names}


def own_shapes(graph: Graph, node: Node) -> dict[str, Sizes]:
    """Return the shapes of the arrays that are stored for one layer, without those of other layers."""
    return {name: shape for name, shape in stored_shapes(graph, node).items() if name not in node.tied}


def stored_array_shapes(graph: Graph, *, training: bool = False) -> dict[str, Sizes]:
    """Return the shapes of the stored arrays of a network by ``layer.array``, in graph order."""
    return {
        f"{node.name}.{name}": shape
        for _, node in graph.running(training=training)
        for name, shape in own_shapes(graph, node).items()
    }


def check_arrays(graph: Graph, arrays: Mapping[str, Array], *, training: bool = False) -> None:
    """Check arrays against a network.

    Args:
        graph: the network.
        arrays: the arrays by ``layer.array``.
        training: whether the arrays of training heads are required (they are allowed in any case).

    Raises:
        ArrayError: arrays are missing, unknown, of another shape, not of floating-point numbers, or not finite; all of
            them are listed.
    """
    problems = [
        *array_problems(graph, {name: (array.shape, array.dtype) for name, array in arrays.items()}, training=training)
    ]
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            problems.append(f"{name} holds numbers that are not finite (NaN or infinite)")
    if problems:
        raise ArrayError(problems)


def arrays_fit(graph: Graph, arrays: Mapping[str, Array]) -> bool:
    """Return whether arrays are those of a network at inference, by their names and shapes."""
    return {name: array.shape for name, array in arrays.items()} == stored_array_shapes(graph)


def array_problems(
    graph: Graph, found: Mapping[str, tuple[Sizes, np.dtype[Any]]], *, training: bool = False
) -> Iterator[str]:
    """Yield a sentence for every array that does not fit a network.

    Arguments are those of `check_arrays`, with shapes and number formats in place of arrays.
    """
    needed, known = stored_array_shapes(graph, training=training), stored_array_shapes(graph, training=True)
    for name, shape in known.items():
        if name not in found:
            if name in needed:
                yield f"{name} is missing: {shape_text(shape)}"
            continue
        got, dtype = found[name]
        if tuple(got) != tuple(shape):
            yield f"{name} must have shape {shape_text(shape)}, got {shape_text(got)}"
        if dtype.kind != "f":
            yield f"{name} must hold floating-point numbers, got {dtype.name}"
    for name in found:
        if name not in known:
            yield f"{name} belongs to no layer"


# --- seeded initial values ---


def initial_arrays(
    graph: Graph, *, seed: int = 0, dtype: DTypeLike = np.float32, training: bool = False
) -> dict[str, Array]:
    """Return initial stored arrays as operators declare them: weights are random, all others are neutral.

    Weights preserve the magnitude of activations. For this, the mean and the variance of activations are propagated
    along the graph, so that they stay in range at any depth, even with sums of many branches, standardised weights and
    layers without normalisation.

    The numbers of a layer depend only on the seed and on its name. The arrays of training heads are included if
    ``training`` is set.
    """
    spreads: dict[Ref, Spread] = {}
    arrays: dict[str, Array] = {}
    for index, node in enumerate(graph.nodes):
        read = [spreads[ref] for ref in node.inputs]
        rng = np.random.default_rng([seed, crc32(node.name.encode())])
        for name, shape in own_shapes(graph, node).items() if training or not node.training else ():
            start = node.op.initial(name, shape, largest_spread(read))
            arrays[f"{node.name}.{name}"] = _drawn(start, shape, rng).astype(dtype, copy=False)
        after = node.op.spread(read, graph.input_shapes(node))
        spreads.update({Ref(index, output): after for output in range(len(node.outputs))})
    return arrays


def random_names(graph: Graph, *, training: bool = False) -> list[str]:
    """Return the names of the stored arrays at inference, or in training, whose initial values are random."""
    return [
        f"{node.name}.{name}"
        for _, node in graph.running(training=training)
        for name, shape in own_shapes(graph, node).items()
        if node.op.initial(name, shape, STANDARD_SPREAD).deviation
    ]


def _drawn(start: InitialValues, shape: Sizes, rng: np.random.Generator) -> Array:
    """Return the initial values of one stored array."""
    if not start.deviation:
        return np.full(shape, start.mean)
    numbers = rng.standard_normal(shape, np.float32)
    numbers *= start.deviation
    return numbers
