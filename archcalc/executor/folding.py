"""Folded weights: what `archcalc.analysis.fold` says of a graph, done to its arrays, exactly in double precision.

A linear map per channel, y = a·x + b, goes into a layer of weighted sums that stands before it (rows of its weights
times a, its bias times a plus b) or after it (columns times a, and b through the weights into the bias).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.kernels.conv import standardised
from archcalc.graph import Graph, Node
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.norm import BatchNorm


class Fold(Protocol):
    """One layer that goes into another one, by their indices in the graph."""

    @property
    def node(self) -> int: ...
    @property
    def into(self) -> int: ...
    @property
    def forward(self) -> bool: ...


def folded_weights(graph: Graph, folds: Iterable[Fold], weights: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of the folded network by ``layer.array``, in the number format of the given ones.

    Args:
        graph: the network before folding.
        folds: what goes where, in the order in which it is to be done.
        weights: the arrays of the network before folding.
    """
    arrays = dict(weights)
    touched: dict[str, np.dtype[Any]] = {}
    for fold in folds:
        node, into = graph.nodes[fold.node], graph.nodes[fold.into]
        channels_in = graph.input_shapes(into)[0][0]
        own = {name.rpartition(".")[2]: array for name, array in arrays.items() if name.rpartition(".")[0] == node.name}
        if not own:  # training heads may be without arrays
            continue
        for name in own:
            del arrays[f"{node.name}.{name}"]
        factor, offset = _line(node, own, channels_in if fold.forward else into.output[0])
        sums = _Layer(into, arrays, channels_in, fresh=into.name not in touched)
        touched.setdefault(into.name, sums.dtype)
        arrays.update(sums.after(factor, offset) if fold.forward else sums.before(factor, offset))
    return {
        name: array.astype(touched[layer], copy=False) if (layer := name.rpartition(".")[0]) in touched else array
        for name, array in arrays.items()
    }


def _line(node: Node, arrays: Mapping[str, Array], channels: int) -> tuple[Array, Array]:
    """a and b per channel of a layer that does a·x + b."""
    own = {name: array.astype(np.float64) for name, array in arrays.items()}
    if isinstance(node.op, BatchNorm):
        factor = own.get("scale", 1.0) / np.sqrt(own["variance"] + float(node.op.eps))
        offset = own.get("shift", 0.0) - own["mean"] * factor
    else:
        factor = 1 / own["std"]
        offset = -own["mean"] * factor
    return np.broadcast_to(factor, channels), np.broadcast_to(offset, channels)


class _Layer:
    """A layer of weighted sums and the arrays it has by now."""

    def __init__(self, node: Node, arrays: Mapping[str, Array], channels_in: int, *, fresh: bool) -> None:
        self.node = node
        self.channels_in = channels_in
        self.split = isinstance(node.op, SeparableConv)
        names = ("depthwise", "pointwise") if self.split else ("weight",)
        given = [arrays[f"{node.name}.{name}"] for name in names]
        self.names = names
        self.dtype = given[0].dtype
        self.weights = [array.astype(np.float64) for array in given]
        if fresh and isinstance(node.op, Conv) and node.op.ws:
            self.weights = [standardised(array) for array in self.weights]
        bias = arrays.get(f"{node.name}.bias")
        self.bias = np.zeros(node.output[0]) if bias is None else bias.astype(np.float64)

    def before(self, factor: Array, offset: Array) -> dict[str, Array]:
        """The arrays once a·y + b is done to the outputs."""
        kernels, _, outputs = self.kernels(len(self.names) - 1)
        self.weights[-1] = (kernels * factor[outputs][..., None]).reshape(self.weights[-1].shape)
        return self.arrays(self.bias * factor + offset)

    def after(self, factor: Array, offset: Array) -> dict[str, Array]:
        """The arrays once a·x + b is done to the inputs: every sum has all of its terms."""
        kernels, inputs, outputs = self.kernels(0)
        sums = np.zeros(int(outputs.max()) + 1)
        terms = kernels.sum(-1) * offset[inputs]
        np.add.at(sums, np.broadcast_to(outputs, terms.shape), terms)
        if self.split:
            sums = self.weights[1].reshape(len(self.bias), -1) @ sums
        self.weights[0] = (kernels * factor[inputs][..., None]).reshape(self.weights[0].shape)
        return self.arrays(self.bias + sums)

    def arrays(self, bias: Array) -> dict[str, Array]:
        named = dict(zip(self.names, self.weights, strict=True)) | {"bias": bias}
        return {f"{self.node.name}.{name}": array for name, array in named.items()}

    def kernels(self, part: int) -> tuple[Array, Array, Array]:
        """Every kernel as a row of weights, and its input and output channel (as arrays that broadcast to the rows)."""
        op, weight = self.node.op, self.weights[part]
        if isinstance(op, Conv) and op.table is not None:  # output map by output map
            outputs, inputs = np.nonzero(np.array(op.table).T)
        elif isinstance(op, TransposedConv):
            inputs = np.arange(len(weight))[:, None]
            outputs = inputs // (len(weight) // op.groups) * weight.shape[1] + np.arange(weight.shape[1])
        elif isinstance(op, DepthwiseConv) or (isinstance(op, SeparableConv) and part == 0):
            outputs = np.arange(len(weight))[:, None]
            inputs = outputs // op.multiplier
        else:
            groups = op.groups if isinstance(op, Conv) else 1
            columns = weight.shape[1] if isinstance(op, Conv | SeparableConv) else self.channels_in
            outputs = np.arange(len(weight))[:, None]
            inputs = outputs // (len(weight) // groups) * columns + np.arange(columns)
        rows = np.broadcast_shapes(inputs.shape, outputs.shape)
        return weight.reshape(*rows, -1), inputs, outputs
