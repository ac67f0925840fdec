"""The stored arrays of a network by name, ``layer.weight``, ``layer.bias`` …: which there are, and seeded ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike

from archcalc.executor import kernels  # noqa: F401  # registers what layers store
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes, storage_of
from archcalc.graph import Graph, Node, Ref
from archcalc.ops.traits import Initial, Spread, largest


def stored_by(graph: Graph, node: Node) -> dict[str, Sizes]:
    """The arrays that one layer stores, by their name in the layer, with their shapes."""
    return storage_of(node.op, graph.input_shapes(node))


def stored(graph: Graph, *, training: bool = False) -> dict[str, Sizes]:
    """The arrays of a network by ``layer.array``, in graph order, with their shapes; of training heads on request."""
    return {
        f"{node.name}.{name}": shape
        for _, node in graph.layers()
        if training or not node.training
        for name, shape in stored_by(graph, node).items()
    }


def check(graph: Graph, arrays: Mapping[str, Array], *, training: bool = False) -> None:
    """Hold arrays to a network.

    Args:
        graph: the network.
        arrays: by ``layer.array``.
        training: whether those of training heads have to be there (they may be in any case).

    Raises:
        ArrayError: arrays are missing, unknown, of another shape or of another number format than ``float32`` or
            ``float64``, or hold what is not a finite number; every one is listed.
    """
    problems = [*unlike(graph, {name: (array.shape, array.dtype) for name, array in arrays.items()}, training=training)]
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            problems.append(f"{name} holds numbers that are not finite (NaN or infinite)")
    if problems:
        raise ArrayError(problems)


def unlike(graph: Graph, found: Mapping[str, tuple[Sizes, np.dtype[Any]]], *, training: bool = False) -> Iterator[str]:
    """What differs between the arrays of a network and those at hand, a sentence for each.

    Arguments are as for `check`, with shapes and number formats in the place of arrays.
    """
    needed, known = stored(graph, training=training), stored(graph, training=True)
    for name, shape in known.items():
        if name not in found:
            if name in needed:
                yield f"{name} is missing: {_written(shape)}"
            continue
        got, dtype = found[name]
        if tuple(got) != tuple(shape):
            yield f"{name} has shape {_written(got)}, the layer stores {_written(shape)}"
        if dtype.kind != "f":
            yield f"{name} holds {dtype.name}, not floating-point numbers"
    for name in found:
        if name not in known:
            yield f"{name} belongs to no layer"


def _written(shape: Sizes) -> str:
    return "x".join(map(str, shape)) if shape else "a single number"


# --- seeded numbers ---


def initial(graph: Graph, *, seed: int = 0, dtype: DTypeLike = np.float32, training: bool = False) -> dict[str, Array]:
    """Stored arrays to start with, those of training heads on request, as operators declare them: kernels are drawn,
    the others are neutral.

    Kernels keep the size of activations. For that the mean and the variance of what layers read are followed along the
    graph, so that sums of many branches, standardised kernels and layers without normalisation stay in range at any
    depth.

    The numbers of a layer depend on the seed and on its name only.
    """
    spreads: dict[Ref, Spread] = {}
    arrays: dict[str, Array] = {}
    for index, node in enumerate(graph.nodes):
        read = [spreads[ref] for ref in node.inputs]
        rng = np.random.default_rng([seed, crc32(node.name.encode())])
        for name, shape in stored_by(graph, node).items() if training or not node.training else ():
            start = node.op.initial(name, shape, largest(read))
            arrays[f"{node.name}.{name}"] = _drawn(start, shape, rng).astype(dtype, copy=False)
        after = node.op.spread(read, graph.input_shapes(node))
        spreads.update({Ref(index, output): after for output in range(len(node.outputs))})
    return arrays


def _drawn(start: Initial, shape: Sizes, rng: np.random.Generator) -> Array:
    """The first content of one stored array."""
    if not start.deviation:
        return np.full(shape, start.mean)
    numbers = rng.standard_normal(shape, np.float32)
    numbers *= start.deviation
    return numbers
