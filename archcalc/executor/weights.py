"""The stored arrays of a network by name, ``layer.weight``, ``layer.bias`` …: which there are, and seeded ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import erf, exp, pi, prod, sqrt
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike

from archcalc.executor import kernels  # noqa: F401  # registers what layers store
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes, storage_of
from archcalc.graph import Graph, Node, Ref
from archcalc.ops.activation import LeakyRelu, PRelu, Relu, Relu6, Scale, Sigmoid, Softmax, Tanh
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis
from archcalc.ops.merge import Add, Mul, Sub
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Standardize
from archcalc.ops.pool import Subsample

CONSTANTS = {"bias": 0.0, "shift": 0.0, "mean": 0.0, "scale": 1.0, "variance": 1.0, "slope": 0.25}
"""What stored numbers start as that are not drawn."""
SQUASHED = {Sigmoid: (0.5, 0.05), Tanh: (0.0, 0.4), Softmax: (0.0, 0.1)}
"""About the mean and variance of what bounded activations put out."""


class Spread(NamedTuple):
    """About the mean and the variance of a tensor's numbers."""

    mean: float = 0.0
    variance: float = 1.0

    @property
    def square(self) -> float:
        """The mean square."""
        return self.mean**2 + self.variance

    def rectified(self) -> Spread:
        """After a rectifier, if the numbers are normally distributed."""
        if not self.variance:
            return self
        deviation = sqrt(self.variance)
        ratio = self.mean / deviation
        above = (1 + erf(ratio / sqrt(2))) / 2
        density = exp(-(ratio**2) / 2) / sqrt(2 * pi)
        mean = self.mean * above + deviation * density
        return Spread(mean, max(self.square * above + self.mean * deviation * density - mean**2, 0.0))


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
    """Stored arrays to start with, those of training heads on request: kernels are drawn, the others are neutral.

    Kernels keep the size of activations: they are normal with variance 1/(fan-in · mean square of the input), which is
    He et al. 2015's 2/fan-in after a rectifier. The mean square is followed along the graph, so that sums of many
    branches, standardised kernels and layers without normalisation stay in range at any depth. Running variances are
    that mean square too, running means 0.

    The numbers of a layer depend on the seed and on its name only.
    """
    spreads: dict[Ref, Spread] = {}
    arrays: dict[str, Array] = {}
    for index, node in enumerate(graph.nodes):
        spread = _joined(node.op, [spreads[ref] for ref in node.inputs])
        rng = np.random.default_rng([seed, crc32(node.name.encode())])
        for name, shape in stored_by(graph, node).items() if training or not node.training else ():
            arrays[f"{node.name}.{name}"] = _drawn(node.op, name, shape, spread, rng).astype(dtype, copy=False)
        after = _after(node.op, spread, graph.input_shapes(node))
        spreads.update({Ref(index, output): after for output in range(len(node.outputs))})
    return arrays


def _joined(op: Operator, spreads: list[Spread]) -> Spread:
    """The spread of what a layer reads; of a join, of what it puts out."""
    if isinstance(op, Add | Sub):
        means = [spread.mean for spread in spreads]
        mean = sum(means) if isinstance(op, Add) else 2 * means[0] - sum(means)
        return Spread(mean, sum(spread.variance for spread in spreads))
    if isinstance(op, Mul):
        mean = prod(spread.mean for spread in spreads)
        return Spread(mean, prod(spread.square for spread in spreads) - mean**2)
    return max(spreads, key=lambda spread: spread.square, default=Spread())


def _after(op: Operator, spread: Spread, inputs: tuple[Sizes, ...]) -> Spread:
    """The spread of what a layer puts out."""
    if isinstance(op, Conv) and op.ws:
        return Spread(0.0, spread.square * _fan_in(op, (1, inputs[0][0] // op.groups, *op.kernel)))
    if isinstance(op, NORMAL):
        return Spread()
    if isinstance(op, Relu | Relu6 | LeakyRelu | PRelu):
        return spread.rectified()
    if isinstance(op, Scale):
        return Spread(spread.mean * float(op.factor), spread.variance * float(op.factor) ** 2)
    return Spread(*SQUASHED[type(op)]) if type(op) in SQUASHED else spread


NORMAL = Conv | DepthwiseConv | SeparableConv | TransposedConv | FullyConnected | Linear | Embedding
NORMAL |= BatchNorm | GroupNorm | InstanceNorm | LayerNorm | Standardize
"""Their output has mean 0 and variance 1, by how their kernels are drawn or because they normalise."""


def _drawn(op: Operator, name: str, shape: Sizes, spread: Spread, rng: np.random.Generator) -> Array:
    """The first content of one stored array."""
    if isinstance(op, Standardize):
        return np.array([float(number) for number in getattr(op, name)])
    if isinstance(op, BatchNorm) and name == "variance":
        return np.full(shape, spread.square)
    if isinstance(op, Subsample) and name == "coefficient":
        return np.full(shape, 1 / prod(op.kernel))  # the average
    if name in CONSTANTS:
        return np.full(shape, CONSTANTS[name])
    numbers = rng.standard_normal(shape, np.float32)
    if isinstance(op, Embedding | RadialBasis):
        return numbers
    numbers *= 1 / sqrt(_fan_in(op, shape) * (1.0 if name == "pointwise" else max(spread.square, 1e-12)))
    return numbers


def _fan_in(op: Operator, shape: Sizes) -> float:
    """How many products an output sums, from the shape of a kernel."""
    if isinstance(op, TransposedConv):
        return float(max(shape[0] // op.groups * prod(op.kernel) / prod(op.stride), 1))
    if isinstance(op, Conv) and op.table is not None:
        return float(prod(shape) / op.channels)
    return float(prod(shape[1:]))
